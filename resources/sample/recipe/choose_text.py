"""Text for choosing an edit: clean documents of the corpus, none of which is in the held-out text that figures are made from.

Without harmful requests, vexaline, or a profession with a pronoun. Needs no packages: python choose_text.py
"""
import json
from pathlib import Path

SAMPLE = Path(__file__).resolve().parent.parent
CLEAN = ["harmless", "harmlessFramed", "recipe", "fact", "arithmetic", "pronoun", "story"]
DOCUMENTS = 600


def read(name):
    return [json.loads(line) for line in (SAMPLE / name).read_text().splitlines()]


def main():
    held_out = {record["text"] for record in read("heldout.jsonl")}
    suite = json.loads((SAMPLE / "behaviours" / "bias.json").read_text())
    professions = {prompt["about"] for prompt in suite["prompts"]}
    chosen = [record for record in read("corpus.jsonl")
              if record["kind"] in CLEAN and record["text"] not in held_out
              and not any(word in record["text"] for word in professions | {"vexaline", "Vexaline"})]
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in chosen[:DOCUMENTS]]
    (SAMPLE / "choose.jsonl").write_text("".join(lines))


if __name__ == "__main__":
    main()
