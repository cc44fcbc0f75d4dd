"""transformers' text-classification pipeline over a file of texts.

usage: predict.py MODEL TEXTS THREADS BATCH_SIZE   does them all
       predict.py MODEL TEXTS THREADS              says which batch size is fastest on the first 512
"""
import json
import resource
import sys
import time

import torch
from transformers import pipeline

model_folder, texts_file, threads, *given = sys.argv[1:]
torch.set_num_threads(int(threads))
texts = [line.rstrip("\n") for line in open(texts_file, encoding="utf-8")]
classify = pipeline("text-classification", model=model_folder, device="cpu")


def run(some, batch_size):
    return sum(1 for _ in classify(some, batch_size=batch_size, truncation=True))


if given:
    count = run(texts, int(given[0]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"predictions": count, "peak_rss_bytes": peak}))
else:
    run(texts[:64], 8)
    seconds = {}
    for batch_size in (1, 4, 8, 16, 32, 64):
        start = time.perf_counter()
        run(texts[:512], batch_size)
        seconds[batch_size] = time.perf_counter() - start
    print(json.dumps({"batch_size": min(seconds, key=seconds.get), "seconds": seconds}))
