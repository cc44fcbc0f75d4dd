"""Loads a decoder that Luthier has tuned and written, as a user would, and measures and asks it.

    python test/parity/tuned_decoder.py MODEL_DIR GIVEN_JSON

GIVEN_JSON holds "items", each with ids and the label of each token (the next one's id, below 0 where nothing is learnt),
and "prompts", lists of ids. Prints one line of JSON: the mean "loss" over all that is learnt, and under "written" what
generate adds to each prompt, greedily, "new_tokens" at most.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM

with open(sys.argv[2], encoding="utf-8") as file:
    given = json.load(file)
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32, local_files_only=True)
model.eval()
total, count, written = 0.0, 0, []
with torch.inference_mode():
    for item in given["items"]:
        logits = model(torch.tensor([item["ids"]])).logits[0].double()
        labels = torch.tensor([label if label >= 0 else -100 for label in item["labels"]])
        total += torch.nn.functional.cross_entropy(logits, labels, reduction="sum").item()
        count += int((labels >= 0).sum())
    for prompt in given["prompts"]:
        ids = torch.tensor([prompt])
        settings = dict(max_new_tokens=given["new_tokens"], do_sample=False, pad_token_id=0)
        out = model.generate(ids, attention_mask=torch.ones_like(ids), **settings)
        written.append(out[0, len(prompt) :].tolist())
print(json.dumps({"loss": total / count, "written": written}))
