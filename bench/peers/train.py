"""PyTorch's side of a training job, as a user of transformers writes it: dynamic padding, fused AdamW, clipping,
linear schedule, one epoch, then accuracy on the validation rows.

usage: train.py MODEL TRAIN VALIDATION THREADS SETTINGS_JSON
"""
import time

start = time.time()
import json
import random
import resource
import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

model_folder, train_file, validation_file, threads, settings = sys.argv[1:6]
settings = json.loads(settings)
torch.set_num_threads(int(threads))
seed = settings.get("seed", 42)
torch.manual_seed(seed)
random.seed(seed)


def read(path):
    rows = [line.rstrip("\n") for line in open(path, encoding="latin-1")]
    return [row[2:] for row in rows], [int(row[0]) for row in rows]


texts, labels = read(train_file)
validation_texts, validation_labels = read(validation_file)
tokenizer = AutoTokenizer.from_pretrained(model_folder)
model = AutoModelForSequenceClassification.from_pretrained(model_folder, num_labels=2)
named = list(model.named_parameters())
plain = [p for n, p in named if n.endswith("bias") or "LayerNorm" in n]
decayed = [p for n, p in named if not (n.endswith("bias") or "LayerNorm" in n)]
optimizer = torch.optim.AdamW(
    [{"params": decayed, "weight_decay": settings["weight_decay"]}, {"params": plain, "weight_decay": 0.0}],
    lr=settings["learning_rate"],
    fused=True,
)
batch = settings["per_device_train_batch_size"]
steps = -(-len(texts) // batch)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
order = list(range(len(texts)))
random.shuffle(order)
first_step = None
model.train()
for i in range(0, len(order), batch):
    rows = order[i : i + batch]
    inputs = tokenizer([texts[j] for j in rows], padding=True, truncation=True, max_length=128, return_tensors="pt")
    optimizer.zero_grad()
    model(**inputs, labels=torch.tensor([labels[j] for j in rows])).loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    first_step = first_step or time.time() - start

model.eval()
right = 0
with torch.no_grad():
    for i in range(0, len(validation_texts), 64):
        inputs = tokenizer(validation_texts[i : i + 64], padding=True, truncation=True, max_length=128, return_tensors="pt")
        predicted = model(**inputs).logits.argmax(-1)
        right += (predicted == torch.tensor(validation_labels[i : i + 64])).sum().item()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"first_step_s": first_step, "accuracy": right / len(validation_labels), "peak_rss_bytes": peak}))
