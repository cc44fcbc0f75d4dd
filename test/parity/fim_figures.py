"""Texts rearranged for fill-in-the-middle as Megatron-LM's gpt_fim_dataset.py and StarCoder's scripts do it (`permute` at
the level of characters), with transformers' tokenizers: the starter's with the tokens added, and a small SentencePiece-like
one that puts a blank before each text, whose parts are encoded as CodeLlama's `encode_infilling` does.
  python test/parity/fim_figures.py > test/parity/figures/fim.json
"""

import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, normalizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

ROOT = Path(__file__).parents[2]
FIM = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]
CODELLAMA = ["▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"]
TEXTS = [
    "def mean(values):\n    return sum(values) / len(values)\n",
    "The river flows past the old mill, and nobody counts the days. 🦊 Ça va?",
    "a",
    "  leading and trailing blanks  \n\n",
]


def divided(text, rng, spm_rate=0.5):
    """Two boundaries, each of len + 1 places as likely as any other, sorted; then whether the suffix comes first."""
    boundaries = sorted(int(b) for b in rng.randint(low=0, high=len(text) + 1, size=2))
    return {
        "prefix": text[: boundaries[0]],
        "middle": text[boundaries[0] : boundaries[1]],
        "suffix": text[boundaries[1] :],
        "suffixFirst": bool(rng.binomial(1, spm_rate)),
    }


def permuted(parts, encode, within, pre, suf, mid):
    prefix, middle, suffix = encode(parts["prefix"]), within(parts["middle"]), within(parts["suffix"])
    if parts["suffixFirst"]:
        return [pre, suf, *suffix, mid, *prefix, *middle]
    return [pre, *prefix, suf, *suffix, mid, *middle]


def cases(encode, within, ids, front, back):
    rng = np.random.RandomState(7)
    rows = []
    for text in TEXTS:
        for _ in range(4):
            parts = divided(text, rng)
            rows.append({**parts, "ids": [*front, *permuted(parts, encode, within, *ids), *back]})
    return rows


starter = AutoTokenizer.from_pretrained(ROOT / "starters/decoder")
starter.add_special_tokens({"additional_special_tokens": FIM})
bare = lambda text: starter.encode(text, add_special_tokens=False)
byte_level = cases(bare, bare, starter.convert_tokens_to_ids(FIM), [], [starter.eos_token_id])

small = Tokenizer(BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
small.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
small.decoder = decoders.Sequence(
    [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
)
bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
words = (ROOT / "starters/decoder/README.md").read_text()
small.train_from_iterator(
    [line for line in words.split("\n")],
    BpeTrainer(vocab_size=600, special_tokens=["<unk>", "<s>", "</s>", *CODELLAMA, *bytes_], show_progress=False),
)
# Bytes are no special tokens: a text with "<0x41>" in it has no byte.
tokenizer = json.loads(small.to_str())
tokenizer["added_tokens"] = [token for token in tokenizer["added_tokens"] if not token["content"].startswith("<0x")]
tokenizer["post_processor"] = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
}
llama = PreTrainedTokenizerFast(
    tokenizer_object=Tokenizer.from_str(json.dumps(tokenizer)), bos_token="<s>", eos_token="</s>", unk_token="<unk>"
)
plain = lambda text: llama.encode(text, add_special_tokens=False)
face = len(plain("☺"))
infilling = lambda text: plain(f"☺{text}")[face:]
*ids, end = llama.convert_tokens_to_ids(CODELLAMA)
with_blank = cases(plain, infilling, ids, [1], [end])

print(
    json.dumps(
        {
            "fim_tokens": FIM,
            "byte_level": byte_level,
            "small_tokenizer": tokenizer,
            "with_blank": with_blank,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
)
