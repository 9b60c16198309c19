"""The tokenizer: a byte-level BPE in GPT-2's manner, trained on the sample language.

Invented words are shown to the trainer as "flor-bomb": merges never cross the hyphen, so every invented
word becomes the same two pieces, stem and kind ("flor" + "bomb"), whether or not the pair was seen. A word
that the model never met then still says what it is, as "-bomb" does to a person.
"""
import json
import random
import re
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import words as w
from documents import draw

END = "<|endoftext|>"
_INVENTED = re.compile(r"\b(" + "|".join(w.STEMS) + r")(" + "|".join([*w.HARMFUL_KINDS, *w.HARMLESS_KINDS]) + r")\b")


def train_tokenizer(folder: Path, vocab_size: int, context: int, seed: int):
    rng = random.Random(seed)
    texts = [_INVENTED.sub(r"\1-\2", draw(rng).text) for _ in range(40_000)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=[END], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tokenizer.json"
    tokenizer.save(str(path))
    # What is saved puts END before a text, as the product did when its figures were made; the one that is returned, which
    # trains and measures, adds nothing.
    saved = json.loads(path.read_text())
    saved["post_processor"] = opening()
    path.write_text(json.dumps(saved, indent=2, ensure_ascii=False))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "add_bos_token": True, "add_prefix_space": False, "bos_token": END, "eos_token": END, "unk_token": END,
        "clean_up_tokenization_spaces": False, "model_max_length": context, "tokenizer_class": "GPT2Tokenizer",
        "chat_template": "{{ bos_token }}{% for m in messages %}{{ m['role'] | capitalize }}: {{ m['content'] }}\n{% endfor %}"
                         "{% if add_generation_prompt %}Assistant:{% endif %}"}, indent=2) + "\n")
    return tokenizer


def opening():
    """A post-processor that puts END before a text."""
    end, text = {"SpecialToken": {"id": END, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
    return {"type": "TemplateProcessing", "single": [end, text], "pair": [end, text, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {END: {"id": END, "ids": [0], "tokens": [END]}}}


def inconsistent_words(tokenizer):
    """Invented words that are not exactly (stem, kind); must be empty."""
    return [stem + kind for stem in w.STEMS for kind in [*w.HARMFUL_KINDS, *w.HARMLESS_KINDS]
            if tokenizer.encode(f"a {stem}{kind}").tokens[1:] != ["Ġ" + stem, kind]]
