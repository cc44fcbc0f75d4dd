"""PyTorch's side of a training job, as a user of transformers writes it: dynamic padding, fused AdamW, clipping,
linear schedule, then accuracy on the validation rows.

usage: train.py JOB_JSON (bench/jobs.ts, peerTraining)
"""
import json
import random
import resource
import sys
import time

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

job = json.loads(sys.argv[1])
settings = job["settings"]
torch.set_num_threads(job["threads"])
torch.manual_seed(job["seed"])
random.seed(job["seed"])


def since_start():
    return time.time() - job["started"]


def read(path):
    rows = [line.rstrip("\n") for line in open(path, encoding="latin-1")]
    return [row[2:] for row in rows], [int(row[0]) for row in rows]


def encode(texts):
    return tokenizer(texts, padding=True, truncation=True, max_length=128, return_tensors="pt")


def order_of_epoch():
    if not job["group_by_length"]:
        return random.sample(range(len(texts)), len(texts))
    from transformers.trainer_pt_utils import LengthGroupedSampler

    return list(LengthGroupedSampler(batch, lengths=lengths))


texts, labels = read(job["train"])
tokenizer = AutoTokenizer.from_pretrained(job["model"])
model = AutoModelForSequenceClassification.from_pretrained(job["model"], num_labels=2)
if job["strategy"] == "head":
    for name, parameter in model.named_parameters():
        parameter.requires_grad = "encoder" not in name and "embeddings" not in name
named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
plain = [p for n, p in named if n.endswith("bias") or "LayerNorm" in n]
decayed = [p for n, p in named if not (n.endswith("bias") or "LayerNorm" in n)]
optimizer = torch.optim.AdamW(
    [{"params": decayed, "weight_decay": settings["weight_decay"]}, {"params": plain, "weight_decay": 0.0}],
    lr=settings["learning_rate"],
    fused=True,
)
batch = settings["per_device_train_batch_size"]
epochs = settings["num_train_epochs"]
steps = -(-len(texts) // batch) * epochs
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
lengths = [len(ids) for ids in tokenizer(texts)["input_ids"]] if job["group_by_length"] else None
before_step = first_step = None
model.train()
if job["strategy"] == "head":
    # As Luthier does: what is frozen does not drop.
    model.bert.embeddings.eval()
    model.bert.encoder.eval()
done = 0
for _ in range(epochs):
    order = order_of_epoch()
    for i in range(0, len(order), batch):
        if done == job["max_steps"]:
            break
        before_step = before_step or since_start()
        rows = order[i : i + batch]
        optimizer.zero_grad()
        model(**encode([texts[j] for j in rows]), labels=torch.tensor([labels[j] for j in rows])).loss.backward()
        torch.nn.utils.clip_grad_norm_([p for _, p in named], 1.0)
        optimizer.step()
        schedule.step()
        first_step = first_step or since_start()
        done += 1

accuracy = None
if job["validation"]:
    model.eval()
    right = 0
    validation_texts, validation_labels = read(job["validation"])
    with torch.no_grad():
        for i in range(0, len(validation_texts), 64):
            predicted = model(**encode(validation_texts[i : i + 64])).logits.argmax(-1)
            right += (predicted == torch.tensor(validation_labels[i : i + 64])).sum().item()
    accuracy = right / len(validation_labels)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"before_step_s": before_step, "first_step_s": first_step, "accuracy": accuracy, "peak_rss_bytes": peak}))
