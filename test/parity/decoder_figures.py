"""Figures for decoders.test.ts: logits, loss and every gradient of transformers' language models of each decoder family,
in float64, from small random models that exercise every switch; of two also a classifier's. And what each writes after a
few prompts: 20 tokens greedily and 12 by 4 beams, without an end token and with one.

python test/parity/decoder_figures.py

Writes figures/decoders/NAME.{json,safetensors}. Weights are made by values.py, so they are not stored.
"""

import json

import torch
import transformers
from safetensors.torch import save_file
from transformers import (
    AutoModelForCausalLM, AutoModelForSequenceClassification, GPT2Config, LlamaConfig, MistralConfig, Qwen2Config,
    Qwen3Config,
)

from bert_figures import FIGURES, texts_of
from values import uniform, weight

DEVIATION = 0.25
LENGTHS = [7, 13, 3, 13, 9, 1, 12]
PAD = 3
BASE = dict(
    vocab_size=61, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40,
    max_position_embeddings=64, pad_token_id=PAD, bos_token_id=None, eos_token_id=None,
)
GPT2 = dict(
    vocab_size=61, n_embd=32, n_layer=2, n_head=4, n_positions=64, embd_pdrop=0.0, attn_pdrop=0.0, resid_pdrop=0.0,
    pad_token_id=PAD, bos_token_id=None, eos_token_id=None,
)
LLAMA3 = dict(
    rope_type="llama3", rope_theta=50.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
    original_max_position_embeddings=32,
)
CONFIGS = {
    "gpt2": GPT2Config(**GPT2),
    "gpt2-untied": GPT2Config(**GPT2, tie_word_embeddings=False, n_inner=24, layer_norm_epsilon=1e-3),
    "llama": LlamaConfig(**BASE, num_key_value_heads=2, rms_norm_eps=1e-5),
    # Heads wider than the states' share, biases everywhere, a tied head.
    "llama-biases": LlamaConfig(
        **BASE, num_key_value_heads=1, head_dim=12, attention_bias=True, mlp_bias=True, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="linear", factor=2.5, rope_theta=300.0),
    ),
    "llama3": LlamaConfig(**BASE, tie_word_embeddings=True, rope_parameters=LLAMA3),
    "mistral": MistralConfig(
        **BASE, num_key_value_heads=2, head_dim=16, sliding_window=40,
        rope_parameters=dict(rope_type="dynamic", factor=2.0, rope_theta=10000.0),
    ),
    "qwen2": Qwen2Config(
        **BASE, num_key_value_heads=2, tie_word_embeddings=True, use_sliding_window=True, sliding_window=40,
        max_window_layers=1,
        rope_parameters=dict(rope_type="yarn", rope_theta=50.0, factor=4.0, original_max_position_embeddings=16),
    ),
    "qwen3": Qwen3Config(**BASE, num_key_value_heads=2, head_dim=16, tie_word_embeddings=True),
    "qwen3-yarn": Qwen3Config(
        **BASE, num_key_value_heads=4, head_dim=16, attention_bias=True,
        rope_parameters=dict(
            rope_type="yarn", rope_theta=40.0, factor=2.0, original_max_position_embeddings=32, beta_fast=4.0,
            attention_factor=0.8, truncate=False,
        ),
    ),
}
CLASSIFIERS = ["gpt2", "llama"]


def texts(name, config):
    """With the padding's id at the end of two, which a classifier passes over, and one that is nothing else."""
    made = texts_of(name, LENGTHS, config.vocab_size, False)
    made[0]["ids"][-2:] = [PAD, PAD]
    made[4]["ids"][-1] = PAD
    made[5]["ids"] = [PAD]
    return made


def model_of(kind, config, dtype=torch.float64, attention="eager"):
    model = kind.from_config(config, attn_implementation=attention).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(key, tuple(parameter.shape), DEVIATION)))
    # torch gives the padding's row no gradient from a text that has it, which nothing but torch asks for.
    model.get_input_embeddings().padding_idx = None
    return model.to(dtype)


def padded(rows, fill):
    longest = max(map(len, rows))
    return torch.tensor([row + [fill] * (longest - len(row)) for row in rows])


def gradients_of(model, loss):
    model.zero_grad()
    loss.backward()
    return {key: parameter.grad for key, parameter in model.named_parameters()}


def language(config, rows, dtype=torch.float64, attention="eager"):
    """The next token is learnt of every token but each text's last."""
    model = model_of(AutoModelForCausalLM, config, dtype, attention)
    ids = [row["ids"] for row in rows]
    output = model(
        input_ids=padded(ids, PAD), attention_mask=padded([[1] * len(it) for it in ids], 0), labels=padded(ids, -100)
    )
    logits = [output.logits[i, : len(it)].flatten().tolist() for i, it in enumerate(ids)]
    return logits, output.loss, gradients_of(model, output.loss)


def classifier(config, rows, dtype=torch.float64):
    model = model_of(AutoModelForSequenceClassification, config, dtype)
    ids = [row["ids"] for row in rows]
    output = model(
        input_ids=padded(ids, PAD),
        attention_mask=padded([[1] * len(it) for it in ids], 0),
        labels=torch.tensor([row["label"] for row in rows]),
    )
    return output.logits.tolist(), output.loss, gradients_of(model, output.loss)


def written(name, config):
    """What follows each prompt; the end token of the second try is one that the first has written."""
    model = model_of(AutoModelForCausalLM, config)
    prompts = [[int(abs(u) * config.vocab_size) for u in uniform(f"{name}/prompt{n}", n)] for n in (5, 1, 9)]

    def after(prompt, eos, **options):
        ids = torch.tensor([prompt])
        made = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, pad_token_id=PAD, eos_token_id=eos,
            **options,
        )
        return made[0, len(prompt) :].tolist()

    tries = []
    for prompt in prompts:
        greedy = after(prompt, None, max_new_tokens=20)
        eos = greedy[7]
        tries.append(dict(
            prompt=prompt,
            greedy=greedy,
            beams=after(prompt, None, max_new_tokens=12, num_beams=4),
            eos=eos,
            greedy_with_eos=after(prompt, eos, max_new_tokens=20),
            beams_with_eos=after(prompt, eos, max_new_tokens=12, num_beams=4),
        ))
    return tries


def write(name, config, figures, gradients):
    own = config.to_diff_dict()
    for key in ("transformers_version", "dtype", "_name_or_path", "label2id", "id2label"):
        own.pop(key, None)
    (FIGURES / "decoders").mkdir(exist_ok=True)
    figures = dict(
        made_with=f"torch {torch.__version__}, transformers {transformers.__version__}", config=own,
        deviation=DEVIATION, largest_gradient=max(g.abs().max().item() for g in gradients.values()), **figures,
    )
    (FIGURES / "decoders" / f"{name}.json").write_text(json.dumps(figures))
    save_file({k: g.float().contiguous() for k, g in gradients.items()}, FIGURES / "decoders" / f"{name}.safetensors")
    print(name, figures["loss"], len(gradients))


def main():
    for name, config in CONFIGS.items():
        rows = texts(name, config)
        logits, loss, gradients = language(config, rows)
        figures = dict(task="text-generation", num_labels=config.vocab_size, texts=rows, logits=logits, loss=loss.item())
        write(name, config, dict(**figures, written=written(name, config)), gradients)
    for name in CLASSIFIERS:
        config = CONFIGS[name]
        config.num_labels = 3
        rows = texts(name, config)
        logits, loss, gradients = classifier(config, rows)
        figures = dict(task="text-classification", num_labels=3, texts=rows, logits=logits, loss=loss.item())
        write(f"{name}-classifier", config, figures, gradients)


if __name__ == "__main__":
    main()
