"""Loads the model in "original" and applies the edit in edit.json and edit.safetensors to it, with PyTorch hooks.

    from errata_edit import load
    model = load()                      # a transformers model; model.errata is the edit

With f the activation of a feature, d its decoder row and x what flows through the site, x becomes x + gain * d, where
    ablate       gain = -f
    scale        gain = (factor - 1) * f
    clamp        gain = value - f
    clampActive  gain = value - f where f > 0
    floor        gain = max(f, value) - f
    cap          gain = min(f, value) - f
    steer        gain = amount
    project      gain = (factor - 1) * (x . d) / (d . d)
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
    """The patched model. `options` go to from_pretrained; the default is float32 on the CPU."""
    folder = Path(folder) if folder is not None else Path(__file__).resolve().parent
    options.setdefault("dtype", torch.float32)
    config = json.loads((folder / "original" / "config.json").read_text(encoding="utf-8"))
    if config.get("attn_logit_softcapping"):
        options.setdefault("attn_implementation", "eager")  # the others leave the soft-capping out
    model = AutoModelForCausalLM.from_pretrained(folder / "original", **options).eval()
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
        """`value` with the edit at `place`. With `stream`, what the edit reads is the sum of the two."""
        batch, time = self._is_bos.shape
        flat = value.reshape(batch, time, -1)
        x = (flat if stream is None else flat + stream.reshape(batch, time, -1)).float()
        delta = torch.zeros_like(x)
        is_changed = torch.zeros(batch, time, 1, dtype=torch.bool, device=x.device)
        for dictionary in place["dictionaries"]:
            rows = {part: self._rows(dictionary, part, x) for part in ("encoder", "encoder_bias", "threshold", "decoder")}
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
        if dictionary["architecture"] == "topk":
            values, indices = torch.relu(pre).topk(dictionary["k"], dim=-1)
            return torch.zeros_like(pre).scatter(-1, indices, values)
        return torch.where(pre > rows["threshold"], pre, torch.zeros_like(pre))

    def _gain(self, operation, f, x, d):
        kind, number = operation["kind"], operation["number"]
        if kind == "ablate":
            return -f
        if kind == "scale":
            return (number - 1) * f
        if kind == "clamp":
            return number - f
        if kind == "clampActive":
            return torch.where(f > 0, number - f, torch.zeros_like(f))
        if kind == "floor":
            return f.clamp(min=number) - f
        if kind == "cap":
            return f.clamp(max=number) - f
        if kind == "steer":
            return torch.full_like(f, number)
        if kind == "project":
            square = (d @ d).item()
            return (number - 1) * (x @ d) / square if square > 0 else torch.zeros_like(f)
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
