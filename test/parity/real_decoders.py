"""Makes Hugging Face folders of two small trained decoders and says what transformers answers with them and with others.

    python test/parity/real_decoders.py OUT MODELS [FOLDER…]

MODELS holds stories260K (llama2.c's first format) and gpt-nano-sort (minGPT's tensors as JSON). Writes OUT/stories260K,
OUT/gpt-nano-sort and OUT/expected.json: by folder the ids of texts, where it has a tokenizer, and logits of the first and
the last token.
"""

import base64
import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

TEXTS = ["The capital of France is", "def f(x):\n    return x+12345  # naïve 日本 <|im_end|>\n", "In 1999, 2 of 3"]


def stories(path: Path, out: Path):
    data = path.read_bytes()
    H, F, L, A, G, V, S = struct.unpack("7i", data[:28])
    assert V > 0, "a head of its own"
    numbers, at = np.frombuffer(data, np.float32, offset=28), 0

    def take(*shape):
        nonlocal at
        size = int(np.prod(shape))
        at += size
        return torch.from_numpy(numbers[at - size : at].reshape(shape).copy())

    D = H // A
    # llama2.c turns neighbours, Hugging Face a half against the other.
    halves = lambda w, n: w.view(n, D // 2, 2, H).transpose(1, 2).reshape(n * D, H)
    state = {"model.embed_tokens.weight": take(V, H)}
    names = [
        ("input_layernorm", (H,)), ("self_attn.q_proj", (H, H)), ("self_attn.k_proj", (G * D, H)),
        ("self_attn.v_proj", (G * D, H)), ("self_attn.o_proj", (H, H)), ("post_attention_layernorm", (H,)),
        ("mlp.gate_proj", (F, H)), ("mlp.down_proj", (H, F)), ("mlp.up_proj", (F, H)),
    ]
    for name, shape in names:
        for i, weight in enumerate(take(L, *shape)):
            heads = {"self_attn.q_proj": A, "self_attn.k_proj": G}.get(name)
            state[f"model.layers.{i}.{name}.weight"] = halves(weight, heads) if heads else weight
    state["model.norm.weight"] = take(H)
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    config = LlamaConfig(
        vocab_size=V, hidden_size=H, intermediate_size=F, num_hidden_layers=L, num_attention_heads=A,
        num_key_value_heads=G, max_position_embeddings=S, rms_norm_eps=1e-5, tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    model.load_state_dict(state)
    model.save_pretrained(out)


def nano_sort(path: Path, out: Path):
    stored = json.loads(path.read_text())
    c = stored.pop("config")
    read = lambda t: torch.from_numpy(np.frombuffer(base64.b64decode(t["data"]), np.float32).reshape(t["shape"]).copy())
    state = {name: read(tensor) for name, tensor in stored.items() if not name.endswith(".attn.bias")}
    # minGPT has PyTorch's Linear, Hugging Face the weights the other way round.
    for name in state:
        if name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")):
            state[name] = state[name].T.contiguous()
    config = GPT2Config(
        vocab_size=c["vocab_size"], n_positions=c["block_size"], n_embd=c["n_embd"], n_layer=c["n_layer"],
        n_head=c["n_head"], tie_word_embeddings=False, bos_token_id=None, eos_token_id=None,
    )
    model = GPT2LMHeadModel(config)
    model.load_state_dict(state)
    model.save_pretrained(out, max_shard_size="100KB")


def main(out: Path, models: Path, folders):
    stories(models / "stories260K" / "stories260K.bin", out / "stories260K")
    nano_sort(models / "gpt-nano-sort" / "gpt-nano-sort-model.json", out / "gpt-nano-sort")
    expected = {}
    for folder in [out / "stories260K", out / "gpt-nano-sort", *map(Path, folders)]:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
        if (folder / "tokenizer.json").exists():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            rows = [(text, tokenizer(text).input_ids) for text in TEXTS]
        else:
            vocab = model.config.vocab_size
            rows = [(None, [(7 * i * i + n) % vocab for i in range(n)]) for n in (1, 4, 11)]
        with torch.no_grad():
            logits = [model(torch.tensor([ids])).logits[0] for _, ids in rows]
        expected[str(folder)] = [
            dict(text=text, ids=ids, first=it[0].tolist(), last=it[-1].tolist())
            for (text, ids), it in zip(rows, logits)
        ]
    (out / "expected.json").write_text(json.dumps(expected))
    print(json.dumps({"ok": True}))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
