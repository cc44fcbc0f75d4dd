"""PyTorch's side of bench/how-well.mjs, as a user of transformers writes it: dynamic padding, AdamW, clipping, the schedule
by steps, then accuracy on the test rows with the last weights. `head` is scikit-learn's logistic regression on mean-pooled
embeddings, C chosen by cross-validation; `gradual-unfreeze` is Howard & Ruder's, written out below.

usage: how_well.py JOB_JSON: model, train, test (files of {"text", "label"}), seed, settings (a recipe's keys)
"""
import json
import math
import random
import resource
import sys
import time
from importlib.metadata import version

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

job = json.loads(sys.argv[1])
settings = job["settings"]
strategy = settings["strategy"]
torch.manual_seed(job["seed"])
random.seed(job["seed"])
tokenizer = AutoTokenizer.from_pretrained(job["model"])


def read(path):
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row["text"] for row in rows], [row["label"] for row in rows]


def encode(some):
    return tokenizer(some, padding=True, truncation=True, max_length=settings["max_length"], return_tensors="pt")


def batches(some, size=64):
    """Indices of texts of like length together."""
    order = sorted(range(len(some)), key=lambda i: len(some[i]))
    return [order[i : i + size] for i in range(0, len(order), size)]


texts, labels = read(job["train"])
test_texts, test_labels = read(job["test"])
names = sorted(set(labels))
targets = torch.tensor([names.index(label) for label in labels])


def solved_head():
    model = AutoModel.from_pretrained(job["model"]).eval()

    @torch.inference_mode()
    def embed(some):
        features = torch.zeros(len(some), model.config.hidden_size)
        for rows in batches(some):
            given = encode([some[i] for i in rows])
            mask = given["attention_mask"].unsqueeze(-1)
            states = model(**given).last_hidden_state
            features[rows] = (states * mask).sum(1) / mask.sum(1)
        return features.numpy()

    features = embed(texts)
    mean = features.mean(0)
    scale = ((features - mean) ** 2).sum(1).mean() ** 0.5
    grid = {"C": [0.1, 1, 10, 100, 1000]}
    search = GridSearchCV(LogisticRegression(max_iter=2000), grid, cv=5).fit((features - mean) / scale, labels)
    return lambda: list(search.predict((embed(test_texts) - mean) / scale)), {"C": search.best_params_["C"], "steps": 1}


def depth(name, layers):
    """Groups above a parameter: 0 for pooler and classifier, 1 for the top layer, the embeddings last."""
    if ".embeddings." in name:
        return layers + 1
    return layers - int(name.split(".layer.")[1].split(".")[0]) if ".layer." in name else 0


def trained():
    model = AutoModelForSequenceClassification.from_pretrained(job["model"], num_labels=len(names))
    layers = model.config.num_hidden_layers
    depths = {name: depth(name, layers) for name, _ in model.named_parameters()}
    if strategy["type"] == "freeze":
        for name, parameter in model.named_parameters():
            parameter.requires_grad = depths[name] <= layers - strategy["num_frozen_layers"]
    decay = strategy.get("lr_decay", 1)
    rate = settings["learning_rate"]
    groups = [
        {
            "params": [parameter],
            "lr": rate / decay ** depths[name],
            "weight_decay": 0 if name.endswith("bias") or "LayerNorm" in name else settings["weight_decay"],
        }
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    ]
    optimizer = torch.optim.AdamW(groups, fused=True)
    batch = settings["per_device_train_batch_size"]
    per_epoch = math.ceil(len(texts) / batch)
    steps = per_epoch * settings["num_train_epochs"]

    def factor(step):
        if settings.get("lr_scheduler_type") == "slanted_triangular":
            cut, ratio = math.floor(steps * 0.1), 32
            p = step / cut if step < cut else 1 - (step - cut) / max(1, steps - cut)
            return (1 + max(0, p) * (ratio - 1)) / ratio
        warmup = math.ceil(settings["warmup_steps"] * steps)
        return step / max(1, warmup) if step < warmup else max(0, 1 - (step - warmup) / max(1, steps - warmup))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    model.train()
    order = []
    for step in range(steps):
        if strategy["type"] == "gradual-unfreeze":
            per_group = strategy["epochs_per_group"] * per_epoch
            for name, parameter in model.named_parameters():
                parameter.requires_grad = step >= math.floor(depths[name] * per_group + 0.5)
        if not order:
            order = random.sample(range(len(texts)), len(texts))
        rows, order = order[:batch], order[batch:]
        optimizer.zero_grad()
        loss = model(**encode([texts[i] for i in rows]), labels=targets[rows]).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], settings["max_grad_norm"])
        optimizer.step()
        schedule.step()

    @torch.inference_mode()
    def predict():
        model.eval()
        guesses = [""] * len(test_texts)
        for rows in batches(test_texts):
            for i, guess in zip(rows, model(**encode([test_texts[i] for i in rows])).logits.argmax(-1), strict=True):
                guesses[i] = names[guess]
        return guesses

    return predict, {"steps": steps}


began = time.perf_counter()
predict, more = solved_head() if strategy["type"] == "head" else trained()
train_s = time.perf_counter() - began
predicted = predict()
answer = {
    "accuracy": sum(guess == label for guess, label in zip(predicted, test_labels, strict=True)) / len(test_labels),
    "f1_macro": f1_score(test_labels, predicted, average="macro"),
    "n": len(test_labels),
    **more,
    "train_s": train_s,
    "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "peer": {name: version(name) for name in ("torch", "transformers", "scikit-learn")},
}
print(json.dumps(answer))
