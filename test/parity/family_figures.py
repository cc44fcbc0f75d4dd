"""Figures for families.test.ts: logits, loss and every gradient of transformers' text classifiers of the families
beside BERT, in float64, one small random model of each.

python test/parity/family_figures.py

Writes figures/NAME-small.{json,safetensors}. Weights are made by values.py, so they are not stored.
"""

import json

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForSequenceClassification, DistilBertConfig, RobertaConfig, XLMRobertaConfig

from bert_figures import FIGURES, texts_of
from values import weight

DEVIATION = 0.25
LENGTHS = [7, 13, 3, 13, 9, 1, 12]
# One type row less than BERT, and two positions that no token has.
ROBERTA = dict(
    vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
    max_position_embeddings=18, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5, num_labels=3,
)
CONFIGS = {
    "roberta": RobertaConfig(**ROBERTA),
    "xlm-roberta": XLMRobertaConfig(**ROBERTA),
    "distilbert": DistilBertConfig(
        vocab_size=40, dim=32, n_layers=2, n_heads=4, hidden_dim=48, max_position_embeddings=16, num_labels=3,
    ),
}
ROBERTA_KEYS = (
    "model_type vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size "
    "max_position_embeddings type_vocab_size pad_token_id layer_norm_eps hidden_act"
).split()
KEYS = {
    "roberta": ROBERTA_KEYS,
    "xlm-roberta": ROBERTA_KEYS,
    "distilbert": (
        "model_type vocab_size dim n_layers n_heads hidden_dim max_position_embeddings activation "
        "sinusoidal_pos_embds pad_token_id"
    ).split(),
}


def texts(name, pad):
    """As BERT's, without the padding's id, by which RoBERTa tells positions."""
    made = texts_of(f"{name}-small", LENGTHS, 39, False)
    return [dict(text, ids=[i - 1 if i - 1 < pad else i for i in text["ids"]]) for text in made]


def backward(config, texts, dtype, attention):
    """Output and gradients of one pass."""
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation=attention).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(key, tuple(parameter.shape), DEVIATION)))
    model = model.to(dtype)
    longest = max(len(t["ids"]) for t in texts)
    pad = lambda rows, fill: torch.tensor([r + [fill] * (longest - len(r)) for r in rows])
    output = model(
        input_ids=pad([t["ids"] for t in texts], config.pad_token_id),
        attention_mask=pad([[1] * len(t["ids"]) for t in texts], 0),
        labels=torch.tensor([t["label"] for t in texts]),
    )
    output.loss.backward()
    return output, {key: parameter.grad for key, parameter in model.named_parameters()}


def main():
    for name, config in CONFIGS.items():
        rows = texts(name, config.pad_token_id)
        output, gradients = backward(config, rows, torch.float64, "eager")
        noise = max(
            gradient.abs().max().item()
            for attention in ("eager", "sdpa")
            for key, gradient in backward(config, rows, torch.float32, attention)[1].items()
            if key.endswith(("key.bias", "k_lin.bias"))
        )
        head = dict(
            made_with=f"torch {torch.__version__}, transformers {transformers.__version__}",
            config={key: getattr(config, key) for key in KEYS[name]},
            num_labels=config.num_labels,
            deviation=DEVIATION,
            texts=rows,
            logits=output.logits.tolist(),
            loss=output.loss.item(),
            key_bias_noise=noise,
            largest_gradient=max(g.abs().max().item() for g in gradients.values()),
        )
        (FIGURES / f"{name}-small.json").write_text(json.dumps(head))
        save_file({k: g.float().contiguous() for k, g in gradients.items()}, FIGURES / f"{name}-small.safetensors")
        print(name, head["loss"], [tuple(g.shape) for k, g in gradients.items() if "classifier" in k])


if __name__ == "__main__":
    main()
