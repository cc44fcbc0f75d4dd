"""Figures for masked.test.ts: logits of transformers' masked-language heads at one token of each text, in float64, for
one small random model of each family, and for a BERT whose output layer is not tied to its embeddings.

python test/parity/masked_figures.py

Writes figures/NAME-masked.json. Weights are made by values.py, so they are not stored.
"""

import json

import torch
import transformers
from transformers import AutoModelForMaskedLM, BertConfig

from bert_figures import FIGURES
from family_figures import CONFIGS, DEVIATION, KEYS, texts
from values import weight

BERT = dict(
    vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
    max_position_embeddings=16, type_vocab_size=2, layer_norm_eps=1e-6,
)
BERT_KEYS = (*BERT, "model_type", "hidden_act", "pad_token_id")
CASES = {
    **{name: (config, KEYS[name]) for name, config in CONFIGS.items()},
    "bert": (BertConfig(**BERT), BERT_KEYS),
    "bert-untied": (BertConfig(**BERT, tie_word_embeddings=False), (*BERT_KEYS, "tie_word_embeddings")),
}


def parameters_of(model):
    """By name; what is tied by the embeddings' name and the bias', whichever transformers meets first."""
    named = {}
    for key, parameter in model.named_parameters(remove_duplicate=False):
        known = named.get(id(parameter))
        if known is None or "decoder." in known[0] or known[0] == "vocab_projector.weight":
            named[id(parameter)] = (key, parameter)
    return dict(named.values())


def main():
    for name, (config, keys) in CASES.items():
        model = AutoModelForMaskedLM.from_config(config, attn_implementation="eager").eval()
        with torch.no_grad():
            for key, parameter in parameters_of(model).items():
                parameter.copy_(torch.from_numpy(weight(key, tuple(parameter.shape), DEVIATION)))
        model = model.double()
        rows = [dict(ids=text["ids"], read=i % len(text["ids"])) for i, text in enumerate(texts(name, config.pad_token_id))]
        longest = max(len(row["ids"]) for row in rows)
        pad = lambda lists, fill: torch.tensor([one + [fill] * (longest - len(one)) for one in lists])
        with torch.no_grad():
            logits = model(
                input_ids=pad([row["ids"] for row in rows], config.pad_token_id),
                attention_mask=pad([[1] * len(row["ids"]) for row in rows], 0),
            ).logits
        figures = dict(
            made_with=f"torch {torch.__version__}, transformers {transformers.__version__}",
            config={key: getattr(config, key) for key in keys},
            architecture=type(model).__name__,
            deviation=DEVIATION,
            # Without ties the bias beside the decoder's own is there and never added.
            parameters=sorted(
                key for key in parameters_of(model) if config.tie_word_embeddings or key != "cls.predictions.bias"
            ),
            texts=rows,
            logits=[logits[i, row["read"]].tolist() for i, row in enumerate(rows)],
        )
        (FIGURES / f"{name}-masked.json").write_text(json.dumps(figures))
        print(name, figures["architecture"], figures["logits"][0][:3])


if __name__ == "__main__":
    main()
