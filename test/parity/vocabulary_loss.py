"""Figures for vocabulary-loss.test.ts: cross entropy over 50,000 words, in float64.

python test/parity/vocabulary_loss.py

Logits are values.py's, times 4. The gradient of each row is kept at its label and at a few words, with its sum of
squares: all of it would be 300,000 numbers a case.
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from values import uniform

ROWS, WORDS = 6, 50_000
LABELS = [17, 49_999, -100, 0, 31_337, -100]
KEPT = [0, 1, 17, 4_242, 49_999]
CASES = {
    "plain": {},
    "smoothed": {"label_smoothing": 0.1},
    "weighted": {"weighted": True},
    "weighted and smoothed": {"weighted": True, "label_smoothing": 0.1},
}


def figures_of(weighted=False, **options):
    logits = torch.from_numpy((4 * uniform("vocabulary/logits", ROWS * WORDS)).astype(np.float32)).double().reshape(ROWS, WORDS)
    logits.requires_grad_(True)
    labels = torch.tensor(LABELS)
    weight = torch.from_numpy((1 + uniform("vocabulary/weights", WORDS) / 2).astype(np.float32)).double() if weighted else None
    loss = F.cross_entropy(logits, labels, weight=weight, ignore_index=-100, **options)
    loss.backward()
    return {
        "loss": loss.item(),
        "at_label": [logits.grad[i, max(label, 0)].item() for i, label in enumerate(LABELS)],
        "kept": logits.grad[:, KEPT].tolist(),
        "squares": (logits.grad**2).sum(1).tolist(),
    }


file = pathlib.Path(__file__).parent / "figures" / "vocabulary-loss.json"
result = {"made_with": f"torch {torch.__version__}", "rows": ROWS, "words": WORDS, "labels": LABELS, "kept": KEPT}
file.write_text(json.dumps({**result, "cases": {name: figures_of(**case) for name, case in CASES.items()}}) + "\n")
