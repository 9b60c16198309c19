"""Writes tokenizers.json.gz: tokenizers put together as those of some thirty families are, trained on a few lines, with what the
reference makes of 41 awkward texts. pip install tokenizers==0.23.2; python make_tokenizers.py. The result is kept with the code."""

import gzip
import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = [
    "The keeper of the lamp walked up the stairs at dusk and counted the boats that came home.",
    "She's sure they'll say it isn't so; we've 12345 reasons, don't you? I'd say 3.14159.",
    "def f(x):\n    if x > 0:\n        return x ** 2  # square\n\treturn None\n\n\n",
    "Grüße aus Köln, żółć, naïve café, Ελληνικά, русский текст, 漢字かな交じり文, 한국어 문장, العربية.",
    "https://example.org/a?b=c&d=e#f user@mail.example \"quoted\" 'single' (parens) [brackets] {braces}",
    "the the the lamp lamp lamps foo food foo-bar foobar fooled 2024 2025 1999 100 1000",
] * 3

TEXTS = [
    "",
    " ",
    "   ",
    "\n",
    "\n\n \n\t\n",
    "\r\n\r\n",
    "a",
    "The lamp",
    " The lamp",
    "  two  spaces  ",
    "trailing space ",
    "tab\tand\u00a0no-break",
    "She's HERE'S they'LL I'M don't",
    "1 12 123 1234 12345678 3.14 1,000",
    "def f(x):\n    return x\n\n\n    # end",
    "foo foobar foo-bar barfoo foo.",
    "before<|mid|>after <|mid|> twice<|mid|><|mid|>",
    "a <pad> b<pad>c  <pad>  d",
    "LAMP lamp Lamp lAMP",
    "a\ufeffb",
    "\ufeffat the start",
    "line\u2028sep\u2029para\u0085nel",
    "zero\u200bwidth\u200dand\u2060joined",
    "nul\u0000 bell\u0007 del\u007f esc\u001b",
    "café cafe\u0301 \u212b \ufb01ne \u00bd \u2460",
    "İstanbul ıI ßẞ ǅ",
    "漢字かな 한국어 ภาษาไทย",
    "\u1112\u1161\u11ab \uac00\u11a8",
    "العربية עברית हिन्दी",
    "😀 👩‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟘𝟙 𐍈",
    "z̸̡̛a̴l̵g̶o",
    "▁low▁line and _under_",
    "Ġ Ċ <0x41> </w> ## ##s",
    "https://example.org/?q=1&r=%20#frag",
    "()[]{}<>«»“”‘’—–…!?!?",
    "x" * 70,
    "ab " * 20,
    "¡Hola! ¿Qué? №5 €10 £1 ™",
    "１２３ ＡＢＣ ｶﾞ",
    "mixed\u3000ideographic\u2003em\u202fnarrow space\u1680ogham",
]
assert len(TEXTS) == 41

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN = LLAMA3.replace("{1,3}", "")
O200K = "|".join(
    [
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
BYTES = pre_tokenizers.ByteLevel.alphabet()
FALLBACK = [f"<0x{byte:02X}>" for byte in range(256)]


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def bytes_bpe(pre, normalizer=None, special=("<|end|>",), post=None, size=420, prefix_space=False, **options):
    tokenizer = Tokenizer(models.BPE(**options))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(special), initial_alphabet=BYTES, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    if post:
        tokenizer.post_processor = post
    return tokenizer


def with_byte_level(*steps):
    return pre_tokenizers.Sequence([*steps, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def pieces_bpe(normalizer, pre, decoder, post=True, special=("<unk>", "<s>", "</s>"), size=520, **options):
    """SentencePiece's BPE as it is converted: words begin with ▁, and bytes stand for what is in no piece."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=size - 259, special_tokens=["<unk>"], limit_alphabet=60, show_progress=False)
    )
    model = json.loads(trained.to_str())["model"]
    pieces = [piece for piece in sorted(model["vocab"], key=model["vocab"].get) if piece != "<unk>"]
    vocab = {piece: i for i, piece in enumerate([*special, *FALLBACK, *pieces])}
    merges = [tuple(merge) for merge in model["merges"]]
    known = {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, **options}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, **known))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre:
        tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoder
    tokenizer.add_special_tokens(list(special))
    if post and "<s>" in special:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", vocab["<s>"])]
        )
    return tokenizer


def llama_decoder(strip=True):
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if strip else steps)


def unigram(normalizer, pre, decoder, unk="<unk>"):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoder
    trainer = trainers.UnigramTrainer(
        vocab_size=260, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token=unk, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    # Scores and their order differ from one training to the next in the last digits: rounded, the file is the same again.
    definition = json.loads(tokenizer.to_str())
    definition["model"]["vocab"] = [[piece, round(score, 4)] for piece, score in definition["model"]["vocab"]]
    tokenizer = Tokenizer.from_str(json.dumps(definition))
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    return tokenizer


def bert(lowercase, strip_accents=None, chinese=True):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(
        lowercase=lowercase, strip_accents=strip_accents, handle_chinese_chars=chinese, clean_text=True
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=260, special_tokens=special, show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def words(pre, vocab, decoder=None, unk=None):
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(vocab)}, unk_token=unk or "<unk>"))
    tokenizer.pre_tokenizer = pre
    if decoder:
        tokenizer.decoder = decoder
    return tokenizer


def added(tokenizer, *tokens):
    tokenizer.add_tokens([token for token in tokens if not token.special])
    tokenizer.add_special_tokens([token for token in tokens if token.special])
    return tokenizer


LLAMA2_NORMALIZER = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
SPACES = normalizers.Replace(" ", "▁")
byte_level = pre_tokenizers.ByteLevel
bos = lambda token, identity: processors.TemplateProcessing(single=f"{token} $A", special_tokens=[(token, identity)])

FAMILIES = {
    "gpt2": bytes_bpe(byte_level(add_prefix_space=False)),
    "gpt2, prefix space": bytes_bpe(byte_level(add_prefix_space=True)),
    "opt": bytes_bpe(byte_level(add_prefix_space=False), special=["<s>", "<pad>", "</s>"], post=bos("</s>", 2)),
    "roberta": bytes_bpe(
        byte_level(add_prefix_space=False),
        special=["<s>", "<pad>", "</s>", "<mask>"],
        post=processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False),
    ),
    "gpt-neox": added(
        bytes_bpe(byte_level(add_prefix_space=False), normalizers.NFC()),
        *[AddedToken(" " * n, normalized=True, special=False) for n in (2, 4, 8)],
    ),
    "phi": added(bytes_bpe(byte_level(add_prefix_space=False)), *[AddedToken("\t" * n, special=False, normalized=False) for n in (2, 3)]),
    "codegen": bytes_bpe(byte_level(add_prefix_space=False, trim_offsets=False)),
    "llama 3": bytes_bpe(with_byte_level(split(LLAMA3)), special=["<|begin|>", "<|end|>", "<|mid|>"], post=bos("<|begin|>", 0), ignore_merges=True),
    "qwen 2": bytes_bpe(with_byte_level(split(QWEN)), normalizers.NFC()),
    "gpt-4o": bytes_bpe(with_byte_level(split(O200K))),
    "deepseek": bytes_bpe(
        with_byte_level(
            split("[\r\n]"),
            split("\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-Ֆ]+"),
            split("\\s?[!-/:-~！-／：-～‘-‟　-。]+"),
            split("\\s+$"),
            split("[一-龥ࠀ-一가-퟿]+"),
            pre_tokenizers.Digits(individual_digits=True),
        )
    ),
    "deepseek 3": bytes_bpe(
        with_byte_level(
            split(r"\p{N}{1,3}"),
            split("[一-龥぀-ゟ゠-ヿ]+"),
            split(
                r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
            ),
        )
    ),
    "starcoder": bytes_bpe(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level(add_prefix_space=False)])),
    "falcon": bytes_bpe(
        pre_tokenizers.Sequence(
            [pre_tokenizers.Punctuation("contiguous"), byte_level(add_prefix_space=False), pre_tokenizers.Digits(), split("[0-9][0-9][0-9]")]
        )
    ),
    "bloom": bytes_bpe(pre_tokenizers.Sequence([split(BLOOM), byte_level(add_prefix_space=False, use_regex=False)])),
    "olmo": added(
        bytes_bpe(byte_level(add_prefix_space=False), normalizers.NFC(), special=["<|end|>", "<|mid|>", "<pad>"]),
        AddedToken("   ", normalized=False, special=False),
    ),
    "command-r": bytes_bpe(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level(add_prefix_space=False)]), normalizers.NFC(), post=bos("<|end|>", 0)),
    "llama 2": pieces_bpe(LLAMA2_NORMALIZER, None, llama_decoder()),
    "llama 2, not legacy": pieces_bpe(None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False), llama_decoder()),
    "mistral": added(pieces_bpe(LLAMA2_NORMALIZER, None, llama_decoder()), AddedToken("<|mid|>", special=True, normalized=False)),
    "tinyllama, chat": added(pieces_bpe(LLAMA2_NORMALIZER, None, llama_decoder()), AddedToken("<|mid|>", special=False, normalized=True)),
    "gemma": pieces_bpe(SPACES, pre_tokenizers.Split(" ", "merged_with_previous"), llama_decoder(strip=False), special=("<pad>", "<s>", "<unk>")),
    "phi 3": added(
        pieces_bpe(LLAMA2_NORMALIZER, None, llama_decoder(), post=False),
        AddedToken("<|mid|>", rstrip=True, special=True, normalized=False),
        AddedToken("<pad>", special=False, normalized=False),
    ),
    "stripping added tokens": added(
        bytes_bpe(byte_level(add_prefix_space=False)),
        AddedToken("<|mid|>", lstrip=True, rstrip=True, special=True, normalized=False),
        AddedToken("<pad>", lstrip=True, special=False, normalized=True),
    ),
    "single words": added(
        bytes_bpe(byte_level(add_prefix_space=False)),
        AddedToken("foo", single_word=True, special=False, normalized=False),
        AddedToken("lamp", single_word=True, special=False, normalized=True),
    ),
    "single words, normalized": added(
        pieces_bpe(LLAMA2_NORMALIZER, None, llama_decoder()),
        AddedToken("foo", single_word=True, special=False, normalized=True),
        AddedToken("the", special=False, normalized=True),
    ),
    "lower case, added": added(
        bytes_bpe(byte_level(add_prefix_space=False), normalizers.Lowercase()),
        AddedToken("LAMP", special=False, normalized=True),
        AddedToken("Foo", special=False, normalized=False),
    ),
    "t5": unigram(
        normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]),
        decoders.Metaspace(prepend_scheme="always"),
    ),
    "albert": unigram(
        normalizers.Sequence(
            [normalizers.Replace("``", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Replace(Regex(" {2,}"), " ")]
        ),
        pre_tokenizers.Metaspace(prepend_scheme="always"),
        decoders.Metaspace(prepend_scheme="always"),
    ),
    "bert, uncased": bert(True),
    "bert, cased": bert(False),
    "bert, chinese off": bert(True, strip_accents=False, chinese=False),
    "digits": words(pre_tokenizers.Split("", "isolated"), list("0123456789+"), decoders.Fuse()),
    "dna": words(pre_tokenizers.Split(Regex("."), "isolated"), ["<unk>", *"ACGTN"], decoders.Fuse(), "<unk>"),
    "characters": words(pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated"), ["[UNK]", *sorted(set("".join(TEXTS[6:20])))], decoders.Fuse(), "[UNK]"),
    "words": words(pre_tokenizers.Whitespace(), ["[UNK]", "The", "lamp", "foo", ".", "a", "-", "bar"], None, "[UNK]"),
    "words at spaces": words(pre_tokenizers.WhitespaceSplit(), ["<unk>", "The", "lamp", "foo"], None, "<unk>"),
}

result = {}
for name, tokenizer in FAMILIES.items():
    definition = json.loads(tokenizer.to_str())
    cases = []
    for text in TEXTS:
        try:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            prompt = tokenizer.encode(text).ids
            cases.append([ids, tokenizer.decode(ids, skip_special_tokens=False), prompt if prompt != ids else None])
        except Exception as error:  # what the reference refuses
            cases.append(None)
    result[name] = {"definition": definition, "cases": cases}
content = json.dumps({"texts": TEXTS, "families": result}, ensure_ascii=True, sort_keys=False).encode()
with open("tokenizers.json.gz", "wb") as file:
    file.write(gzip.compress(content, mtime=0))
print(len(FAMILIES), "families,", len(content), "bytes")
