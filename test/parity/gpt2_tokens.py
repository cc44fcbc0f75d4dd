"""Writes figures/tokenizers/gpt2-answers.json: GPT-2's ids of tokenizer_vectors.py's texts.

    python test/parity/gpt2_tokens.py ../shared/tokenizers/gpt2 (its encoder.json and vocab.bpe)
"""

import json
import os
import pathlib
import sys

from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizer_vectors import TEXTS

folder = sys.argv[1]
tokenizer = Tokenizer(models.BPE.from_file(os.path.join(folder, "encoder.json"), os.path.join(folder, "vocab.bpe")))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
result = {"texts": TEXTS, "ids": [tokenizer.encode(text).ids for text in TEXTS]}
file = pathlib.Path(__file__).parent / "figures" / "tokenizers" / "gpt2-answers.json"
file.write_text(json.dumps(result, separators=(",", ":")) + "\n")
