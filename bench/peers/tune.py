"""PyTorch's side of a tuning case: peft's LoRA of transformers' decoder on the same tokens, from the same adapters.

Reads lines `run N` from stdin and answers each with {"ms": [...], "losses": [...], "peak_rss_bytes": ...}, `evaluate 1`
with {"loss": ...}, and `save PATH` and `load PATH` with {"step": ...}, as bench/tune.ts does, which has left the tokens in a
file before.
"""
import json
import resource
import sys
import time

import torch
from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForCausalLM

IGNORED = -100
spec = json.loads(sys.argv[1])
torch.set_num_threads(spec["threads"])
with open(spec["shared"]) as file:
    shared = json.load(file)
model = AutoModelForCausalLM.from_pretrained(spec["model"], dtype=torch.float32)
settings = LoraConfig(
    task_type=TaskType.CAUSAL_LM,
    r=shared["r"],
    lora_alpha=shared["lora_alpha"],
    lora_dropout=0,
    target_modules=shared["target_modules"],
)
model = get_peft_model(model, settings)
model.config.use_cache = False
parameters = dict(model.named_parameters())
with torch.no_grad():
    for name, tensor in shared["adapters"].items():
        own = "base_model.model." + name.replace(".weight", ".default.weight")
        parameters[own].copy_(torch.tensor(tensor["data"]).reshape(tensor["shape"]))
model.train()
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=shared["learning_rate"], weight_decay=0, eps=1e-8, fused=True)
batch = shared["batch"]


def inputs(rows):
    """Padded to the longest; a label is the token itself, which transformers shifts."""
    longest = max(len(row["ids"]) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask = torch.zeros(len(rows), longest, dtype=torch.long)
    labels = torch.full((len(rows), longest), IGNORED)
    for i, row in enumerate(rows):
        length = len(row["ids"])
        ids[i, :length] = torch.tensor(row["ids"])
        mask[i, :length] = 1
        next_ids = torch.tensor([token if token >= 0 else IGNORED for token in row["labels"][:-1]])
        labels[i, 1:length] = next_ids
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


step = 0
for line in sys.stdin:
    order, rest = line.rstrip("\n").split(" ", 1)
    if order == "evaluate":
        total, count = 0.0, 0
        model.eval()
        with torch.inference_mode():
            for at in range(0, len(shared["validation"]), batch):
                given = inputs(shared["validation"][at : at + batch])
                learnt = int((given["labels"] != IGNORED).sum())
                total += float(model(**given).loss) * learnt
                count += learnt
        model.train()
        print(json.dumps({"loss": total / count}), flush=True)
        continue
    if order == "save":
        adapters = [parameter.detach() for parameter in trained]
        torch.save({"step": step, "adapters": adapters, "optimizer": optimizer.state_dict()}, rest)
        print(json.dumps({"step": step}), flush=True)
        continue
    if order == "load":
        kept = torch.load(rest)
        step = kept["step"]
        with torch.no_grad():
            for parameter, adapter in zip(trained, kept["adapters"], strict=True):
                parameter.copy_(adapter)
        optimizer.load_state_dict(kept["optimizer"])
        print(json.dumps({"step": step}), flush=True)
        continue
    ms, losses = [], []
    for _ in range(int(rest)):
        rows = shared["train"][step * batch : (step + 1) * batch]
        step += 1
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = model(**inputs(rows)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        losses.append(loss.item())
        ms.append((time.perf_counter() - start) * 1e3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"ms": ms, "losses": losses, "peak_rss_bytes": peak}), flush=True)
