"""Figures for lora.test.ts: logits, loss and every gradient of peft's LoRA and DoRA on transformers' BERT, in float64; and
losses of 50 AdamW steps, and the logits after them, in float32 (peft_training.py says how).

python test/parity/lora_figures.py

Writes figures/lora-{query-value,all-linear,dora}.{json,safetensors}, of which all but the first have masks on the
adapters' inputs that both sides are given, and figures/lora-training.json. Weights are made by values.py, so they are not
stored; B is not zero, as after some training.
"""

import json

import peft
import torch
import transformers
from peft import LoraConfig, TaskType, get_peft_model
from safetensors.torch import save_file
from transformers import BertConfig, BertForSequenceClassification

from bert_figures import FIGURES, GivenDropout, at_first_token, kept, texts_of
from peft_training import train, write
from values import weight

DEVIATION = 0.25
CONFIG = dict(
    vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
    max_position_embeddings=16,
)
CASES = {
    "query-value": dict(r=4, lora_alpha=8, lora_dropout=0.0, target_modules=["query", "value"]),
    "all-linear": dict(r=3, lora_alpha=8, lora_dropout=0.2, target_modules="all-linear"),
    "dora": dict(r=3, lora_alpha=8, lora_dropout=0.2, target_modules="all-linear", use_dora=True),
}
# Settings, and the models that are trained with them.
TRAININGS = {
    "lora": (dict(r=4, lora_alpha=8), ["bert"]),
    "rank-stabilised": (dict(r=16, lora_alpha=8, use_rslora=True), ["bert"]),
    "dora": (dict(r=4, lora_alpha=8, use_dora=True), ["bert", "gpt2"]),
    "dora on every layer": (dict(r=4, lora_alpha=8, target_modules="all-linear", use_dora=True, use_rslora=True), ["bert", "llama"]),
}


def canonical(key):
    """Luthier's name of a parameter of a PeftModel."""
    for part in ("base_model.model.", ".default", ".base_layer", ".modules_to_save", ".original_module"):
        key = key.replace(part, "")
    # A vector in files, a module with one in memory.
    return key.replace(".lora_magnitude_vector.weight", ".lora_magnitude_vector")


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
        # Otherwise DoRA drops nothing; the masks are given in any case, and BERT's own dropout is 0.
        model.train()
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
    torch.set_num_threads(1)
    cases = {}
    for name, (settings, kinds) in TRAININGS.items():
        for kind in kinds:
            # peft warns of weights that lie the other way round where it is not told.
            more = dict(fan_in_fan_out=True) if kind == "gpt2" else {}
            make = lambda task: LoraConfig(task_type=task, lora_dropout=0.0, **settings, **more)
            cases[f"{name}, {kind}"] = train(dict(type="lora", **settings), kind, make, canonical)
    write("lora-training.json", cases)
