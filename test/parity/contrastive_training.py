"""Figures for contrastive-training.test.ts: losses of 60 AdamW steps of a BERT of 2 layers of 128 that learns from all
pairs of a step's texts, by the means of their tokens' states, as sentence-transformers does it in float32 on one thread; dropout off.

pip install sentence-transformers==6.2.0; python test/parity/contrastive_training.py
"""

import json
import pathlib

import sentence_transformers
import torch
import transformers
from sentence_transformers.sentence_transformer.losses import CosineSimilarityLoss
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import BertConfig, BertModel, get_linear_schedule_with_warmup

from values import uniform, weight

FIGURES = pathlib.Path(__file__).parent / "figures"
TEXTS, COMPARED, STEPS, DEVIATION = 12, 5, 60, 0.05
CONFIG = dict(
    model_type="bert", vocab_size=200, hidden_size=128, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=512, max_position_embeddings=16, type_vocab_size=2, layer_norm_eps=1e-12, hidden_act="gelu",
)
SETTINGS = dict(
    learning_rate=1e-4, weight_decay=0.01, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8, max_grad_norm=1.0,
    warmup_steps=6, lr_scheduler_type="linear",
)


def texts():
    """Of 3 to 8 tokens."""
    ids = []
    for i in range(TEXTS):
        u = (uniform(f"text.{i}", 8) + 1) / 2
        text = (2 + 198 * u[: 3 + i % 6]).astype(int).tolist()
        text[0] = 1
        ids.append(text)
    return ids


def compared(step):
    """Texts of a step. Those belong together whose numbers are both even or both odd."""
    first, by = step * COMPARED % TEXTS, 1 + step // TEXTS % 2 * 4
    return [(first + i * by) % TEXTS for i in range(COMPARED)]


def main():
    torch.set_num_threads(1)
    ids = texts()
    body = BertModel(
        BertConfig(**CONFIG, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0), add_pooling_layer=False
    ).train()
    with torch.no_grad():
        for name, parameter in body.named_parameters():
            parameter.copy_(torch.from_numpy(weight(f"bert.{name}", tuple(parameter.shape), DEVIATION)))
    pooling, loss_of = Pooling(CONFIG["hidden_size"], pooling_mode="mean"), CosineSimilarityLoss(torch.nn.Identity())

    def embeddings(rows):
        longest = max(len(ids[i]) for i in rows)
        pad = lambda values: torch.tensor([v + [0] * (longest - len(v)) for v in values])
        mask = pad([[1] * len(ids[i]) for i in rows])
        states = body(input_ids=pad([ids[i] for i in rows]), attention_mask=mask).last_hidden_state
        return pooling({"token_embeddings": states, "attention_mask": mask})["sentence_embedding"]

    first = embeddings(range(TEXTS))[:, :8].tolist()
    decayed = [p for n, p in body.named_parameters() if not n.endswith("bias") and "LayerNorm" not in n]
    others = [p for n, p in body.named_parameters() if n.endswith("bias") or "LayerNorm" in n]
    optimizer = torch.optim.AdamW(
        [dict(params=decayed, weight_decay=SETTINGS["weight_decay"]), dict(params=others, weight_decay=0.0)],
        lr=SETTINGS["learning_rate"], betas=(SETTINGS["adam_beta1"], SETTINGS["adam_beta2"]),
        eps=SETTINGS["adam_epsilon"],
    )
    schedule = get_linear_schedule_with_warmup(optimizer, SETTINGS["warmup_steps"], STEPS)
    losses, norms = [], []
    for step in range(STEPS):
        rows = compared(step)
        states = embeddings(rows)
        loss = 0
        for alike in (True, False):
            a, b = zip(*((i, j) for j in range(COMPARED) for i in range(j) if ((rows[i] - rows[j]) % 2 == 0) == alike))
            wanted = torch.full((len(a),), float(alike))
            loss = loss + loss_of.compute_loss_from_embeddings([states[list(a)], states[list(b)]], wanted) / 2
        optimizer.zero_grad()
        loss.backward()
        norms.append(float(f"{torch.nn.utils.clip_grad_norm_(body.parameters(), SETTINGS['max_grad_norm']).item():.7g}"))
        optimizer.step()
        schedule.step()
        losses.append(float(f"{loss.item():.9g}"))
    made_with = (
        f"torch {torch.__version__}, transformers {transformers.__version__}, "
        f"sentence-transformers {sentence_transformers.__version__}"
    )
    figures = dict(
        made_with=made_with, config=CONFIG, settings=SETTINGS, deviation=DEVIATION, ids=ids,
        compared=[compared(step) for step in range(STEPS)], losses=losses, grad_norms=norms, first_embeddings=first,
    )
    (FIGURES / "contrastive-training.json").write_text(json.dumps(figures, separators=(",", ":")) + "\n")
    print(losses[::10], losses[-1], max(norms), min(norms))


main()
