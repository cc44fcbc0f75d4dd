"""Figures for gradual-unfreeze.test.ts: losses and gradient norms of 50 AdamW steps of a BERT of 2 layers that PyTorch
unfreezes from the top: the head, from step 13 on the upper layer too, then the lower one, then the embeddings; each
group's rate is 2.6 times lower than that above it, under a slanted triangle (Howard & Ruder 2018). In float64.

python test/parity/gradual_figures.py
"""

import json

import torch
import transformers
from safetensors.torch import save_file
from transformers import BertConfig, BertForSequenceClassification

from bert_figures import FIGURES, texts_of
from values import weight

DEVIATION = 0.25
STEPS, EVERY, DECAY, CUT_FRAC, RATIO = 50, 13, 2.6, 0.1, 32
CONFIG = dict(
    vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
    max_position_embeddings=16,
)
SETTINGS = dict(
    learning_rate=1e-2, weight_decay=0.1, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8, max_grad_norm=1.0,
    lr_scheduler_type="slanted_triangular", warmup_steps=0, cut_frac=CUT_FRAC, ratio=RATIO,
)


def depth_of(name):
    """0 for the head, 1 for the upper layer, 2 for the lower one, 3 for the embeddings."""
    if name.startswith("bert.encoder.layer."):
        return CONFIG["num_hidden_layers"] - int(name.split(".")[3])
    return CONFIG["num_hidden_layers"] + 1 if name.startswith("bert.embeddings.") else 0


def slanted_triangular(t):
    """Equation 3 of the paper."""
    cut = int(STEPS * CUT_FRAC)
    p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / CUT_FRAC - 1))
    return (1 + p * (RATIO - 1)) / RATIO


def main():
    config = BertConfig(**CONFIG, num_labels=3, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model = BertForSequenceClassification._from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(name, tuple(parameter.shape), DEVIATION)))
    model = model.double().eval()
    groups = []
    for name, parameter in model.named_parameters():
        decayed = not name.endswith(".bias") and "LayerNorm" not in name
        rate = SETTINGS["learning_rate"] / DECAY ** depth_of(name)
        groups.append(dict(
            params=[parameter], lr=rate, peak=rate, weight_decay=SETTINGS["weight_decay"] if decayed else 0.0,
        ))
    optimizer = torch.optim.AdamW(
        groups, betas=(SETTINGS["adam_beta1"], SETTINGS["adam_beta2"]), eps=SETTINGS["adam_epsilon"],
    )
    texts = texts_of("small", [7, 13, 3, 13, 9, 1, 12], 40, True)
    longest = max(len(t["ids"]) for t in texts)
    pad = lambda rows: torch.tensor([r + [0] * (longest - len(r)) for r in rows])
    inputs = dict(
        input_ids=pad([t["ids"] for t in texts]),
        attention_mask=pad([[1] * len(t["ids"]) for t in texts]),
        token_type_ids=pad([[0] * t["second_from"] + [1] * (len(t["ids"]) - t["second_from"]) for t in texts]),
        labels=torch.tensor([t["label"] for t in texts]),
    )
    losses, norms = [], []
    for step in range(STEPS):
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(depth_of(name) <= step // EVERY)
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * slanted_triangular(step)
        # A parameter without a gradient is left as it is, and its steps are not counted.
        optimizer.zero_grad(set_to_none=True)
        loss = model(**inputs).loss
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["max_grad_norm"]).item())
        optimizer.step()
        losses.append(loss.item())
    figures = dict(
        made_with=f"torch {torch.__version__}, transformers {transformers.__version__}",
        config={**CONFIG, "model_type": "bert", "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0},
        num_labels=3, deviation=DEVIATION, settings=SETTINGS, texts=texts,
        strategy=dict(type="gradual-unfreeze", steps_per_group=EVERY, lr_decay=DECAY),
        losses=losses, grad_norms=norms,
    )
    (FIGURES / "gradual-unfreeze.json").write_text(json.dumps(figures))
    save_file(
        {k: p.detach().float().contiguous() for k, p in model.named_parameters()},
        FIGURES / "gradual-unfreeze-after.safetensors",
    )
    print(losses[::EVERY], losses[-1], max(norms), min(norms))


main()
