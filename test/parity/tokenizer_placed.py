"""Makes small tokenizers of many kinds and what Python's tokenizers answers with them, for src/engine/text.

    python test/parity/tokenizer_placed.py test/parity/figures/tokenizers

Writes NAME.json (a tokenizer.json, trained on the texts below) and answers.json: for each tokenizer the texts' ids,
offsets (code points) and word ids; pre-split words; windows over a text and over pairs; what ids are decoded to.
"""

import json
import os
import sys

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizer_vectors import PAIRS, TEXTS

ENGLISH = """The quick brown fox jumps over the lazy dog. Pack my box with five dozen liquor jugs; it's a nice day, isn't it?
What is the capital of France? Paris is the capital. one two three four five six seven eight nine ten eleven twelve
a much longer text that has to be cut before the other one is, for it is the longer of the two. They've won, we'll see.
we're here and I'm there 1234567890 100 2024 3.14 hello world Hello World HELLO""".split("\n")

# Awkward ones of tokenizer_vectors.py, short enough that their answers can be read.
SHORT = [text for text in TEXTS if len(text) <= 60] + [
    "  two  spaces  before and after  ",
    "naïve cafe\u0301, e\u0301\u0323 \u1e69\u0323 \u212b ﬁ",
    "İstanbul 今天 👍🏽\u200d x\u0000y\u00ad z",
    "They'VE we'Ll I'ſ don't DON'T  \n\n x\r\n  y \t z",
    "1234567 12 ½ ٣٤٥\u00a0a\u3000b\u0085c",
    "\u1100\u1161\u11a8 각 각\u0301 가\u11a8 ᄀ가",
    "<m>a <m> b  <m>  c<m>",
    "<one> word<one> <one>word <one>!",
    " x<LONG> y <LONGER> z <long>",
]
WORDS = [
    ["EU", "rejects", "German", "call", "to", "boycott", "British", "lamb", "."],
    ["naïve", "", " ", "Zürich", "今天", "👍🏽", "don't", "<m>", "supercalifragilistic"],
    [" leading", "trailing ", "two words", "\u0000", "é"],
]
LONG = "one two three four five six seven, naïve cafe\u0301s"

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def added(tokenizer):
    tokenizer.add_tokens(
        [
            AddedToken("<m>", lstrip=True, normalized=False),
            AddedToken("<one>", single_word=True, rstrip=True, normalized=False),
            AddedToken("<LONG>", normalized=True),
            AddedToken("<LONGER>", normalized=True),
        ]
    )


def trained(model, trainer, normalizer=None, pre=None, decoder=None):
    tokenizer = Tokenizer(model)
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if pre is not None:
        tokenizer.pre_tokenizer = pre
    if decoder is not None:
        tokenizer.decoder = decoder
    tokenizer.train_from_iterator(ENGLISH * 3 + TEXTS, trainer)
    return tokenizer


def ids(tokenizer, *tokens):
    return [(token, tokenizer.token_to_id(token)) for token in tokens]


def bert(lowercase):
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = trained(
        models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=40),
        trainers.WordPieceTrainer(vocab_size=500, special_tokens=special, show_progress=False, limit_alphabet=150),
        normalizers.BertNormalizer(lowercase=lowercase),
        pre_tokenizers.BertPreTokenizer(),
        decoders.WordPiece(),
    )
    cls, sep = ids(tokenizer, "[CLS]", "[SEP]")
    tokenizer.post_processor = (
        processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[cls, sep])
        if lowercase
        else processors.BertProcessing(sep, cls)
    )
    return tokenizer


def byte_level(special, normalizer=None, pre=None, **options):
    return trained(
        models.BPE(**options),
        trainers.BpeTrainer(
            vocab_size=420, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
        ),
        normalizer,
        pre or pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoders.ByteLevel(),
    )


def gpt2():
    tokenizer = byte_level(["<|endoftext|>"])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def roberta(prefix):
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = byte_level(special, pre=pre_tokenizers.ByteLevel(add_prefix_space=prefix))
    cls, sep = ids(tokenizer, "<s>", "</s>")
    tokenizer.post_processor = processors.RobertaProcessing(sep, cls, trim_offsets=True, add_prefix_space=prefix)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    return tokenizer


def llama3():
    pre = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(LLAMA3), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer = byte_level(["<|begin|>"], pre=pre, ignore_merges=True)
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=True),
            processors.TemplateProcessing(
                single="<|begin|> $A", pair="<|begin|> $A <|begin|>:1 $B:1", special_tokens=ids(tokenizer, "<|begin|>")
            ),
        ]
    )
    return tokenizer


def qwen2():
    pre = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(QWEN2), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer = byte_level(["<|endoftext|>"], normalizers.NFC(), pre)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def sentencepiece_bpe(legacy):
    """Llama 2's layout (legacy) and what transformers 5 writes for it."""
    special = ["<unk>", "<s>", "</s>", *BYTES]
    tokenizer = trained(
        models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True),
        trainers.BpeTrainer(vocab_size=650, special_tokens=special, show_progress=False, limit_alphabet=90),
        normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]) if legacy else None,
        None if legacy else pre_tokenizers.Metaspace(prepend_scheme="first", split=False),
        decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", left=1)]
        ),
    )
    # Trained without a pre-tokenizer, pieces would be whole sentences: keep the short merges.
    model = json.loads(tokenizer.to_str())
    vocab, merges = model["model"]["vocab"], model["model"]["merges"]
    keep = [m for m in merges if len("".join(m)) <= 5]
    names = {*special, *(c for m in keep for c in m), *("".join(m) for m in keep), *(p for p in vocab if len(p) == 1)}
    ordered = special + [p for p in sorted(vocab, key=vocab.get) if p in names and p not in special]
    model["model"]["vocab"] = {p: i for i, p in enumerate(ordered)}
    model["model"]["merges"] = keep
    tokenizer = Tokenizer.from_str(json.dumps(model))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=ids(tokenizer, "<s>")
    )
    return tokenizer


def unigram(bytes_too):
    special = ["<pad>", "</s>", "<unk>", *(BYTES if bytes_too else [])]
    tokenizer = trained(
        models.Unigram(),
        trainers.UnigramTrainer(vocab_size=500 + len(special), special_tokens=special, unk_token="<unk>", show_progress=False),
        normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]),
        pre_tokenizers.Metaspace(prepend_scheme="first" if bytes_too else "always"),
        decoders.Metaspace(prepend_scheme="first" if bytes_too else "always"),
    )
    if bytes_too:
        model = json.loads(tokenizer.to_str())
        model["model"]["byte_fallback"] = True
        tokenizer = Tokenizer.from_str(json.dumps(model))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=ids(tokenizer, "</s>")
    )
    return tokenizer


def xlm_roberta():
    """As XLMRobertaTokenizer builds it; the map of characters is T5's, which tokenizer_vectors.py has."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = trained(
        models.Unigram(),
        trainers.UnigramTrainer(vocab_size=500, special_tokens=special, unk_token="<unk>", show_progress=False),
        None,
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]),
        decoders.Metaspace(),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ids(tokenizer, "<s>", "</s>")
    )
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    return tokenizer


def clip():
    tokenizer = trained(
        models.BPE(unk_token="<unk>", continuing_subword_prefix="", end_of_word_suffix="</w>"),
        trainers.BpeTrainer(vocab_size=420, special_tokens=["<unk>"], end_of_word_suffix="</w>", limit_alphabet=100, show_progress=False),
        normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip()]),
        pre_tokenizers.Sequence(
            [
                pre_tokenizers.Whitespace(),
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.Punctuation("contiguous"),
            ]
        ),
        decoders.BPEDecoder(),
    )
    return tokenizer


def mixed(behavior):
    """Splits of every kind, with a vocabulary of words."""
    tokenizer = trained(
        models.WordLevel(unk_token="<unk>"),
        trainers.WordLevelTrainer(vocab_size=300, special_tokens=["<unk>"], show_progress=False),
        normalizers.Sequence([normalizers.NFKD(), normalizers.Replace(Regex(r"\p{Mn}+"), "~")]),
        pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(r"[aeiou]{2}|,"), behavior, invert=behavior == "contiguous"),
                pre_tokenizers.CharDelimiterSplit("|"),
                pre_tokenizers.FixedLength(7),
                pre_tokenizers.Punctuation(behavior),
            ]
        ),
    )
    return tokenizer


TOKENIZERS = {
    "bert-uncased": lambda: bert(True),
    "bert-cased": lambda: bert(False),
    "gpt2": gpt2,
    "roberta": lambda: roberta(False),
    "roberta-prefix": lambda: roberta(True),
    "llama3": llama3,
    "qwen2": qwen2,
    "llama2-legacy": lambda: sentencepiece_bpe(True),
    "llama2": lambda: sentencepiece_bpe(False),
    "unigram": lambda: unigram(False),
    "unigram-bytes": lambda: unigram(True),
    "xlm-roberta": xlm_roberta,
    "clip": clip,
    "mixed-removed": lambda: mixed("removed"),
    "mixed-previous": lambda: mixed("merged_with_previous"),
    "mixed-next": lambda: mixed("merged_with_next"),
    "mixed-contiguous": lambda: mixed("contiguous"),
}


def flat(encoding):
    """ids, offsets one after the other, and word ids (-1 where None)."""
    return [encoding.ids, [at for offset in encoding.offsets for at in offset], [-1 if w is None else w for w in encoding.word_ids]]


def whole(encoding):
    sequences = [-1 if s is None else s for s in encoding.sequence_ids]
    return [*flat(encoding), encoding.special_tokens_mask, encoding.type_ids, sequences]


def windows(tokenizer, a, b, length, stride, strategy, direction="right"):
    tokenizer.enable_truncation(length, stride=stride, strategy=strategy, direction=direction)
    try:
        encoding = tokenizer.encode(a, b, is_pretokenized=isinstance(a, list))
        return [whole(each) for each in [encoding, *encoding.overflowing]]
    except Exception:
        return None
    finally:
        tokenizer.no_truncation()


WINDOWS = [
    {"a": LONG, "b": None, "length": 12, "stride": 0, "strategy": "longest_first"},
    {"a": LONG, "b": None, "length": 12, "stride": 4, "strategy": "longest_first"},
    {"a": LONG, "b": None, "length": 12, "stride": 4, "strategy": "longest_first", "direction": "left"},
    {"a": LONG.split(" "), "b": None, "length": 12, "stride": 3, "strategy": "only_first"},
    {"a": PAIRS[0][0], "b": LONG, "length": 30, "stride": 5, "strategy": "only_second"},
    {"a": LONG, "b": PAIRS[0][0], "length": 30, "stride": 5, "strategy": "only_first"},
    {"a": LONG, "b": LONG, "length": 20, "stride": 3, "strategy": "longest_first"},
    {"a": LONG, "b": "", "length": 20, "stride": 2, "strategy": "only_first"},
    {"a": LONG, "b": LONG, "length": 24, "stride": 2, "strategy": "only_second"},
]


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    answers = {}
    for name, make in TOKENIZERS.items():
        tokenizer = make()
        added(tokenizer)
        with open(os.path.join(folder, f"{name}.json"), "w", encoding="utf-8") as file:
            file.write(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
        encoded = [tokenizer.encode(text, add_special_tokens=False) for text in SHORT]
        answers[name] = {
            "texts": [flat(encoding) for encoding in encoded],
            "words": [flat(tokenizer.encode(words, is_pretokenized=True)) for words in WORDS],
            "windows": [windows(tokenizer, **case) for case in WINDOWS],
            "decoded": [tokenizer.decode(encoding.ids) for encoding in encoded],
        }
    result = {"tokenizers": tokenizers.__version__, "texts": SHORT, "words": WORDS, "windows": WINDOWS}
    compact = lambda value: json.dumps(value, separators=(",", ":"))
    lines = [f"{json.dumps(k)}: {compact(v)}" for k, v in result.items()]
    lines += ['"answers": {\n' + ",\n".join(f"{json.dumps(k)}: {compact(v)}" for k, v in answers.items()) + "\n}"]
    with open(os.path.join(folder, "answers.json"), "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


main()
