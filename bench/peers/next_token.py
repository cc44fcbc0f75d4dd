"""PyTorch's side of a token case: transformers' generate, greedy, with its cache, after a text of so many tokens.

Reads lines `run N` from stdin and answers each with {"ms": [...], "peak_rss_bytes": ...}, as bench/next-token.ts does.
"""
import json
import resource
import sys
import time

import torch
from transformers import AutoModelForCausalLM, StoppingCriteria

spec = json.loads(sys.argv[1])
torch.set_num_threads(spec["threads"])
model = AutoModelForCausalLM.from_pretrained(spec["model"], dtype=torch.float32)
vocab = model.config.vocab_size
prompt = torch.tensor([[3 + (7919 * i) % (vocab - 3) for i in range(spec["context"])]])


class Clock(StoppingCriteria):
    """Never stops; asked after each token."""

    def __init__(self):
        self.at = []

    def __call__(self, input_ids, scores, **kwargs):
        self.at.append(time.perf_counter())
        return torch.zeros(input_ids.shape[0], dtype=torch.bool)


for line in sys.stdin:
    tokens = int(line.split()[1]) + 1
    clock = Clock()
    settings = dict(max_new_tokens=tokens, do_sample=False, eos_token_id=None, pad_token_id=0)
    with torch.inference_mode():
        model.generate(prompt, attention_mask=torch.ones_like(prompt), stopping_criteria=[clock], **settings)
    ms = [1e3 * (b - a) for a, b in zip(clock.at, clock.at[1:])]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"ms": ms, "peak_rss_bytes": peak}), flush=True)
