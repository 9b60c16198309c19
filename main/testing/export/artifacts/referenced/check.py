"""Compares this model, as Python loads it, with what the workbench gave (reference.safetensors). Prints one JSON object.

    python check.py
"""
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
import onnxruntime


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


VERSIONS = {"onnxruntime": onnxruntime.__version__}

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
