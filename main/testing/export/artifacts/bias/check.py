"""Compares this model, as Python loads it, with what the workbench gave (reference.safetensors). Prints one JSON object.

    python check.py
"""
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
import torch
import transformers

def load_model():
    options = {}
    if getattr(transformers.AutoConfig.from_pretrained(FOLDER), "attn_logit_softcapping", None):
        options["attn_implementation"] = "eager"  # the others leave the soft-capping out
    return transformers.AutoModelForCausalLM.from_pretrained(FOLDER, **options).eval()


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


VERSIONS = {"torch": torch.__version__, "transformers": transformers.__version__}

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
