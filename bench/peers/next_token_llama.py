"""llama.cpp's side of a token case: the same weights in Q8_0, greedy, with its cache, after a text of so many tokens.

Needs the packages llama-cpp-python (built where it is installed), gguf and safetensors. The GGUF file is written here,
from the Hugging Face folder, with llama.cpp's own names and its order of rotated queries and keys.
Reads lines `run N` from stdin and answers each with {"ms": [...], "peak_rss_bytes": ...}, as bench/next-token.ts does.
"""
import json
import os
import resource
import sys
import tempfile
import time

import gguf
import llama_cpp
import numpy as np
from safetensors import safe_open

spec = json.loads(sys.argv[1])
with open(os.path.join(spec["model"], "config.json")) as file:
    config = json.load(file)
heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
vocab = config["vocab_size"]

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def name_of(name):
    if name.startswith("model.layers."):
        _, _, layer, rest = name.split(".", 3)
        return f"blk.{layer}.{NAMES[rest.removesuffix('.weight')]}.weight"
    return {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.norm.weight": "output_norm.weight",
        "lm_head.weight": "output.weight",
    }[name]


def interleaved(weight, count):
    """Halves of a head that are rotated together stand side by side in llama.cpp."""
    return weight.reshape(count, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def write(path):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    rope = config.get("rope_parameters") or {}
    writer.add_rope_freq_base(rope.get("rope_theta", config.get("rope_theta", 10_000.0)))
    writer.add_rope_dimension_count(config["hidden_size"] // heads)
    writer.add_vocab_size(vocab)
    writer.add_tokenizer_model("no_vocab")
    with safe_open(os.path.join(spec["model"], "model.safetensors"), "pt") as tensors:
        for name in tensors.keys():
            if name == "lm_head.weight" and config["tie_word_embeddings"]:
                continue
            weight = tensors.get_tensor(name).float().numpy()
            if ".q_proj." in name or ".k_proj." in name:
                weight = interleaved(weight, heads if ".q_proj." in name else kv_heads)
            if weight.ndim == 1:
                writer.add_tensor(name_of(name), weight)
            else:
                kind = gguf.GGMLQuantizationType.Q8_0
                writer.add_tensor(name_of(name), gguf.quants.quantize(weight, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "model.gguf")
    # In a process of its own: the peak of memory shall be that of writing tokens.
    child = os.fork()
    if child == 0:
        write(path)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("the GGUF file could not be written")
    model = llama_cpp.Llama(
        path,
        n_ctx=spec["context"] + 128,
        n_threads=spec["threads"],
        n_threads_batch=spec["threads"],
        use_mmap=False,
        verbose=False,
    )

prompt = [3 + (7919 * i) % (vocab - 3) for i in range(spec["context"])]


def likeliest():
    logits = llama_cpp.llama_get_logits_ith(model.ctx, -1)
    return int(np.argmax(np.ctypeslib.as_array(logits, shape=(vocab,))))


for line in sys.stdin:
    tokens = int(line.split()[1])
    model.reset()
    model.eval(prompt)
    written = [likeliest()]
    at = [time.perf_counter()]
    for _ in range(tokens):
        model.eval([written[-1]])
        written.append(likeliest())
        at.append(time.perf_counter())
    ms = [1e3 * (b - a) for a, b in zip(at, at[1:])]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"ms": ms, "peak_rss_bytes": peak, "tokens": written}), flush=True)
