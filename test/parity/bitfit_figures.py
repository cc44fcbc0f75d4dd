"""Figures for bitfit.test.ts: transformers' BERT of which PyTorch trains the biases and the head alone, in float64:
logits, loss and every gradient, then losses and weights of a few steps of AdamW.

python test/parity/bitfit_figures.py

Writes figures/bitfit.json, bitfit.safetensors (gradients) and bitfit-after.safetensors (weights after the steps).
"""

import json

import torch
import transformers
from safetensors.torch import save_file
from transformers import BertConfig, BertForSequenceClassification

from bert_figures import FIGURES, texts_of
from values import weight

DEVIATION = 0.25
CONFIG = dict(
    vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
    max_position_embeddings=16,
)
SETTINGS = dict(
    learning_rate=1e-2, weight_decay=0.1, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8, max_grad_norm=1.0,
)
STEPS = 6


def main():
    config = BertConfig(**CONFIG, num_labels=3, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model = BertForSequenceClassification._from_config(config, attn_implementation="eager")
    trained = {}
    for key, parameter in model.named_parameters():
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(weight(key, tuple(parameter.shape), DEVIATION)))
        is_head = key.startswith(("bert.pooler.", "classifier."))
        parameter.requires_grad_(key.endswith(".bias") or is_head)
    model = model.double().eval()
    trained = {key: parameter for key, parameter in model.named_parameters() if parameter.requires_grad}
    texts = texts_of("small", [7, 13, 3, 13, 9, 1, 12], 40, True)
    longest = max(len(t["ids"]) for t in texts)
    pad = lambda rows: torch.tensor([r + [0] * (longest - len(r)) for r in rows])
    inputs = dict(
        input_ids=pad([t["ids"] for t in texts]),
        attention_mask=pad([[1] * len(t["ids"]) for t in texts]),
        token_type_ids=pad([[0] * t["second_from"] + [1] * (len(t["ids"]) - t["second_from"]) for t in texts]),
        labels=torch.tensor([t["label"] for t in texts]),
    )
    output = model(**inputs)
    output.loss.backward()
    gradients = {key: parameter.grad.clone() for key, parameter in trained.items()}
    optimizer = torch.optim.AdamW(
        [
            dict(params=[p for k, p in trained.items() if not k.endswith(".bias")], weight_decay=SETTINGS["weight_decay"]),
            dict(params=[p for k, p in trained.items() if k.endswith(".bias")], weight_decay=0.0),
        ],
        lr=SETTINGS["learning_rate"], betas=(SETTINGS["adam_beta1"], SETTINGS["adam_beta2"]),
        eps=SETTINGS["adam_epsilon"],
    )
    losses, norms = [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = model(**inputs).loss
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(trained.values(), SETTINGS["max_grad_norm"]).item())
        optimizer.step()
        losses.append(loss.item())
    head = dict(
        made_with=f"torch {torch.__version__}, transformers {transformers.__version__}",
        config={**CONFIG, "model_type": "bert", "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0},
        num_labels=3,
        deviation=DEVIATION,
        settings=SETTINGS,
        texts=texts,
        logits=output.logits.tolist(),
        loss=output.loss.item(),
        largest_gradient=max(g.abs().max().item() for g in gradients.values()),
        # The true gradient of a key's bias is 0: what float32 gives there is rounding (bert_figures.py).
        key_bias_noise=1e-8,
        losses=losses,
        grad_norms=norms,
    )
    (FIGURES / "bitfit.json").write_text(json.dumps(head))
    save_file({k: g.float().contiguous() for k, g in gradients.items()}, FIGURES / "bitfit.safetensors")
    after = {k: p.detach().float().contiguous() for k, p in trained.items()}
    save_file(after, FIGURES / "bitfit-after.safetensors")
    print(len(trained), "trained tensors", losses, norms)


main()
