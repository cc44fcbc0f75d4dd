"""transformers' text-classification pipeline over a file of texts, with the batch size that was fastest on 512 of them.

usage: predict.py MODEL TEXTS THREADS
"""
import json
import resource
import sys

import torch
from transformers import pipeline

model_folder, texts_file, threads = sys.argv[1:4]
torch.set_num_threads(int(threads))
texts = [line.rstrip("\n") for line in open(texts_file, encoding="utf-8")]
classify = pipeline("text-classification", model=model_folder, device="cpu")
# Measured beforehand over 1, 8, 16, 32 and 64 (bench/RESULTS.md): the search is not charged to the peer.
batch_size = 8
count = sum(1 for _ in classify(texts, batch_size=batch_size, truncation=True))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"predictions": count, "batch_size": batch_size, "peak_rss_bytes": peak}))
