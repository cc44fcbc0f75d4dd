"""What transformers' fill-mask pipeline says of a model folder: python fill_mask.py FOLDER TEXTS.json -> JSON."""

import json
import sys

from transformers import pipeline

folder, texts = sys.argv[1:]
fill = pipeline("fill-mask", model=folder, device="cpu")
print(json.dumps([fill(text) for text in json.load(open(texts))]))
