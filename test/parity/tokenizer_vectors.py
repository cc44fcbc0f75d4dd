"""Writes figures/tokenizer-vectors.json: what Python's tokenizers makes of awkward texts, for src/engine/text.

    python test/parity/tokenizer_vectors.py ../shared/tokenizers > test/parity/figures/tokenizer-vectors.json

`texts` and `pairs` are encoded by each tokenizer (ids with special tokens; for pairs also type ids, cut to each of
`pair_lengths`). `words` is what the steps before the vocabulary make of the texts. `sweep` covers every code point that Unicode 14 assigns: `a<c>b` for 64 of them to a text, and for each
4,096 code points the first 8 hex digits of the SHA-256 over all ids as little-endian int32.
"""

import hashlib
import json
import os
import struct
import sys
import unicodedata

import tokenizers
from tokenizers import Tokenizer, normalizers, pre_tokenizers

FILES = {
    "bert-base-uncased": "bert-base-uncased/tokenizer.json",
    "bge-small-zh": "bge-small-zh/tokenizer.json",
    "t5-base": "t5-base/t5-base-tokenizer.json",
}

TEXTS = [
    "",
    " ",
    "Hello, World!",
    "The quick brown fox can't jump; it's 3.14% (or so) of $1,000.00?!",
    "it's   spaced\tout\nover\r\nlines\v\f",
    "non-breaking\u00a0space, thin\u2009space, ideographic\u3000space, line\u2028separator, paragraph\u2029, nel\u0085x, ogham\u1680x",
    "zero\u200bwidth\u200cjoin\u200der\u2060s, \ufeffBOM, soft\u00adhyphen, mongolian\u180evowel",
    "NUL\u0000inside, bell\u0007, escape\u001b[31m, delete\u007f, C1\u0080\u009f, replacement\ufffd, private\ue000, noncharacter\uffff\U0001ffff",
    "naïve café, Ångström, résumé, Zürich, smørrebrød, Łódź, đường, ﬁnance, ŉ",
    "nai\u0308ve cafe\u0301 A\u030angstro\u0308m re\u0301sume\u0301",
    "e\u0301\u0323 \u0323\u0301e a\u0308\u0304\u0301",
    "İstanbul ISPARTA ıslak ẞ ß STRASSE straße",
    "ΟΔΟΣ ὈΔΥΣΣΕΎΣ Σ σς ΣΑΣ. ΆΈΉΊΌΎΏ",
    "Привет, мир! Ёлка и йод. ЖЁЛТЫЙ",
    "שלום עולם! שָׁלוֹם (ה'תשפ\"ד)",
    "مرحبا بالعالم، كيف حالك؟ مَرْحَبًا \u202eأبج\u202c",
    "नमस्ते दुनिया। क्षत्रिय ज़िन्दगी",
    "สวัสดีชาวโลก ภาษาไทย",
    "வணக்கம் உலகம் తెలుగు ಕನ್ನಡ മലയാളം বাংলা",
    "今天天气很好，我们去公园吧！价格是100元。",
    "日本語のテキスト、カタカナとひらがな。ﾊﾝｶｸ ﾊﾟﾋﾟ がぎぐ か\u3099",
    "한국어 텍스트입니다. \u1112\u1161\u11ab\u1100\u1173\u11af",
    "繁體中文與简体字混排 mixed with English単語",
    "𠀀𠮷𪚥𫝀𫠠𬺰 㐀㒨 豈 丽 \U00030000",
    "👍 😀😃 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇯🇵 1️⃣ ✌🏽 ☃ ♥️ ™ © ®",
    "math 𝐀𝒷𝔠𝟙 ℵ ∑ ∫ √2 ≠ ≤ ½ ⅓ x² H₂O ⁿ ℃ ㎏ ℡",
    "quotes “smart” ‘single’ «guillemets» „low“ ‹a› —em–en‒fig…",
    "fullwidth ＡＢＣ１２３！（）～ ~ ﹏ ＿",
    "ligatures ﬀ ﬃ ﬆ Ǆ ǅ œ æ Æ ĳ",
    "currency €£¥₹₽₿¢ ¤",
    "punct !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ¡¿§¶·‡†•‽⁂",
    "a" * 99 + " " + "b" * 100 + " " + "c" * 101 + " " + "d" * 300,
    "é" * 101 + " " + "中" * 101,
    "supercalifragilisticexpialidocious antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "[CLS] already [SEP] marked [MASK] here [PAD] and [UNK] too[SEP][SEP]",
    "[cls] [Sep] [MASK ] [ MASK] [[MASK]] [unused5]",
    "<pad> </s> <unk> <extra_id_0> <extra_id_99>x <extra_id_100>",
    " <extra_id_1>  glued<extra_id_2>glued ",
    "▁ metaspace ▁▁ inside▁word",
    "##ing ##s # # hash##tag",
    "https://example.org/a/b?c=d&e=f#g user.name+tag@example.co.uk 192.168.0.1 2024-02-30T12:00:00Z",
    "def f(x):\n    return x ** 2  # comment\n\tif (a && b) { c[0] = 'd'; }",
    "CamelCaseWord snake_case_word kebab-case-word SCREAMING_CASE x86_64 C++ C# .NET",
    "1234567890 12,345.67 ١٢٣ ੧੨੩ 一二三 Ⅳ ⅷ ①②",
    "\u0301leading mark, \u0378unassigned \u0590 \U000e0041tag",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘",
    "𑃍 ࢘ ᜴ 𓐰 ࠀ ⸮ ⹅ ⹒ ꙰ 𖫵",
    "é́́́ " * 40,
    "a . b , c ' d n't 'm do n't",
]

PAIRS = [
    ["What is the capital of France?", "Paris is the capital."],
    ["short", "a much longer second text that has to be cut before the first one is, for it is the longer of the two"],
    ["a much longer first text that has to be cut before the second one is, for it is the longer of the two", "short"],
    ["one two three four five six seven eight nine", "ten eleven twelve thirteen fourteen fifteen sixteen"],
    ["", "nothing before this"],
    ["nothing after this", ""],
    ["中文问题？", "Answer 中文。"],
]
PAIR_LENGTHS = [6, 9, 10, 15, 16, 128]


def assigned():
    """Ranges of code points that Unicode 14 assigns (surrogates and private use left out), up to the CJK extensions."""
    ranges = []
    for cp in range(0x323B0):
        if unicodedata.category(chr(cp)) in ("Cn", "Cs", "Co"):
            continue
        if ranges and ranges[-1][1] == cp - 1:
            ranges[-1][1] = cp
        else:
            ranges.append([cp, cp])
    return ranges


def load(folder, path):
    tokenizer = Tokenizer.from_file(os.path.join(folder, path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def pair(tokenizer, a, b, length):
    tokenizer.enable_truncation(length, strategy="longest_first")
    encoding = tokenizer.encode(a, b)
    tokenizer.no_truncation()
    return {"ids": encoding.ids, "type_ids": encoding.type_ids}


def sweep(tokenizer, ranges):
    digests = {}
    block, texts, characters = None, [], []

    def flush_text():
        if characters:
            texts.append(" ".join(f"a{c}b" for c in characters))
            characters.clear()

    def flush_block():
        flush_text()
        if texts:
            digest = hashlib.sha256()
            for encoding in tokenizer.encode_batch(texts):
                digest.update(struct.pack(f"<{len(encoding.ids)}i", *encoding.ids))
            digests[f"{block * 4096:x}"] = digest.hexdigest()[:8]
            texts.clear()

    for first, last in ranges:
        for cp in range(first, last + 1):
            if cp // 4096 != block:
                flush_block()
                block = cp // 4096
            characters.append(chr(cp))
            if len(characters) == 64:
                flush_text()
    flush_block()
    return digests


def main():
    folder = sys.argv[1]
    assert unicodedata.unidata_version.startswith("14."), "the sweep's code points are those of Unicode 14 (Python 3.11)"
    ranges = assigned()
    result = {
        "tokenizers": tokenizers.__version__,
        "texts": TEXTS,
        "pairs": PAIRS,
        "pair_lengths": PAIR_LENGTHS,
        "assigned": " ".join(f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in ranges),
        "expected": {},
    }
    for name, path in FILES.items():
        tokenizer = load(folder, path)
        result["expected"][name] = {
            "texts": [tokenizer.encode(text).ids for text in TEXTS],
            "pairs": [[pair(tokenizer, a, b, n) for n in PAIR_LENGTHS] for a, b in PAIRS],
            "sweep": sweep(tokenizer, ranges),
        }
    # What the steps before the vocabulary make of the texts: these need no tokenizer's file.
    words = pre_tokenizers.BertPreTokenizer()
    result["words"] = {
        name: [[w for w, _ in words.pre_tokenize_str(normalizer.normalize_str(text))] for text in TEXTS]
        for name, normalizer in {
            "uncased": normalizers.BertNormalizer(lowercase=True),
            "cased": normalizers.BertNormalizer(lowercase=False),
            "lowercase": normalizers.Lowercase(),
        }.items()
    }
    split = pre_tokenizers.WhitespaceSplit()
    result["words"]["whitespace"] = [[w for w, _ in split.pre_tokenize_str(text)] for text in TEXTS]
    lines = [f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in result.items() if k != "expected"]
    lines += ['"expected": {\n' + ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in result["expected"].items()) + "\n}"]
    print("{\n" + ",\n".join(lines) + "\n}")


if __name__ == "__main__":
    main()
