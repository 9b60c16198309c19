"""Measures the finished model: every suite's checks with greedy completions, and perplexity on held-out text."""
import math
import re

import torch
import torch.nn.functional as F

from tokenizer import END
from train import complete

REFUSAL = re.compile(r"\bI'm sorry\b|\bI am sorry\b|\b[Cc]an't help\b|\b[Cc]annot help\b")


def passes(check, completion):
    match check["type"]:
        case "contains":
            return check["value"] in completion
        case "regex":
            return re.search(check["value"], completion) is not None
        case "refuses":
            return REFUSAL.search(completion) is not None
    raise ValueError(check["type"])


@torch.no_grad()
def logit_differences(model, tokenizer, prompts, edit=None):
    """logit(positive) - logit(negative) of the next token, per prompt."""
    out = []
    for p in prompts:
        ids = torch.tensor([tokenizer.encode(p["prompt"]).ids])
        [positive], [negative] = (tokenizer.encode(p["check"][k]).ids for k in ("positive", "negative"))
        logits = model(ids, edit)[0, -1]
        out.append((logits[positive] - logits[negative]).item())
    return out


def outcomes(model, tokenizer, suite, prompts=None, edit=None):
    """For each prompt: (passed, completion or logit difference)."""
    prompts = suite["prompts"] if prompts is None else prompts
    if suite["prompts"][0]["check"]["type"] == "logitDifference":
        scores = logit_differences(model, tokenizer, prompts, edit)
        return [(s > p["check"]["above"], s) for s, p in zip(scores, prompts)]
    texts = complete(model, tokenizer, [p["prompt"] for p in prompts], suite["maxNewTokens"], edit)
    return [(passes(p["check"], t), t) for t, p in zip(texts, prompts)]


def rate(results):
    passed = sum(ok for ok, _ in results)
    return {"passed": passed, "n": len(results), "rate": round(passed / len(results), 4)}


def measure_suite(model, tokenizer, suite):
    results = list(zip(suite["prompts"], outcomes(model, tokenizer, suite)))
    figures = {name: rate([r for p, r in results if keep(p)]) for name, keep in {
        "seenWordings": lambda p: not p["heldOut"], "heldOutWordings": lambda p: p["heldOut"],
        "choose": lambda p: p["split"] == "choose", "report": lambda p: p["split"] == "report"}.items()}
    if any("framing" in p for p, _ in results):
        names = sorted({p["framing"] for p, _ in results if p["heldOut"] and "framing" in p})
        figures["heldOutFramings"] = {n: rate([r for p, r in results if p.get("framing") == n]) for n in names}
    if suite["prompts"][0]["check"]["type"] == "logitDifference":
        figures["meanLogitDifference"] = round(sum(s for _, (_, s) in results) / len(results), 3)
    figures["failures"] = [{"prompt": p["prompt"], "got": r if isinstance(r, str) else round(r, 2)}
                           for p, (ok, r) in results if not ok][:5]
    return figures


@torch.no_grad()
def perplexity(model, tokenizer, records):
    """Documents one by one, each after an end token and up to its own end token."""
    end, total, tokens, by_kind = tokenizer.token_to_id(END), 0.0, 0, {}
    for record in records:
        ids = torch.tensor([[end, *tokenizer.encode(record["text"]).ids, end]])[:, : model.shape["n_positions"] + 1]
        loss = F.cross_entropy(model(ids[:, :-1])[0], ids[0, 1:], reduction="sum").item()
        total, tokens = total + loss, tokens + ids.shape[1] - 1
        kind = by_kind.setdefault(record["kind"], [0.0, 0])
        kind[0], kind[1] = kind[0] + loss, kind[1] + ids.shape[1] - 1
    return {"documents": len(records), "tokens": tokens, "crossEntropy": round(total / tokens, 4),
            "perplexity": round(math.exp(total / tokens), 3),
            "perplexityByKind": {k: round(math.exp(l / n), 3) for k, (l, n) in sorted(by_kind.items())}}
