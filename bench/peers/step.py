"""PyTorch's side of a step case: transformers' BERT with sdpa attention, fused AdamW and clipping, on one full batch.

Reads lines `run N` from stdin and answers each with {"ms": [...], "peak_rss_bytes": ...}, and `rate WIDTH` with
{"gflops": ...}, as bench/step.ts does.
"""
import json
import resource
import sys
import time

import torch
from transformers import BertConfig, BertForSequenceClassification

spec = json.loads(sys.argv[1])
torch.set_num_threads(spec["threads"])
device = spec.get("device", "cpu")
torch.set_default_device(device)
torch.manual_seed(1)
config = BertConfig(
    num_hidden_layers=spec["layers"],
    hidden_size=spec["hidden"],
    num_attention_heads=spec["heads"],
    vocab_size=spec["vocab"],
    intermediate_size=4 * spec["hidden"],
    hidden_dropout_prob=spec["dropout"],
    attention_probs_dropout_prob=spec["dropout"],
    attn_implementation="sdpa",
)
model = BertForSequenceClassification(config)
if spec["frozen"]:
    for name, parameter in model.named_parameters():
        layer = name.split("encoder.layer.")[1].split(".")[0] if "encoder.layer." in name else None
        if "embeddings" in name or (layer is not None and int(layer) < spec["frozen"]):
            parameter.requires_grad = False
if spec.get("lora"):
    from peft import LoraConfig, TaskType, get_peft_model

    rank = spec["lora"]
    settings = LoraConfig(
        task_type=TaskType.SEQ_CLS, r=rank, lora_alpha=2 * rank, lora_dropout=0, target_modules=["query", "value"]
    )
    model = get_peft_model(model, settings)
model.train()
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=2e-5, weight_decay=0.01, fused=True)
batch, length = spec["batch"], spec["length"]
inputs = {
    "input_ids": torch.randint(0, spec["vocab"], (batch, length)),
    "attention_mask": torch.ones(batch, length, dtype=torch.long),
    "labels": torch.arange(batch) % 2,
}


def wait():
    """A card still computes when what it was asked for returns."""
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()


def rate(width):
    """The best of some products, with the weight in either layout, as for src/engine/tensor/executors/measure.ts."""
    x, weight = torch.full((1024, width), 0.5), torch.full((4 * width, width), 0.5)
    other = weight.t().contiguous()
    best = float("inf")
    for product in (lambda: torch.nn.functional.linear(x, weight), lambda: x @ other):
        for i in range(21):
            wait()
            start = time.perf_counter()
            product()
            wait()
            if i > 0:
                best = min(best, time.perf_counter() - start)
    return 2 * 1024 * width * 4 * width / best / 1e9


for line in sys.stdin:
    order, number = line.split()
    if order == "rate":
        print(json.dumps({"gflops": rate(int(number))}), flush=True)
        continue
    ms = []
    for _ in range(int(number)):
        wait()
        start = time.perf_counter()
        optimizer.zero_grad()
        model(**inputs).loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        wait()
        ms.append((time.perf_counter() - start) * 1e3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"ms": ms, "peak_rss_bytes": peak}), flush=True)
