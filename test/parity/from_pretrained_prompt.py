"""Loads a model's folder with a learned prompt that Luthier wrote, as a user of peft would, and compares its answers.

    python test/parity/from_pretrained_prompt.py MODEL_DIR ADAPTER_DIR EXPECTED_JSON

EXPECTED_JSON holds "texts" and their "logits", or "prompt" ids and the ids "written" greedily after them (with a prefix by
asking the model for each: transformers 5 gives generate a cache of its own, and peft's prefix is lost). Loads the prompt
onto the folder's own base model and, from ADAPTER_DIR, onto the one that base_model_name_or_path names. Prints one line
of JSON and exits 1 when a logit differs by more than 1e-4 or another token is written, when peft would save other tensors
or another config than what was read, or when transformers alone would load the folder, which answers otherwise.
"""

import json
import sys
import tempfile
from pathlib import Path

import peft
import torch
import transformers
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoTokenizer

TOLERANCE = 1e-4


def is_refused(load):
    try:
        load()
    except (OSError, ValueError):
        return True
    return False


def main(folder: str, adapter: str, expected_path: str) -> int:
    expected = json.loads(Path(expected_path).read_text(encoding="utf-8"))
    kind = "CausalLM" if "written" in expected else "SequenceClassification"
    auto_model = getattr(transformers, f"AutoModelFor{kind}")
    more = {} if "written" in expected else dict(num_labels=len(expected["logits"][0]))
    models = dict(
        folder=PeftModel.from_pretrained(auto_model.from_pretrained(f"{folder}/base"), folder),
        adapter=getattr(peft, f"AutoPeftModelFor{kind}").from_pretrained(adapter, **more),
    )
    answers = {}
    for name, model in models.items():
        model.eval()
        with torch.no_grad():
            if "written" in expected:
                prompt = torch.tensor([expected["prompt"]])
                if model.active_peft_config.peft_type == "PREFIX_TUNING":
                    written = prompt
                    for _ in expected["written"]:
                        written = torch.cat([written, model(input_ids=written).logits[:, -1:].argmax(-1)], 1)
                else:
                    written = model.generate(
                        input_ids=prompt, attention_mask=torch.ones_like(prompt), do_sample=False,
                        max_new_tokens=len(expected["written"]), eos_token_id=None, pad_token_id=0,
                    )
                answers[name] = written[0, prompt.shape[1] :].tolist() == expected["written"]
            else:
                tokenizer = AutoTokenizer.from_pretrained(folder)
                inputs = tokenizer(expected["texts"], padding=True, truncation=True, return_tensors="pt")
                answers[name] = (model(**inputs).logits - torch.tensor(expected["logits"])).abs().max().item() <= TOLERANCE
    with tempfile.TemporaryDirectory() as place:
        models["adapter"].save_pretrained(place)
        saved, ours = load_file(f"{place}/adapter_model.safetensors"), load_file(f"{folder}/adapter_model.safetensors")
        same_tensors = saved.keys() == ours.keys() and all(torch.equal(saved[key], ours[key]) for key in saved)
        theirs = json.loads(Path(f"{place}/adapter_config.json").read_text())
    read = json.loads(Path(f"{folder}/adapter_config.json").read_text())
    # Sets in peft: their order means nothing, and it says a name again that it adds itself.
    plain = lambda value: sorted(set(value)) if isinstance(value, list) else value
    other = {key: (value, theirs.get(key)) for key, value in read.items() if plain(theirs.get(key)) != plain(value)}
    refused = [is_refused(lambda: auto_model.from_pretrained(folder))]
    # As where peft is not installed.
    transformers.modeling_utils.maybe_load_adapters = lambda name, *_, **rest: (None, name, rest)
    config = transformers.AutoConfig.from_pretrained(f"{folder}/base")
    refused.append(is_refused(lambda: getattr(transformers, config.architectures[0]).from_pretrained(folder)))
    ok = all(answers.values()) and same_tensors and not other and all(refused)
    print(json.dumps({"ok": ok, "answers": answers, "same_tensors": same_tensors, "config": other, "refused": refused}))
    return 0 if ok else 1


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: from_pretrained_prompt.py MODEL_DIR ADAPTER_DIR EXPECTED_JSON")
    sys.exit(main(*sys.argv[1:]))
