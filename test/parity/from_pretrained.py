"""Loads a model folder that Luthier wrote, as a user would, and compares its logits with given ones.

    python test/parity/from_pretrained.py MODEL_DIR LOGITS_JSON

LOGITS_JSON holds "logits" (rows of numbers) and what they are the answer to: either "texts", which the folder's own
tokenizer then encodes, or "inputs" with input_ids, attention_mask and token_type_ids; and, if it is to be compared,
"id2label"; and "scores", what transformers' text-classification pipeline must say of the texts, label by label. Where the folder's class is for tokens ("auto": "TokenClassification"), the rows are all texts' tokens. Prints one line of JSON and exits 1 when a weight is missing, left over or of another shape, when a logit
differs by more than 1e-4, or when the labels differ.
"""

import json
import sys

import torch
import transformers
from transformers import AutoTokenizer

TOLERANCE = 1e-4


def main(folder: str, expected_path: str) -> int:
    with open(expected_path, encoding="utf-8") as file:
        expected = json.load(file)
    auto = getattr(transformers, "AutoModelFor" + expected.get("auto", "SequenceClassification"))
    model, info = auto.from_pretrained(
        folder, output_loading_info=True, dtype=torch.float32, local_files_only=True
    )
    model.eval()
    if "texts" in expected:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        inputs = tokenizer(expected["texts"], padding=True, truncation=True, return_tensors="pt")
    else:
        inputs = {key: torch.tensor(value) for key, value in expected["inputs"].items()}
    with torch.no_grad():
        logits = model(**inputs).logits
    if logits.dim() == 3:
        logits = logits[inputs["attention_mask"].bool()]
    wanted = torch.tensor(expected["logits"])
    same_shape = logits.shape == wanted.shape
    id2label = {str(id): label for id, label in model.config.id2label.items()}
    result = {
        "max_abs_difference": (logits - wanted).abs().max().item() if same_shape else None,
        "shape": list(logits.shape),
        "id2label": id2label,
        "problems": {key: sorted(map(str, value)) for key, value in info.items() if value},
    }
    labels = {str(id): label for id, label in expected.get("id2label", id2label).items()}
    answers = []
    if "scores" in expected:
        ask = transformers.pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None)
        answers = [{each["label"]: each["score"] for each in answer} for answer in ask(expected["texts"])]
    alike = all(
        said.keys() == wanted.keys() and all(abs(said[label] - wanted[label]) <= TOLERANCE for label in said)
        for said, wanted in zip(answers, expected.get("scores", []), strict=True)
    )
    result["ok"] = alike and same_shape and result["max_abs_difference"] <= TOLERANCE
    result["ok"] = result["ok"] and not result["problems"] and labels == id2label
    print(json.dumps(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: from_pretrained.py MODEL_DIR LOGITS_JSON")
    sys.exit(main(sys.argv[1], sys.argv[2]))
