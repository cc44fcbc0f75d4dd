"""Probabilities of label words: python verbalizer.py masked|causal FOLDER ASKED.json -> JSON.

ASKED is {"text", "words": [ids]}: at the mask by the product over as many masks, or as what comes next.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

kind, folder, asked = sys.argv[1:]
asked = json.load(open(asked))
tokenizer = AutoTokenizer.from_pretrained(folder)
model = (AutoModelForMaskedLM if kind == "masked" else AutoModelForCausalLM).from_pretrained(folder, dtype=torch.float32)
ids = tokenizer(asked["text"]).input_ids
probabilities = []
with torch.no_grad():
    for word in asked["words"]:
        if kind == "masked":
            at = ids.index(tokenizer.mask_token_id)
            fed = ids[:at] + [tokenizer.mask_token_id] * len(word) + ids[at + 1:]
        else:
            at = len(ids) - 1
            fed = ids + word[:-1]
        logs = model(input_ids=torch.tensor([fed])).logits[0].log_softmax(-1)
        probabilities.append(sum(logs[at + i, token].item() for i, token in enumerate(word)))
print(json.dumps(probabilities))
