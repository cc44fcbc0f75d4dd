"""Loads an adapter folder that Luthier wrote, as a user of peft would, and compares its logits with given ones.

    python test/parity/from_pretrained_peft.py ADAPTER_DIR LOGITS_JSON

LOGITS_JSON holds "texts", "logits" (rows of numbers: of texts, or of all their tokens where "auto" is
"TokenClassification") and "model", the folder whose tokenizer encodes the texts. Loads the adapter by
AutoPeftModelForSequenceClassification or the other (which finds the base model by base_model_name_or_path) and by
PeftModel, as it is and merged. Prints one line of JSON and exits 1 when a logit differs by more than 1e-4, or when
peft would save other tensors or another config than what was read.
"""

import json
import sys
import tempfile
from pathlib import Path

import peft
import torch
import transformers
from peft import PeftConfig, PeftModel
from safetensors.torch import load_file
from transformers import AutoTokenizer

TOLERANCE = 1e-4


def main(folder: str, expected_path: str) -> int:
    expected = json.loads(Path(expected_path).read_text(encoding="utf-8"))
    wanted = torch.tensor(expected["logits"])
    tokenizer = AutoTokenizer.from_pretrained(expected["model"], local_files_only=True)
    inputs = tokenizer(expected["texts"], padding=True, truncation=True, return_tensors="pt")
    labels = wanted.shape[1]
    config = PeftConfig.from_pretrained(folder)
    kind = expected.get("auto", "SequenceClassification")
    base = getattr(transformers, f"AutoModelFor{kind}").from_pretrained(config.base_model_name_or_path, num_labels=labels)
    auto = getattr(peft, f"AutoPeftModelFor{kind}").from_pretrained(folder, num_labels=labels)
    by_hand = PeftModel.from_pretrained(base, folder)
    # Two texts need it; a base model may not name what pads.
    for model in (base, auto):
        model.config.pad_token_id = tokenizer.pad_token_id
    differences = {}
    for name, make in (("auto", lambda: auto), ("peft", lambda: by_hand), ("merged", by_hand.merge_and_unload)):
        with torch.no_grad():
            logits = make().eval()(**inputs).logits
            if logits.dim() == 3:
                logits = logits[inputs["attention_mask"].bool()]
            differences[name] = (logits - wanted).abs().max().item()
    with tempfile.TemporaryDirectory() as place:
        auto.save_pretrained(place)
        saved = load_file(f"{place}/adapter_model.safetensors")
        ours = load_file(f"{folder}/adapter_model.safetensors")
        same_tensors = saved.keys() == ours.keys() and all(torch.equal(saved[key], ours[key]) for key in saved)
        theirs = json.loads(Path(f"{place}/adapter_config.json").read_text())
        read = json.loads(Path(f"{folder}/adapter_config.json").read_text())
        # Sets in peft: their order means nothing, and it says a name again that it adds itself.
        plain = lambda value: sorted(set(value)) if isinstance(value, list) else value
        other = {key: (value, theirs.get(key)) for key, value in read.items() if plain(theirs.get(key)) != plain(value)}
    ok = same_tensors and not other and all(d <= TOLERANCE for d in differences.values())
    print(json.dumps({"ok": ok, "differences": differences, "same_tensors": same_tensors, "config": other}))
    return 0 if ok else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: from_pretrained_peft.py ADAPTER_DIR LOGITS_JSON")
    sys.exit(main(sys.argv[1], sys.argv[2]))
