// errata_edit.py of a Hugging Face folder: PyTorch hooks that apply the edit to a transformers model. It is the same file for every
// edit; what differs lies in edit.json and edit.safetensors.
import { OPERATION_KINDS, OPERATIONS } from '../../../../contract/domain/operations/index.ts';
import { DICTIONARY_KINDS, kindOf, PER_FEATURE_NAMES } from '../../../dictionaries/kinds/index.ts';

export const HOOK_FILE = 'errata_edit.py';
export const ORIGINAL_FOLDER = 'original';

const FORMULAS = OPERATION_KINDS.map((kind) => `    ${kind.padEnd(12)} gain = ${OPERATIONS[kind].formula}`).join('\n');

const GAINS = OPERATION_KINDS.flatMap((kind) => [
  `        if kind == "${kind}":`,
  ...OPERATIONS[kind].python.map((line) => `            ${line}`),
]).join('\n');

const ROW_PARTS = ['encoder', 'encoder_bias', ...PER_FEATURE_NAMES, 'decoder'].map((part) => `"${part}"`).join(', ');

const SELECTIONS = DICTIONARY_KINDS.flatMap((architecture) => [
  `        if architecture == "${architecture}":`,
  ...kindOf({ architecture }).python.map((line) => `            ${line}`),
]).join('\n');

export const HOOK_PYTHON = `"""Loads the model in "${ORIGINAL_FOLDER}" and applies the edit in edit.json and edit.safetensors to it, with PyTorch hooks.

    from errata_edit import load
    model = load()                      # a transformers model; model.errata is the edit

With f the activation of a feature, d its decoder row and x what flows through the site, x becomes x + gain * d, where
${FORMULAS}
at the positions of its scope, where one of its gates is open. Everywhere else x stays as it is, bit for bit.

The prompt is what a generation begins with: the first pass, before anything is in the cache. To tell prompt and generated text
apart in a single pass, say where each prompt ends: model.errata.prompt_lengths = [5, 7]. Beam search is not supported by
edits that remember a first firing. Written by Errata; needs torch, transformers and safetensors.
"""
import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM


def load(folder=None, **options):
    """The patched model. \`options\` go to from_pretrained; the default is float32 on the CPU."""
    folder = Path(folder) if folder is not None else Path(__file__).resolve().parent
    options.setdefault("dtype", torch.float32)
    config = json.loads((folder / "${ORIGINAL_FOLDER}" / "config.json").read_text(encoding="utf-8"))
    if config.get("attn_logit_softcapping"):
        options.setdefault("attn_implementation", "eager")  # the others leave the soft-capping out
    model = AutoModelForCausalLM.from_pretrained(folder / "${ORIGINAL_FOLDER}", **options).eval()
    model.errata = Edit(folder).attach(model)
    return model


class Edit:
    def __init__(self, folder):
        description = json.loads((Path(folder) / "edit.json").read_text(encoding="utf-8"))
        if description["format"] != "errata.hook.1":
            raise ValueError("edit.json is of another version of Errata")
        self.bos_token_id = description["bos_token_id"]
        self.places = description["places"]
        self.rows = load_file(str(Path(folder) / "edit.safetensors"))
        self.prompt_lengths = None  # one number for each sample; None: what the first pass holds

    def attach(self, model):
        model.register_forward_pre_hook(self._begin, with_kwargs=True)
        for place in self.places:
            if place["at"] == "input":
                module = model.get_submodule(place["module"])
                module.register_forward_pre_hook(self._input_hook(place), with_kwargs=True)
        for place in self.places:
            if place["at"] == "input":
                continue
            module = model.get_submodule(place["module"])
            # After the input hooks above: what a block is remembered to be given is what they made of it.
            if place["plus_input_of"] is not None:
                block = model.get_submodule(place["plus_input_of"])
                block.register_forward_pre_hook(self._remember(place), with_kwargs=True)
            module.register_forward_hook(self._output_hook(place))
        return self

    # ---- hooks

    def _begin(self, module, args, kwargs):
        """Before each pass of the model: where its tokens stand."""
        ids = kwargs.get("input_ids", args[0] if args else None)
        if ids is None:
            raise ValueError("an edited model needs input_ids: the scope of an edit depends on the tokens")
        batch, time = ids.shape
        past = kwargs.get("past_key_values")
        before = 0 if past is None else int(past.get_seq_length())
        mask = kwargs.get("attention_mask")
        left = torch.zeros(batch, 1, dtype=torch.long, device=ids.device)  # padding before the first token
        if mask is not None and mask.dim() == 2:
            left = (mask.cumsum(dim=1) == 0).sum(dim=1, keepdim=True).to(ids.device)
        position = torch.arange(before, before + time, device=ids.device)[None, :] - left
        if before == 0:
            self._fired = {}
            self._prompt = time - left
        if self.prompt_lengths is not None:
            self._prompt = torch.as_tensor(self.prompt_lengths, device=ids.device).reshape(batch, 1)
        self._is_real = position >= 0
        self._is_bos = position <= 0
        if self.bos_token_id is not None:
            self._is_bos = self._is_bos | (ids == self.bos_token_id)
        self._is_prompt = position < self._prompt

    def _input_hook(self, place):
        def hook(module, args, kwargs):
            if args:
                return (self.change(place, args[0]), *args[1:]), kwargs
            return args, {**kwargs, "hidden_states": self.change(place, kwargs["hidden_states"])}

        return hook

    def _output_hook(self, place):
        def hook(module, args, output):
            first = output[0] if isinstance(output, tuple) else output
            stream = None if place["plus_input_of"] is None else place["_input"]
            changed = self.change(place, first, stream)
            return (changed, *output[1:]) if isinstance(output, tuple) else changed

        return hook

    def _remember(self, place):
        def hook(module, args, kwargs):
            place["_input"] = args[0] if args else kwargs["hidden_states"]

        return hook

    # ---- the edit

    def change(self, place, value, stream=None):
        """\`value\` with the edit at \`place\`. With \`stream\`, what the edit reads is the sum of the two."""
        batch, time = self._is_bos.shape
        flat = value.reshape(batch, time, -1)
        x = (flat if stream is None else flat + stream.reshape(batch, time, -1)).float()
        delta = torch.zeros_like(x)
        is_changed = torch.zeros(batch, time, 1, dtype=torch.bool, device=x.device)
        for dictionary in place["dictionaries"]:
            rows = {part: self._rows(dictionary, part, x) for part in (${ROW_PARTS})}
            features = self._activations(x, dictionary, rows)
            for index, operation in enumerate(dictionary["operations"]):
                f = features[:, :, operation["row"]]
                gain = self._gain(operation, f, x, rows["decoder"][index])
                key = (place["site"], dictionary["name"], index)
                gain = torch.where(self._is_on(operation, features, key), gain, torch.zeros_like(f))[:, :, None]
                delta = delta + gain * rows["decoder"][index]
                is_changed = is_changed | (gain != 0)
        return torch.where(is_changed, (flat + delta).to(value.dtype), flat).reshape(value.shape)

    def _rows(self, dictionary, part, x):
        tensor = self.rows.get(f"{dictionary['name']}.{part}")
        return None if tensor is None else tensor.to(device=x.device, dtype=x.dtype)

    def _activations(self, x, dictionary, rows):
        """[batch, time, rows of the encoder]"""
        pre = x @ rows["encoder"].T + rows["encoder_bias"]
        architecture, k = dictionary["architecture"], dictionary["k"]
${SELECTIONS}
        raise ValueError(f"unknown kind of dictionary {architecture}")

    def _gain(self, operation, f, x, d):
        kind, number = operation["kind"], operation["number"]
${GAINS}
        raise ValueError(f"unknown operation {kind}")

    def _is_on(self, operation, features, key):
        """[batch, time]: where the scope holds and a gate is open."""
        positions = operation["positions"]
        if positions == "notBos":
            is_on = ~self._is_bos
        elif positions == "promptOnly":
            is_on = self._is_prompt
        elif positions == "generatedOnly":
            is_on = ~self._is_prompt
        elif positions == "fromFirstFiring":
            fires = (features[:, :, operation["first_row"]] > 0) & self._is_real
            before = self._fired.get(key, torch.zeros_like(fires[:, :1]))
            is_on = (fires.cumsum(dim=1) > 0) | before
            self._fired[key] = is_on[:, -1:]
        else:
            is_on = torch.ones_like(self._is_bos)
        if operation["gates"]:
            is_open = torch.zeros_like(is_on)
            for gate in operation["gates"]:
                is_open = is_open | (features[:, :, gate["row"]] > gate["threshold"])
            is_on = is_on & is_open
        return is_on
`;

export const CHECK_FILE = 'check.py';

/** How each kind of artifact is loaded in check.py. */
const LOADERS = {
  onnx: `import onnxruntime


class Model:
    def __init__(self):
        self.whole = onnxruntime.InferenceSession(str(FOLDER / "model.onnx"), providers=["CPUExecutionProvider"])
        self.cached = onnxruntime.InferenceSession(str(FOLDER / "model_with_past.onnx"), providers=["CPUExecutionProvider"])

    def logits(self, ids, prompt_length):
        names = [node.name for node in self.whole.get_inputs()]
        inputs = {"input_ids": ids[None], "prompt_length": np.array([prompt_length])}
        return self.whole.run(["logits"], {name: inputs[name] for name in names})[0][0]

    def greedy(self, ids, count):
        inputs = {"left_padding": np.zeros(1, dtype=np.int64), "prompt_length": np.array([len(ids)])}
        for node in self.cached.get_inputs():
            if node.name.startswith("past_"):
                shape = [{"batch": 1, "past": 0}.get(size, size) for size in node.shape]
                inputs[node.name] = np.zeros(shape, dtype=bool if node.type == "tensor(bool)" else np.float32)
        wanted = {node.name for node in self.cached.get_inputs()}
        names = [node.name for node in self.cached.get_outputs()]
        step, found = ids[None], []
        for _ in range(count):
            feeds = {name: value for name, value in {**inputs, "input_ids": step}.items() if name in wanted}
            results = dict(zip(names, self.cached.run(names, feeds)))
            step = results["logits"][:, -1].argmax(-1)[:, None]
            found.append(int(step[0, 0]))
            inputs.update({n.replace("present_", "past_"): v for n, v in results.items() if n.startswith("present_")})
        return found


VERSIONS = {"onnxruntime": onnxruntime.__version__}`,
  transformers: (load: string) => `import torch
import transformers
${load}


class Model:
    def __init__(self):
        self.model = load_model()

    @torch.no_grad()
    def logits(self, ids, prompt_length):
        if hasattr(self.model, "errata"):
            self.model.errata.prompt_lengths = [prompt_length]
        return self.model(input_ids=torch.tensor(ids[None]), use_cache=False).logits[0].float().numpy()

    @torch.no_grad()
    def greedy(self, ids, count):
        if hasattr(self.model, "errata"):
            self.model.errata.prompt_lengths = None
        step, past, found = torch.tensor(ids[None]), None, []
        for _ in range(count):
            out = self.model(input_ids=step, past_key_values=past, use_cache=True)
            past, step = out.past_key_values, out.logits[:, -1].argmax(-1, keepdim=True)
            found.append(int(step))
        return found


VERSIONS = {"torch": torch.__version__, "transformers": transformers.__version__}`,
} as const;

const LOAD_PLAIN = `
def load_model():
    options = {}
    if getattr(transformers.AutoConfig.from_pretrained(FOLDER), "attn_logit_softcapping", None):
        options["attn_implementation"] = "eager"  # the others leave the soft-capping out
    return transformers.AutoModelForCausalLM.from_pretrained(FOLDER, **options).eval()`;
const LOAD_HOOKED = `from errata_edit import load as load_model`;

export function checkPython(kind: 'onnx' | 'checkpoint' | 'hook'): string {
  const loader = kind === 'onnx' ? LOADERS.onnx : LOADERS.transformers(kind === 'hook' ? LOAD_HOOKED : LOAD_PLAIN);
  return `"""Compares this model, as Python loads it, with what the workbench gave (reference.safetensors). Prints one JSON object.

    python check.py
"""
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
${loader}

FOLDER = Path(__file__).resolve().parent


def parts(values, lengths):
    return np.split(values, np.cumsum(lengths)[:-1])


def log_softmax(x):
    x = x.astype(np.float64)
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def main():
    reference = load_file(str(FOLDER / "reference.safetensors"))
    texts = parts(reference["text_tokens"].astype(np.int64), reference["text_lengths"])
    vocabulary = len(reference["text_logits"]) // len(reference["text_tokens"])
    expected = parts(reference["text_logits"].reshape(-1, vocabulary), reference["text_lengths"])
    model = Model()
    largest, divergence, positions = 0.0, 0.0, 0
    for ids, prompt_length, wanted in zip(texts, reference["text_prompt_lengths"], expected):
        found = model.logits(ids, int(prompt_length))
        largest = max(largest, float(np.abs(found - wanted).max()))
        p, q = log_softmax(wanted), log_softmax(found)
        divergence += float((np.exp(p) * (p - q)).sum())
        positions += len(ids)
    prompts = parts(reference["prompt_tokens"].astype(np.int64), reference["prompt_lengths"])
    continuations = reference["continuation_ids"].reshape(len(prompts), -1)
    same = [model.greedy(ids, len(wanted)) == list(map(int, wanted)) for ids, wanted in zip(prompts, continuations)]
    report = {
        "positions": positions,
        "max_abs_logit_diff": largest,
        "mean_kl": max(0.0, divergence / positions),
        "greedy_texts": len(same),
        "greedy_texts_equal": sum(same),
        "versions": VERSIONS,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
`;
}
