"""Figures for training.test.ts: losses of 200 AdamW steps of a BERT of 2 layers of 128, dropout off, as transformers and
PyTorch do them in float32 on one thread.

python test/parity/small_training.py
"""

import json
import pathlib

import torch
import transformers
from transformers import BertConfig, BertForSequenceClassification, get_linear_schedule_with_warmup

from values import uniform, weight

FIGURES = pathlib.Path(__file__).parent / "figures"
ROWS, BATCH, STEPS, LABELS, DEVIATION = 24, 4, 200, 3, 0.05
CONFIG = dict(
    model_type="bert", vocab_size=200, hidden_size=128, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=512, max_position_embeddings=16, type_vocab_size=2, layer_norm_eps=1e-12, hidden_act="gelu",
)
SETTINGS = dict(
    learning_rate=1e-4, weight_decay=0.01, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8, max_grad_norm=1.0,
    warmup_steps=20, lr_scheduler_type="linear",
)


def rows():
    """Texts of 3 to 8 tokens; which of three kinds a text is, its second token tells, noisily."""
    ids, labels = [], []
    for i in range(ROWS):
        u = (uniform(f"text.{i}", 8) + 1) / 2
        text = (2 + 198 * u[: 3 + i % 6]).astype(int).tolist()
        text[0] = 1
        ids.append(text)
        labels.append(text[1] % LABELS)
    return ids, labels


def main():
    torch.set_num_threads(1)
    ids, labels = rows()
    model = BertForSequenceClassification(
        BertConfig(**CONFIG, num_labels=LABELS, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    ).train()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(name, tuple(parameter.shape), DEVIATION)))
    decayed = [p for n, p in model.named_parameters() if not n.endswith("bias") and "LayerNorm" not in n]
    others = [p for n, p in model.named_parameters() if n.endswith("bias") or "LayerNorm" in n]
    optimizer = torch.optim.AdamW(
        [dict(params=decayed, weight_decay=SETTINGS["weight_decay"]), dict(params=others, weight_decay=0.0)],
        lr=SETTINGS["learning_rate"], betas=(SETTINGS["adam_beta1"], SETTINGS["adam_beta2"]),
        eps=SETTINGS["adam_epsilon"],
    )
    schedule = get_linear_schedule_with_warmup(optimizer, SETTINGS["warmup_steps"], STEPS)
    losses, norms = [], []
    for step in range(STEPS):
        at = [(step * BATCH + i) % ROWS for i in range(BATCH)]
        longest = max(len(ids[i]) for i in at)
        pad = lambda values: torch.tensor([v + [0] * (longest - len(v)) for v in values])
        loss = model(
            input_ids=pad([ids[i] for i in at]),
            attention_mask=pad([[1] * len(ids[i]) for i in at]),
            labels=torch.tensor([labels[i] for i in at]),
        ).loss
        optimizer.zero_grad()
        loss.backward()
        norms.append(float(f"{torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS['max_grad_norm']).item():.7g}"))
        optimizer.step()
        schedule.step()
        losses.append(float(f"{loss.item():.9g}"))
    figures = dict(
        made_with=f"torch {torch.__version__}, transformers {transformers.__version__}",
        config=CONFIG, settings=SETTINGS, batch=BATCH, num_labels=LABELS, deviation=DEVIATION, ids=ids, labels=labels,
        losses=losses, grad_norms=norms,
    )
    (FIGURES / "small-training.json").write_text(json.dumps(figures, separators=(",", ":")))
    print(losses[::20], losses[-1], max(norms), min(norms))


main()
