"""Figures for token-classification.test.ts: logits, loss and every gradient of transformers' BertForTokenClassification
in float64, labels on the first pieces of words and -100 on the others.

python test/parity/token_figures.py     (transformers 5, torch 2.13)
"""

import json
import pathlib

import torch
from transformers import BertConfig, BertForTokenClassification

from values import uniform, weight

FIGURES = pathlib.Path(__file__).parent / "figures"
LABELS, DEVIATION = 5, 0.4
CONFIG = dict(
    model_type="bert", vocab_size=50, hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20,
    max_position_embeddings=24, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout=0.0,
)


def main():
    model = BertForTokenClassification(BertConfig(**CONFIG, num_labels=LABELS, attn_implementation="eager")).double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(name, parameter.numel(), DEVIATION)).double().reshape(parameter.shape))
    texts = []
    for i, length in enumerate([9, 4, 13, 6]):
        ids = ((uniform(f"tokens.{i}", length) + 1) * 24).astype(int) + 1
        u = uniform(f"labels.{i}", length)
        # Special tokens at both ends, and about a third of the rest, have no label.
        labels = [-100 if j in (0, length - 1) or u[j] < -0.3 else int((u[j] + 0.3) / 1.3 * LABELS) for j in range(length)]
        texts.append(dict(ids=ids.tolist(), labels=labels))
    longest = max(len(text["ids"]) for text in texts)
    pad = lambda values, by: torch.tensor([row + [by] * (longest - len(row)) for row in values])
    out = model(
        input_ids=pad([text["ids"] for text in texts], 0),
        attention_mask=pad([[1] * len(text["ids"]) for text in texts], 0),
        labels=pad([text["labels"] for text in texts], -100),
    )
    out.loss.backward()
    logits = [out.logits[i, : len(text["ids"])].tolist() for i, text in enumerate(texts)]
    gradients = {name: p.grad.flatten().tolist() for name, p in model.named_parameters() if p.grad is not None}
    figures = dict(
        config=CONFIG, num_labels=LABELS, deviation=DEVIATION, texts=texts, loss=out.loss.item(), logits=logits,
        gradients={name: [float(f"{x:.9g}") for x in values] for name, values in gradients.items()},
    )
    (FIGURES / "token-classification.json").write_text(json.dumps(figures) + "\n")


main()
