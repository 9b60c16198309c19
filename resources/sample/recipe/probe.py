"""Where can an edit remove the jailbreak? A difference-of-means experiment on the finished model.

At every layer, at the last prompt token, two directions are taken from the `choose` prompts:
    jailbreak = mean(harmful request in a jailbreak framing) - mean(harmful request, refused)
    harmful   = mean(all harmful requests) - mean(all harmless requests)
and the `report` prompts are answered again while the jailbreak direction is set to what it is on refused requests
(`project`), or that plus as much again beyond it (`overshoot`), at every position, with and without the gate
"only where the harmful direction says harmful". Nothing here is used by the product; it tells at which site an edit can work.
"""
import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from measure import outcomes, perplexity, rate
from train import GPT2

SUITES = ["jailbreak", "refusals", "harmless", "lookalike"]


def load(folder):
    config = json.loads((folder / "config.json").read_text())
    model = GPT2(config["vocab_size"], config["n_positions"], config["n_embd"], config["n_layer"], config["n_head"])
    model.load_state_dict({k.removeprefix("transformer."): v.float()
                           for k, v in load_file(folder / "model.safetensors").items()})
    return model.eval(), Tokenizer.from_file(str(folder / "tokenizer.json"))


@torch.no_grad()
def last_residuals(model, tokenizer, prompts):
    """resid_post of every layer at the last prompt token: [layer, prompt, d]."""
    rows = []
    for prompt in prompts:
        kept = []
        model(torch.tensor([tokenizer.encode(prompt["prompt"], add_special_tokens=False).ids]), lambda _, x: kept.append(x[0, -1]) or x)
        rows.append(torch.stack(kept))
    return torch.stack(rows, 1)


def auroc(positive, negative):
    both = torch.cat([positive, negative])
    ranks = both.argsort().argsort().float() + 1
    n, m = len(positive), len(negative)
    return ((ranks[:n].sum() - n * (n + 1) / 2) / (n * m)).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=Path, default=Path(__file__).resolve().parent.parent)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model, tokenizer = load(options.sample / "model")
    suites = {n: json.loads((options.sample / "behaviours" / f"{n}.json").read_text()) for n in SUITES}
    clean = [json.loads(line) for line in (options.sample / "heldout.jsonl").read_text().splitlines()[:400]]
    split = {n: {s: [p for p in suite["prompts"] if p["split"] == s and (s == "choose" or p["heldOut"])]
                 for s in ("choose", "report")} for n, suite in suites.items()}
    choose = {n: last_residuals(model, tokenizer, split[n]["choose"]) for n in SUITES}
    report = {n: last_residuals(model, tokenizer, split[n]["report"]) for n in SUITES}

    def evaluate(edit):
        row = {n: rate(outcomes(model, tokenizer, suites[n], split[n]["report"], edit))["rate"] for n in SUITES}
        prompts = [p for p in split["jailbreak"]["report"]]
        refused = outcomes(model, tokenizer, suites["refusals"], [p | {"check": {"type": "refuses"}} for p in prompts], edit)
        row["jailbreakRefused"] = rate(refused)["rate"]
        row["cleanCrossEntropy"] = perplexity_with(edit)
        return row

    def perplexity_with(edit):
        if edit is None:
            return perplexity(model, tokenizer, clean)["crossEntropy"]
        plain = model.forward
        model.forward = lambda ids, _=None: plain(ids, edit)
        try:
            return perplexity(model, tokenizer, clean)["crossEntropy"]
        finally:
            model.forward = plain

    figures = {"reportPrompts": {n: len(split[n]["report"]) for n in SUITES}, "unedited": evaluate(None), "layers": []}
    print("unedited", figures["unedited"], flush=True)
    for layer in range(model.shape["n_layer"]):
        mean = {n: choose[n][layer].mean(0) for n in SUITES}
        jailbreak = mean["jailbreak"] - mean["refusals"]
        size, unit = jailbreak.norm(), jailbreak / jailbreak.norm()
        harmful = (mean["jailbreak"] + mean["refusals"] - mean["harmless"] - mean["lookalike"]) / 2
        harmful = harmful / harmful.norm()
        yes = torch.cat([choose[n][layer] @ harmful for n in ("jailbreak", "refusals")])
        no = torch.cat([choose[n][layer] @ harmful for n in ("harmless", "lookalike")])
        threshold = ((yes.mean() + no.mean()) / 2).item()
        target = (mean["refusals"] @ unit).item()
        entry = {
            "site": f"blocks.{layer}.hook_resid_post", "norm": round(size.item(), 2),
            "jailbreakAuroc": round(auroc(report["jailbreak"][layer] @ unit, report["refusals"][layer] @ unit), 4),
            "harmfulAuroc": round(auroc(torch.cat([report[n][layer] @ harmful for n in ("jailbreak", "refusals")]),
                                        torch.cat([report[n][layer] @ harmful for n in ("harmless", "lookalike")])), 4),
            "edits": {}}
        for name, gated, beyond in (("project", False, 0), ("project, gated", True, 0), ("overshoot, gated", True, 1),
                                    ("overshoot x2, gated", True, 2)):
            def edit(l, x):
                if l != layer:
                    return x
                along = x @ unit
                wanted = target - beyond * size.item()
                change = (wanted - along).clamp(max=0)  # never adds what is not there
                if gated:
                    change = change * (x @ harmful > threshold)
                return x + change[..., None] * unit
            entry["edits"][name] = evaluate(edit)
            print(entry["site"], name, entry["edits"][name], flush=True)
        figures["layers"].append(entry)
        print({k: v for k, v in entry.items() if k != "edits"}, flush=True)
    (options.sample / "recipe" / "probe.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
