"""Makes test/parity/figures/bert: one small BERT with random weights, saved in each of the ways that are in use on the
Hugging Face hub, and what transformers answers with it.

    python test/parity/bert_fixtures.py

The files are checked in; this is run again only to change them. Made with transformers 5.23, torch 2.13.

  classifier   F32, BertForSequenceClassification as transformers saves it
  encoder      F16, BertModel alone: no prefix, no classifier (as sentence-transformers has it)
  pretraining  BF16, as bert-base-uncased has it: gamma and beta, the heads of pretraining, position_ids
  sharded      F32, the classifier in three files with an index; no pooler and no vocabulary but vocab.txt
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, BertConfig, BertForPreTraining
from transformers import BertForSequenceClassification

FIGURES = Path(__file__).parent / "figures" / "bert"
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] the a it is was not very good bad fine late early order broken works thank you ."
VOCAB = WORDS.split() + [f"##{letter}" for letter in "abcdefghijklmnopq"]
LABELS = {0: "bad", 1: "good", 2: "neither"}
CONFIG = {
    "vocab_size": 40,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 16,
    "id2label": LABELS,
    "label2id": {label: id for id, label in LABELS.items()},
}
INPUTS = {
    "input_ids": [[2, 5, 17, 9, 12, 3, 0, 0], [2, 7, 8, 11, 13, 3, 20, 3]],
    "attention_mask": [[1, 1, 1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1, 1, 1]],
    "token_type_ids": [[0] * 8, [0, 0, 0, 0, 0, 0, 1, 1]],
}


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n")


def folder(name: str, config: dict, with_tokenizer_json: bool) -> Path:
    path = FIGURES / name
    path.mkdir(parents=True)
    write_json(path / "config.json", config)
    (path / "vocab.txt").write_text("\n".join(VOCAB) + "\n")
    write_json(path / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": True})
    if with_tokenizer_json:
        from tokenizers import BertWordPieceTokenizer

        ids = {word: id for id, word in enumerate(VOCAB)}
        BertWordPieceTokenizer(vocab=ids, lowercase=True).save(str(path / "tokenizer.json"), pretty=False)
    return path


def canonical(name: str) -> str:
    name = name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
    head = name.startswith(("classifier.", "cls.", "bert."))
    return name if head else f"bert.{name}"


def answer(path: Path) -> dict:
    """What transformers reads from a folder and says with it; a head that the folder lacks is left out."""
    model, info = AutoModelForSequenceClassification.from_pretrained(
        path, output_loading_info=True, dtype=torch.float32, attn_implementation="eager"
    )
    missing = sorted(info["missing_keys"])
    stored = {canonical(name) for file in path.glob("*.safetensors") for name in load_file(file)}
    model.eval()
    with torch.no_grad():
        inputs = {key: torch.tensor(value) for key, value in INPUTS.items()}
        hidden = model.bert(**inputs).last_hidden_state
        answer = {"inputs": INPUTS, "missing": missing, "last_hidden_state": hidden.tolist()}
        if not missing:
            answer["logits"] = model(**inputs).logits.tolist()
    answer["sums"] = {
        name: value.double().sum().item() for name, value in model.state_dict().items() if name in stored
    }
    return answer


def main() -> None:
    shutil.rmtree(FIGURES, ignore_errors=True)
    torch.manual_seed(0)
    config = BertConfig(**CONFIG)
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        # Far from the initial values, so that a swapped tensor shows.
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if name.endswith("LayerNorm.weight") else 0.0, 0.3)
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    encoder = {name: value for name, value in state.items() if not name.startswith("classifier.")}
    as_config = {**CONFIG, "model_type": "bert"}

    path = folder("classifier", {**as_config, "architectures": ["BertForSequenceClassification"]}, True)
    save_file(state, path / "model.safetensors", {"format": "pt"})

    path = folder("encoder", {**as_config, "architectures": ["BertModel"]}, True)
    bare = {name.removeprefix("bert."): value.half() for name, value in encoder.items()}
    save_file(bare, path / "model.safetensors", {"format": "pt"})

    path = folder("pretraining", {**as_config, "architectures": ["BertForPreTraining"]}, True)
    heads = {k: v for k, v in BertForPreTraining(config).state_dict().items() if k.startswith("cls.")}
    heads.pop("cls.predictions.decoder.weight")  # the word embeddings themselves
    heads.pop("cls.predictions.decoder.bias")  # cls.predictions.bias itself
    old = {}
    for name, value in {**encoder, **heads}.items():
        name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        old[name] = value.bfloat16().contiguous()
    old["bert.embeddings.position_ids"] = torch.arange(16).unsqueeze(0)
    save_file(old, path / "model.safetensors", {"format": "pt"})

    path = folder("sharded", {**as_config, "architectures": ["BertForSequenceClassification"]}, False)
    names = sorted(name for name in state if "pooler" not in name)
    weight_map = {}
    for shard in range(3):
        file = f"model-{shard + 1:05}-of-00003.safetensors"
        part = {name: state[name] for name in names[shard::3]}
        save_file(part, path / file, {"format": "pt"})
        weight_map.update({name: file for name in part})
    size = sum(state[name].nbytes for name in names)
    write_json(path / "model.safetensors.index.json", {"metadata": {"total_size": size}, "weight_map": weight_map})

    for path in sorted(FIGURES.iterdir()):
        (path / "expected.json").write_text(json.dumps(answer(path)) + "\n")
        print(path.name, sum(file.stat().st_size for file in path.iterdir()), "bytes")


if __name__ == "__main__":
    main()
