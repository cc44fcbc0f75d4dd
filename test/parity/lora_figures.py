"""Figures for lora.test.ts: logits, loss and every gradient of peft's LoRA on transformers' BERT, in float64.

python test/parity/lora_figures.py

Writes figures/lora-{query-value,all-linear}.{json,safetensors}; the second has masks on the adapters' inputs that both
sides are given. Weights are made by values.py, so they are not stored; B is not zero, as after some training.
"""

import json

import peft
import torch
import transformers
from peft import LoraConfig, TaskType, get_peft_model
from safetensors.torch import save_file
from transformers import BertConfig, BertForSequenceClassification

from bert_figures import FIGURES, GivenDropout, at_first_token, kept, texts_of
from values import weight

DEVIATION = 0.25
CONFIG = dict(
    vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
    max_position_embeddings=16,
)
CASES = {
    "query-value": dict(r=4, lora_alpha=8, lora_dropout=0.0, target_modules=["query", "value"]),
    "all-linear": dict(r=3, lora_alpha=8, lora_dropout=0.2, target_modules="all-linear"),
}


def canonical(key):
    """Luthier's name of a parameter of a PeftModel."""
    for part in ("base_model.model.", ".default", ".base_layer", ".modules_to_save", ".original_module"):
        key = key.replace(part, "")
    return key


def give_dropout(model, rows, length, last):
    """Puts the masks where Luthier's adapters drop: the last layer is computed for first tokens, but for keys and values."""
    for key, module in model.named_modules():
        if not key.endswith(".lora_dropout.default"):
            continue
        name = canonical(key.removesuffix(".lora_dropout.default"))
        width = model.get_submodule(key.removesuffix("lora_dropout.default") + "lora_A.default").in_features
        site = f"{name}.lora_dropout"
        if "pooler" in name:
            mask = kept(site, rows, width)
        elif f"layer.{last}." in name and not name.endswith((".key", ".value")):
            mask = at_first_token(kept(site, rows, width), length)
        else:
            mask = kept(site, rows, length, width)
        parent = model.get_submodule(key.removesuffix(".default"))
        parent["default"] = GivenDropout(mask, module.p)


def figures(name, settings):
    config = BertConfig(**CONFIG, num_labels=3, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    base = BertForSequenceClassification._from_config(config, attn_implementation="eager")
    model = get_peft_model(base, LoraConfig(task_type=TaskType.SEQ_CLS, **settings))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            values = weight(canonical(key), tuple(parameter.shape), DEVIATION)
            parameter.copy_(torch.from_numpy(values))
    model = model.double().eval()
    texts = texts_of("small", [7, 13, 3, 13, 9, 1, 12], 40, True)
    longest = max(len(t["ids"]) for t in texts)
    pad = lambda rows: torch.tensor([r + [0] * (longest - len(r)) for r in rows])
    inputs = dict(
        input_ids=pad([t["ids"] for t in texts]),
        attention_mask=pad([[1] * len(t["ids"]) for t in texts]),
        token_type_ids=pad([[0] * t["second_from"] + [1] * (len(t["ids"]) - t["second_from"]) for t in texts]),
        labels=torch.tensor([t["label"] for t in texts]),
    )
    with torch.no_grad():
        logits = model(**inputs).logits
    if settings["lora_dropout"] > 0:
        give_dropout(model, len(texts), longest, config.num_hidden_layers - 1)
    loss = model(**inputs).loss
    loss.backward()
    gradients = {
        canonical(key): parameter.grad for key, parameter in model.named_parameters() if parameter.requires_grad
    }
    head = dict(
        made_with=f"torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}",
        config={**CONFIG, "model_type": "bert", "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0},
        num_labels=3,
        deviation=DEVIATION,
        strategy=dict(type="lora", **settings),
        texts=texts,
        logits=logits.tolist(),
        loss=loss.item(),
        largest_gradient=max(g.abs().max().item() for g in gradients.values()),
        key_bias_noise=0,
    )
    (FIGURES / f"lora-{name}.json").write_text(json.dumps(head))
    save_file({k: g.float().contiguous() for k, g in gradients.items()}, FIGURES / f"lora-{name}.safetensors")


if __name__ == "__main__":
    for name, settings in CASES.items():
        figures(name, settings)
