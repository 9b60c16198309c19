"""Compares this model, as Python loads it, with what the workbench gave (reference.safetensors). Prints one JSON object.

    python check.py
"""
import json
from pathlib import Path

import numpy as np
from check_model import VERSIONS, Model  # what it is, and how it is loaded
from safetensors.numpy import load_file

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
