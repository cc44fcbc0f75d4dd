"""Loads a language model's folder that Luthier wrote and says its loss on given tokens.

python test/parity/causal_loss.py MODEL_DIR ROWS_JSON

ROWS_JSON is a list of {"ids": [...], "labels": [...]}, labels being the next token's ids, -100 where nothing is learnt.
Prints {"loss": …, "problems": …}: the mean over all labels, and weights that are missing or left over.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM

folder, path = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    rows = json.load(file)
model, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True, dtype=torch.float32, local_files_only=True)
model.eval()
total, count = 0.0, 0
with torch.no_grad():
    for row in rows:
        logits = model(input_ids=torch.tensor([row["ids"]])).logits[0]
        labels = torch.tensor(row["labels"])
        total += torch.nn.functional.cross_entropy(logits, labels, ignore_index=-100, reduction="sum").item()
        count += int((labels != -100).sum())
print(json.dumps({"loss": total / count, "problems": {key: sorted(map(str, value)) for key, value in info.items() if value}}))
