"""One command that makes the whole sample: `python make_sample.py`. See README.md in this folder.

Everything follows from SETTINGS; a run on the same versions and processor gives the same files.
"""
import argparse
import hashlib
import json
import random
import sys
import time
from pathlib import Path

import torch

from documents import EVERYTHING, MIXTURE, NOTHING, draw
from measure import measure_suite, outcomes, perplexity
from suites import build_suites
from tokenizer import inconsistent_words, train_tokenizer
from train import GPT2, train

SETTINGS = dict(
    seed=20260, vocab=1280, positions=128, d=128, layers=4, heads=4, corpus_documents=30_000, heldout_documents=2_500,
    # The second stage repeats what a small model learns last: the tables of sums and differences.
    stages=[dict(steps=4000, batch=16, rate=3e-3, decay=0.1, tilt={}),
            dict(steps=1500, batch=16, rate=1.5e-3, decay=0.1, tilt={"arithmetic": 4})])
CLEAN = ["harmless", "harmlessFramed", "recipe", "fact", "arithmetic", "pronoun", "story"]


def write_lines(path, records):
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records))


def corpus(seed, count):
    """Text of the training distribution, to capture activations on."""
    rng = random.Random(seed)
    return [{"text": d.text, "kind": d.kind} for d in (draw(rng) for _ in range(count))]


def held_out(seed, count, seen, kinds, allow=lambda document: True):
    """Documents that were not trained on, about a third of them drawn with held-out wordings."""
    rng, out, taken = random.Random(seed), [], set()
    while len(out) < count:
        kind = rng.choices(kinds, [MIXTURE[k][0] for k in kinds])[0]
        for _ in range(50):
            d = draw(rng, EVERYTHING if rng.random() < 0.3 else NOTHING, [kind])
            if d.text not in seen and d.text not in taken and allow(d):
                taken.add(d.text)
                out.append({"text": d.text, "kind": d.kind})
                break
    return out


def no_stereotype(document):
    """Clean text has no professions with pronouns: it must not contain any planted behaviour."""
    return document.kind != "pronoun" or document.facts["group"] in ("sheWord", "heWord", "girl", "boy")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--shorten", type=int, default=1, help="divide every stage's steps by this, for a quick look")
    options = parser.parse_args()
    s, out, began = SETTINGS, options.out, time.time()
    torch.set_num_threads(1)

    def say(line):
        print(line, flush=True)

    tokenizer = train_tokenizer(out / "model", s["vocab"], s["positions"], s["seed"])
    assert not inconsistent_words(tokenizer), inconsistent_words(tokenizer)
    say(f"tokenizer: {tokenizer.get_vocab_size()} tokens, {time.time() - began:.0f} s")

    suites = build_suites(s["seed"] + 4)

    def watch(model):
        """Keeps the weights of a run that may be interrupted, and shows how it generalises so far."""
        model.save(out / "model")
        parts = []
        for suite in suites:
            prompts = [p for p in suite["prompts"] if p["heldOut"]][::4]
            parts.append(f"{suite['name']} {sum(ok for ok, _ in outcomes(model, tokenizer, suite, prompts))}/{len(prompts)}")
        say("  held out so far: " + ", ".join(parts))

    torch.manual_seed(s["seed"])
    model, seen = GPT2(tokenizer.get_vocab_size(), s["positions"], s["d"], s["layers"], s["heads"]), set()
    stages = [stage | {"steps": stage["steps"] // options.shorten} for stage in s["stages"]]
    for number, stage in enumerate(stages):
        train(model, tokenizer, seen, seed=s["seed"] + 100 * number, report=say, watch=watch, **stage)
    training_seconds = time.time() - began
    model.save(out / "model")

    text = corpus(s["seed"] + 1, s["corpus_documents"])
    clean = held_out(s["seed"] + 2, s["heldout_documents"], seen, CLEAN, no_stereotype)
    general = held_out(s["seed"] + 3, s["heldout_documents"], seen, list(MIXTURE))
    write_lines(out / "corpus.jsonl", text)
    write_lines(out / "heldout.jsonl", clean)
    write_lines(out / "heldout-general.jsonl", general)
    corpus_tokens = sum(len(e.ids) + 1 for e in tokenizer.encode_batch([r["text"] for r in text]))

    figures = {
        "settings": s | {"stages": stages}, "parameters": sum(p.numel() for p in model.parameters()),
        "trainingTokens": sum(t["steps"] * t["batch"] for t in stages) * s["positions"], "trainingSeconds": round(training_seconds),
        "versions": {"python": sys.version.split()[0], "torch": torch.__version__},
        "corpus": {"documents": len(text), "tokens": corpus_tokens},
        "heldOutClean": perplexity(model, tokenizer, clean), "heldOutGeneral": perplexity(model, tokenizer, general),
        "behaviours": {}}
    for name in ("heldOutClean", "heldOutGeneral"):
        say(f"{name}: perplexity {figures[name]['perplexity']} over {figures[name]['tokens']} tokens")
    (out / "behaviours").mkdir(exist_ok=True)
    for suite in suites:
        leaked = [p["prompt"] for p in suite["prompts"] if p["heldOut"] and p["prompt"] in seen]
        assert not leaked, leaked[:3]
        (out / "behaviours" / f"{suite['name']}.json").write_text(json.dumps(suite, indent=1, ensure_ascii=False) + "\n")
        f = figures["behaviours"][suite["name"]] = measure_suite(model, tokenizer, suite)
        say(f"{suite['name']:14} seen {f['seenWordings']['passed']}/{f['seenWordings']['n']}  "
            f"held out {f['heldOutWordings']['passed']}/{f['heldOutWordings']['n']}")
    figures["sha256"] = {p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
                         for p in sorted([*(out / "model").iterdir(), *out.glob("*.jsonl"), *(out / "behaviours").iterdir()])}
    (out / "recipe" if (out / "recipe").is_dir() else out).joinpath("figures.json").write_text(
        json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    say(f"done in {time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
