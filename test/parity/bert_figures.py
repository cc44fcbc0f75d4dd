"""Figures for bert.test.ts: logits, loss and every gradient of transformers' BertForSequenceClassification, in float64;
those of the small model with dropout, too, by masks that both sides are given.

python test/parity/bert_figures.py

Writes figures/bert-small{,-dropout}.{json,safetensors} (whole gradients) and figures/bert-base.json (at BERT-base's widths: of
each gradient its norm and 64 of its non-zero entries). Weights are made by values.py, so they are not stored.
"""

import json
import math
import pathlib

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import BertConfig, BertForSequenceClassification
from transformers.models.bert import modeling_bert

from values import uniform, weight

FIGURES = pathlib.Path(__file__).parent / "figures"


def texts_of(name, lengths, vocab, pairs):
    """Token ids with many repeats, as real text has: id 1 begins each text, small ids are frequent."""
    texts = []
    for i, length in enumerate(lengths):
        u = (uniform(f"{name}.{i}", length) + 1) / 2
        ids = (2 + (vocab - 2) * u * u * u * u).astype(int).tolist()
        ids[0] = 1
        second = length - length // 3 if pairs and i % 2 == 1 else length
        texts.append(dict(ids=ids, second_from=second, label=i % 3))
    return texts


def kept(site, *shape):
    """Three quarters of the elements, whatever the site's rate: any mask is as good."""
    return torch.from_numpy(uniform(f"mask/{site}", math.prod(shape)) > -0.5).reshape(shape).double()


class GivenDropout(torch.nn.Module):
    """Inverted dropout by a mask that is given."""

    def __init__(self, mask, rate):
        super().__init__()
        self.mask, self.rate = mask, rate

    def forward(self, x):
        return x * self.mask / (1 - self.rate)


def at_first_token(mask, length):
    """[N, H] for the first token of each row, as the last layer is computed for no other; the rest is left alone."""
    rows, width = mask.shape
    whole = torch.ones(rows, length, width, dtype=mask.dtype)
    whole[:, 0] = mask
    return whole


def give_dropout(model, config, rows, length):
    """Puts the masks where Luthier's dropout sites are. Returns the function that drops attention's probabilities."""
    hidden, heads, last = config.hidden_size, config.num_attention_heads, config.num_hidden_layers - 1
    rate = config.hidden_dropout_prob
    model.dropout = GivenDropout(kept("classifier", rows, hidden), config.classifier_dropout)
    model.bert.embeddings.dropout = GivenDropout(kept("embeddings", rows, length, hidden), rate)
    probabilities = []
    for i, layer in enumerate(model.bert.encoder.layer):
        for site, module in (("attention.output", layer.attention.output), ("output", layer.output)):
            name = f"layer.{i}.{site}"
            if i == last:
                mask = at_first_token(kept(name, rows, hidden), length)
            else:
                mask = kept(name, rows, length, hidden)
            module.dropout = GivenDropout(mask, rate)
        if i == last:
            # [heads, texts, all tokens]: of text n's probabilities those of its own row matter.
            given = kept(f"layer.{i}.attention.self", heads, rows, rows, length)
            mask = torch.ones(rows, heads, length, length, dtype=given.dtype)
            mask[:, :, 0] = given[:, torch.arange(rows), torch.arange(rows)].transpose(0, 1)
        else:
            mask = kept(f"layer.{i}.attention.self", rows, heads, length, length)
        probabilities.append(mask)
    calls = iter(probabilities)
    return lambda x, p, training: x * next(calls) / (1 - config.attention_probs_dropout_prob)


def backward(config, deviation, texts, dtype, attention, dropout=False):
    """Output and gradients of one pass."""
    model = BertForSequenceClassification._from_config(config, attn_implementation=attention).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(key, tuple(parameter.shape), deviation)))
    model = model.to(dtype)
    longest = max(len(t["ids"]) for t in texts)
    pad = lambda rows, fill: torch.tensor([r + [fill] * (longest - len(r)) for r in rows])
    inputs = dict(
        input_ids=pad([t["ids"] for t in texts], 0),
        attention_mask=pad([[1] * len(t["ids"]) for t in texts], 0),
        token_type_ids=pad(
            [[0] * t["second_from"] + [1] * (len(t["ids"]) - t["second_from"]) for t in texts], 0
        ),
        labels=torch.tensor([t["label"] for t in texts]),
    )
    original = modeling_bert.nn.functional.dropout
    if dropout:
        modeling_bert.nn.functional.dropout = give_dropout(model, config, len(texts), longest)
    output = model(**inputs)
    modeling_bert.nn.functional.dropout = original
    output.loss.backward()
    return output, {key: parameter.grad for key, parameter in model.named_parameters()}


def run(config, deviation, texts, dropout=False):
    output, gradients = backward(config, deviation, texts, torch.float64, "eager", dropout)
    # The true gradient of a key's bias is 0: what float32 gives there is rounding, by how much PyTorch's own tells.
    noise = max(
        gradient.abs().max().item()
        for attention in ("eager", "sdpa")
        for key, gradient in backward(config, deviation, texts, torch.float32, attention)[1].items()
        if key.endswith("key.bias")
    )
    keys = (
        "model_type vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size "
        "max_position_embeddings type_vocab_size layer_norm_eps hidden_act "
        "hidden_dropout_prob attention_probs_dropout_prob classifier_dropout"
    ).split()
    head = dict(
        made_with=f"torch {torch.__version__}, transformers {transformers.__version__}",
        config={key: getattr(config, key) for key in keys},
        num_labels=config.num_labels,
        deviation=deviation,
        texts=texts,
        logits=output.logits.tolist(),
        loss=output.loss.item(),
        key_bias_noise=noise,
        largest_gradient=max(g.abs().max().item() for g in gradients.values()),
    )
    return head, gradients


def small():
    config = BertConfig(
        vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
        max_position_embeddings=16, num_labels=3,
        hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.3, classifier_dropout=0.4,
    )
    texts = texts_of("small", [7, 13, 3, 13, 9, 1, 12], 40, True)
    for name, dropout in (("bert-small", False), ("bert-small-dropout", True)):
        head, gradients = run(config, 0.25, texts, dropout)
        (FIGURES / f"{name}.json").write_text(json.dumps(head))
        save_file({k: g.float().contiguous() for k, g in gradients.items()}, FIGURES / f"{name}.safetensors")


def base():
    config = BertConfig(
        vocab_size=8192, hidden_size=768, num_hidden_layers=2, num_attention_heads=12, intermediate_size=3072,
        max_position_embeddings=512, num_labels=3,
    )
    lengths = [128, 128, 128, 120, 128, 128, 111, 101]
    head, gradients = run(config, 0.05, texts_of("base", lengths, 8192, True))
    head["gradients"] = {}
    for key, gradient in gradients.items():
        flat = gradient.flatten().numpy()
        used = np.flatnonzero(flat)
        chosen = np.sort(np.random.default_rng(1).choice(used, min(64, len(used)), replace=False))
        head["gradients"][key] = dict(
            norm=float(np.linalg.norm(flat)),
            max=float(np.abs(flat).max()),
            at=chosen.tolist(),
            values=[float(f"{x:.8g}") for x in flat[chosen]],
        )
    (FIGURES / "bert-base.json").write_text(json.dumps(head))


if __name__ == "__main__":
    small()
    base()
