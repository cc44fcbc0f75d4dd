"""Figures for problem-types.test.ts: logits, loss and every gradient of transformers' text classifiers with
problem_type multi_label_classification and regression in float64, and the losses of a run of AdamW.

python test/parity/problem_type_figures.py     (transformers 5, torch 2.13)
"""

import json
import pathlib

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from values import uniform, weight

FIGURES = pathlib.Path(__file__).parent / "figures"
DEVIATION, STEPS, RATE = 0.4, 12, 5e-3
BERT = dict(
    model_type="bert", vocab_size=50, hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20,
    max_position_embeddings=24, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout=0.0,
)
CONFIGS = {
    "bert": BERT,
    "roberta": dict(
        BERT, model_type="roberta", vocab_size=51, num_hidden_layers=1, type_vocab_size=1, pad_token_id=1,
    ),
    "distilbert": dict(
        model_type="distilbert", vocab_size=50, dim=12, n_layers=1, n_heads=3, hidden_dim=20,
        max_position_embeddings=24, dropout=0.0, attention_dropout=0.0, seq_classif_dropout=0.0,
    ),
}
PROBLEMS = {"multi_label_classification": 4, "regression": 1}


def targets_of(problem, i, outputs):
    u = uniform(f"targets.{i}", outputs)
    # The third text has no label at all.
    return [float(x > 0) if i != 2 else 0.0 for x in u] if problem != "regression" else [float(f"{2.5 + 2.5 * u[0]:.3f}")]


def figures(config, problem, outputs):
    given = {key: value for key, value in config.items() if key != "model_type"}
    made = AutoConfig.for_model(config["model_type"], **given, num_labels=outputs, problem_type=problem)
    model = AutoModelForSequenceClassification.from_config(made, attn_implementation="eager").double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(name, parameter.numel(), DEVIATION)).double().reshape(parameter.shape))
    padding = config.get("pad_token_id", 0)
    texts = []
    for i, length in enumerate([9, 4, 13, 6, 7]):
        ids = ((uniform(f"tokens.{i}", length) + 1) * 24).astype(int) + 1 + padding
        texts.append(dict(ids=ids.tolist(), targets=targets_of(problem, i, outputs)))
    longest = max(len(text["ids"]) for text in texts)
    pad = lambda values, by: torch.tensor([row + [by] * (longest - len(row)) for row in values])
    run = lambda: model(
        input_ids=pad([text["ids"] for text in texts], padding),
        attention_mask=pad([[1] * len(text["ids"]) for text in texts], 0),
        labels=torch.tensor([text["targets"] for text in texts], dtype=torch.float64),
    )
    out = run()
    out.loss.backward()
    gradients = {name: p.grad.flatten().tolist() for name, p in model.named_parameters() if p.grad is not None}
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = run().loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return dict(
        config=config, num_labels=outputs, deviation=DEVIATION, texts=texts, loss=out.loss.item(),
        logits=out.logits.tolist(), learning_rate=RATE, losses=losses,
        gradients={name: [float(f"{x:.9g}") for x in values] for name, values in gradients.items()},
    )


made = {
    problem: {family: figures(config, problem, outputs) for family, config in CONFIGS.items()}
    for problem, outputs in PROBLEMS.items()
}
(FIGURES / "problem-types.json").write_text(json.dumps(made) + "\n")
