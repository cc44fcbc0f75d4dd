"""Figures for prompt.test.ts: losses of 50 AdamW steps of peft's prompt tuning and prefix tuning, and the logits after
them (peft_training.py says how).

python test/parity/prompt_figures.py

Writes figures/prompt.json (BERT and Llama as classifiers, Llama and GPT-2 as language models) and figures/prefix.json
(language models alone: transformers 5 calls a classifier's past_key_values otherwise than peft does).
"""

import torch
from peft import PrefixTuningConfig, PromptTuningConfig

from peft_training import train, write

TOKENS = 5


def canonical(key):
    """Luthier's name of a parameter of a PeftModel."""
    if key == "prompt_encoder.default.embedding.weight":
        return "prompt_embeddings"
    for part in (".modules_to_save.default", ".original_module"):
        key = key.replace(part, "")
    return key.removeprefix("base_model.").replace("prompt_encoder.default.", "prompt_encoder.")


def projected(key):
    """The same where the embeddings go through layers before they are a prefix."""
    return key.replace(".default", "") if key.startswith("prompt_encoder.") else canonical(key)


def prompt(kind):
    strategy = dict(type="prompt-tuning", num_virtual_tokens=TOKENS)
    return train(strategy, kind, lambda task: PromptTuningConfig(task_type=task, num_virtual_tokens=TOKENS), canonical)


def prefix(kind, **keys):
    strategy = dict(type="prefix-tuning", num_virtual_tokens=TOKENS, **keys)
    make = lambda task: PrefixTuningConfig(task_type=task, num_virtual_tokens=TOKENS, **keys)
    return train(strategy, kind, make, projected if keys else canonical)


if __name__ == "__main__":
    torch.set_num_threads(1)
    write("prompt.json", {f"prompt-tuning, {kind}": prompt(kind) for kind in ("bert", "llama-classifier", "llama", "gpt2")})
    cases = {f"prefix-tuning, {kind}": prefix(kind) for kind in ("llama", "qwen3", "gpt2")}
    cases["prefix-tuning with a projection, llama"] = prefix("llama", prefix_projection=True, encoder_hidden_size=7)
    write("prefix.json", cases)
