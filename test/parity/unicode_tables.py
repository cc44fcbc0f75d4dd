"""Writes src/engine/text/unicode-tables.ts: which code points Python's tokenizers takes for what in BERT's text steps.

The Rust crate behind it carries Unicode tables of its own (an old version), and Node's differ from release to release;
asking the library about every code point makes ours equal to it on every Node.

    python test/parity/unicode_tables.py > src/engine/text/unicode-tables.ts
"""

import unicodedata

import tokenizers
from tokenizers import normalizers, pre_tokenizers

CODE_POINTS = [cp for cp in range(0x110000) if not 0xD800 <= cp < 0xE000]


def bert(**options):
    return normalizers.BertNormalizer(
        **{"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False, **options}
    )


def selected(test):
    """Ranges of the code points for which test(character) holds, as the inside of a regular expression's class."""
    ranges = []
    for cp in CODE_POINTS:
        if test(chr(cp)):
            if ranges and ranges[-1][1] == cp - 1:
                ranges[-1][1] = cp
            else:
                ranges.append([cp, cp])
    return "".join(f"\\\\u{{{a:x}}}" + (f"-\\\\u{{{b:x}}}" if b > a else "") for a, b in ranges)


clean, chinese, strip = bert(clean_text=True), bert(handle_chinese_chars=True), bert(strip_accents=True)
nfd, nfkd, accents = normalizers.NFD(), normalizers.NFKD(), normalizers.StripAccents()
words = pre_tokenizers.BertPreTokenizer()

tables = {
    "REMOVED": ("dropped by clean_text", lambda c: clean.normalize_str(c) == ""),
    "CLEANED_TO_SPACE": ("made a space by clean_text", lambda c: c != " " and clean.normalize_str(c) == " "),
    "CHINESE": ("put between spaces by handle_chinese_chars", lambda c: chinese.normalize_str(c) == f" {c} "),
    "NONSPACING_MARK": ("dropped by strip_accents after NFD", lambda c: nfd.normalize_str(c) == c and strip.normalize_str(c) == ""),
    "NOT_DECOMPOSED": (
        "left whole by its NFD, decomposed by newer Unicode versions",
        lambda c: nfd.normalize_str(c) == c and (unicodedata.normalize("NFD", c) != c or c in NEWER),
    ),
    "NOT_DECOMPOSED_COMPATIBLY": (
        "left whole by its NFKD, decomposed by newer Unicode versions",
        lambda c: nfkd.normalize_str(c) == c and (unicodedata.normalize("NFKD", c) != c or c in NEWER_COMPATIBLY),
    ),
    "MARK": ("dropped by StripAccents", lambda c: accents.normalize_str(c) == ""),
    "PUNCTUATION": ("a word of its own to BertPreTokenizer", lambda c: [w for w, _ in words.pre_tokenize_str(f"a{c}b")] == ["a", c, "b"]),
    "WHITESPACE": ("a boundary to BertPreTokenizer", lambda c: [w for w, _ in words.pre_tokenize_str(f"a{c}b")] == ["a", "b"]),
}
# Decompositions of Unicode 13 to 17, which this Python's own tables may lack (UnicodeData.txt, field 5).
NEWER = set(
    map(
        chr,
        [0x105C9, 0x105E4, 0x11383, 0x11385, 0x1138E, 0x11391, 0x113C5, 0x113C7, 0x113C8, 0x11938]
        + list(range(0x16121, 0x16129))
        + list(range(0x16D68, 0x16D6B)),
    )
)
NEWER_COMPATIBLY = NEWER | set(map(chr, [0xA7F1, *range(0x1E030, 0x1E06E), *range(0x1CCD6, 0x1CCFA)]))

print("// Made by test/parity/unicode_tables.py from Python's tokenizers " + tokenizers.__version__ + "; do not edit.")
print("// Each is the inside of a regular expression's class (flag u).")
for name, (meaning, test) in tables.items():
    print(f"\n/** Code points {meaning}. */\n// biome-ignore format: one generated line\nexport const {name} =\n  '{selected(test)}';")
