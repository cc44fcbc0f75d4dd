"""Figures for minilm.test.ts: losses of 200 AdamW steps of MiniLM on examples/tickets.csv, dropout off, as transformers
and PyTorch do them in float32.

python test/parity/minilm_training.py MINILM_FOLDER
"""

import csv
import json
import pathlib
import sys

import torch
import transformers
from transformers import AutoTokenizer, BertForSequenceClassification, get_linear_schedule_with_warmup

from values import weight

HERE = pathlib.Path(__file__).parent
ROWS, BATCH, STEPS, MAX_LENGTH = 400, 8, 200, 32
SETTINGS = dict(
    learning_rate=5e-5, weight_decay=0.01, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8, max_grad_norm=1.0,
    warmup_steps=20, lr_scheduler_type="linear",
)


def main(folder):
    with open(HERE.parent.parent / "examples" / "tickets.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = [row for row in rows if row["text"].strip() and row["intent"].strip()][:ROWS]
    labels = sorted({row["intent"] for row in rows})
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = [tokenizer(row["text"], truncation=True, max_length=MAX_LENGTH)["input_ids"] for row in rows]
    targets = [labels.index(row["intent"]) for row in rows]

    model = BertForSequenceClassification.from_pretrained(
        folder, num_labels=len(labels), hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    ).train()
    with torch.no_grad():
        for name, parameter in model.classifier.named_parameters():
            parameter.copy_(torch.from_numpy(weight(f"classifier.{name}", tuple(parameter.shape), 0.02)))
    decayed = [p for n, p in model.named_parameters() if not n.endswith("bias") and "LayerNorm" not in n]
    others = [p for n, p in model.named_parameters() if n.endswith("bias") or "LayerNorm" in n]
    optimizer = torch.optim.AdamW(
        [dict(params=decayed, weight_decay=SETTINGS["weight_decay"]), dict(params=others, weight_decay=0.0)],
        lr=SETTINGS["learning_rate"], betas=(SETTINGS["adam_beta1"], SETTINGS["adam_beta2"]),
        eps=SETTINGS["adam_epsilon"],
    )
    schedule = get_linear_schedule_with_warmup(optimizer, SETTINGS["warmup_steps"], STEPS)

    losses = []
    for step in range(STEPS):
        at = [(step * BATCH + i) % ROWS for i in range(BATCH)]
        batch = tokenizer.pad(dict(input_ids=[ids[i] for i in at]), return_tensors="pt")
        loss = model(**batch, labels=torch.tensor([targets[i] for i in at])).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["max_grad_norm"])
        optimizer.step()
        schedule.step()
        losses.append(float(f"{loss.item():.9g}"))
    figures = dict(
        made_with=f"torch {torch.__version__}, transformers {transformers.__version__}",
        settings=SETTINGS, batch=BATCH, num_labels=len(labels), deviation=0.02, ids=ids, labels=targets, losses=losses,
    )
    (HERE / "figures" / "minilm-training.json").write_text(json.dumps(figures, separators=(",", ":")))
    print(losses[::20], losses[-1])


main(sys.argv[1])
