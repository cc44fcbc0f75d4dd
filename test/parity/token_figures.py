"""Figures for token-classification.test.ts: logits, loss and every gradient of transformers' token classifiers of each
family in float64, labels on the first pieces of words and -100 on the others.

python test/parity/token_figures.py     (transformers 5, torch 2.13)
"""

import json
import pathlib

import torch
from transformers import AutoConfig, AutoModelForTokenClassification

from values import uniform, weight

FIGURES = pathlib.Path(__file__).parent / "figures"
LABELS, DEVIATION = 5, 0.4
BERT = dict(
    model_type="bert", vocab_size=50, hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20,
    max_position_embeddings=24, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout=0.0,
)
CONFIGS = {
    "token-classification": BERT,
    # Positions follow from the padding's id, which no text has.
    "token-classification-roberta": dict(
        BERT, model_type="roberta", vocab_size=51, num_hidden_layers=1, type_vocab_size=1, pad_token_id=1,
    ),
    "token-classification-distilbert": dict(
        model_type="distilbert", vocab_size=50, dim=12, n_layers=1, n_heads=3, hidden_dim=20,
        max_position_embeddings=24, dropout=0.0, attention_dropout=0.0,
    ),
}


def figures(config):
    given = {key: value for key, value in config.items() if key != "model_type"}
    made = AutoConfig.for_model(config["model_type"], **given, num_labels=LABELS)
    model = AutoModelForTokenClassification.from_config(made, attn_implementation="eager").double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(name, parameter.numel(), DEVIATION)).double().reshape(parameter.shape))
    padding = config.get("pad_token_id", 0)
    texts = []
    for i, length in enumerate([9, 4, 13, 6]):
        ids = ((uniform(f"tokens.{i}", length) + 1) * 24).astype(int) + 1 + padding
        u = uniform(f"labels.{i}", length)
        # Special tokens at both ends, and about a third of the rest, have no label.
        labels = [-100 if j in (0, length - 1) or u[j] < -0.3 else int((u[j] + 0.3) / 1.3 * LABELS) for j in range(length)]
        texts.append(dict(ids=ids.tolist(), labels=labels))
    longest = max(len(text["ids"]) for text in texts)
    pad = lambda values, by: torch.tensor([row + [by] * (longest - len(row)) for row in values])
    out = model(
        input_ids=pad([text["ids"] for text in texts], padding),
        attention_mask=pad([[1] * len(text["ids"]) for text in texts], 0),
        labels=pad([text["labels"] for text in texts], -100),
    )
    out.loss.backward()
    logits = [out.logits[i, : len(text["ids"])].tolist() for i, text in enumerate(texts)]
    gradients = {name: p.grad.flatten().tolist() for name, p in model.named_parameters() if p.grad is not None}
    return dict(
        config=config, num_labels=LABELS, deviation=DEVIATION, texts=texts, loss=out.loss.item(), logits=logits,
        gradients={name: [float(f"{x:.9g}") for x in values] for name, values in gradients.items()},
    )


for name, config in CONFIGS.items():
    (FIGURES / f"{name}.json").write_text(json.dumps(figures(config)) + "\n")
