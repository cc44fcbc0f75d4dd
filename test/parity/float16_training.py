"""Figures for float16.test.ts: losses of 60 AdamW steps of small_training.py's BERT with products in float16 and a loss
that is scaled by PyTorch's GradScaler, whose first scale is so large that steps are skipped.

python test/parity/float16_training.py

`rounded` has float32 products of operands that are rounded to float16, and of which the results are, forward and backward;
everything else in float32. `autocast` is torch.autocast's own float16 on the processor, which computes more than products
in it. Both on one thread.
"""

import json
import pathlib

import torch
import transformers
from transformers import BertConfig, BertForSequenceClassification, get_linear_schedule_with_warmup

from values import weight

FIGURES = pathlib.Path(__file__).parent / "figures"
SMALL = json.loads((FIGURES / "small-training.json").read_text())
BATCH, SETTINGS, IDS, KINDS = SMALL["batch"], SMALL["settings"], SMALL["ids"], SMALL["labels"]
STEPS, SCALE = 60, 2.0**20


def rounded(x):
    return x.half().float()


class Product(torch.autograd.Function):
    """`a · b + bias` over stacks of matrices."""

    @staticmethod
    def forward(ctx, a, b, bias):
        a, b = rounded(a), rounded(b)
        ctx.save_for_backward(a, b)
        product = exact(a, b)
        return rounded(product if bias is None else product + rounded(bias))

    @staticmethod
    def backward(ctx, dy):
        a, b = ctx.saved_tensors
        narrow = rounded(dy)
        da = rounded(exact(narrow, b.transpose(-1, -2)))
        if b.dim() == 2:
            flat = lambda x: x.reshape(-1, x.shape[-1])
            db = rounded(exact(flat(a).transpose(0, 1), flat(narrow)))
        else:
            db = rounded(exact(a.transpose(-1, -2), narrow))
        return da, db, dy.reshape(-1, dy.shape[-1]).sum(0) if ctx.needs_input_grad[2] else None


exact, linear = torch.matmul, torch.nn.functional.linear


def train(is_rounded):
    torch.matmul = (lambda a, b: Product.apply(a, b, None)) if is_rounded else exact
    torch.nn.functional.linear = (lambda x, w, b=None: Product.apply(x, w.t(), b)) if is_rounded else linear
    config = BertConfig(**SMALL["config"], num_labels=SMALL["num_labels"], hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model = BertForSequenceClassification._from_config(config, attn_implementation="eager").train()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(name, tuple(parameter.shape), SMALL["deviation"])))
    decayed = [p for n, p in model.named_parameters() if not n.endswith("bias") and "LayerNorm" not in n]
    others = [p for n, p in model.named_parameters() if n.endswith("bias") or "LayerNorm" in n]
    optimizer = torch.optim.AdamW(
        [dict(params=decayed, weight_decay=SETTINGS["weight_decay"]), dict(params=others, weight_decay=0.0)],
        lr=SETTINGS["learning_rate"], betas=(SETTINGS["adam_beta1"], SETTINGS["adam_beta2"]),
        eps=SETTINGS["adam_epsilon"],
    )
    schedule = get_linear_schedule_with_warmup(optimizer, SETTINGS["warmup_steps"], 200)
    scaler = torch.amp.GradScaler("cpu", init_scale=SCALE)
    losses, norms, scales = [], [], []
    for step in range(STEPS):
        at = [(step * BATCH + i) % len(IDS) for i in range(BATCH)]
        longest = max(len(IDS[i]) for i in at)
        pad = lambda values: torch.tensor([v + [0] * (longest - len(v)) for v in values])
        with torch.autocast("cpu", dtype=torch.float16, enabled=not is_rounded):
            loss = model(
                input_ids=pad([IDS[i] for i in at]),
                attention_mask=pad([[1] * len(IDS[i]) for i in at]),
                labels=torch.tensor([KINDS[i] for i in at]),
            ).loss
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["max_grad_norm"]).item()
        before = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        # As transformers' Trainer: what the optimiser did not do, the schedule does not follow.
        skipped = scaler.get_scale() < before
        if not skipped:
            schedule.step()
        norms.append(None if skipped else float(f"{norm:.7g}"))
        losses.append(float(f"{loss.item():.9g}"))
        scales.append(scaler.get_scale())
    return dict(losses=losses, grad_norms=norms, scales=scales)


def main():
    torch.set_num_threads(1)
    figures = dict(
        made_with=f"torch {torch.__version__}, transformers {transformers.__version__}",
        first_scale=SCALE, rounded=train(True), autocast=train(False),
    )
    (FIGURES / "float16-training.json").write_text(json.dumps(figures, separators=(",", ":")))
    for kind in ("rounded", "autocast"):
        print(kind, figures[kind]["losses"][::10], figures[kind]["scales"][:8], figures[kind]["grad_norms"][:8])


if __name__ == "__main__":
    main()
