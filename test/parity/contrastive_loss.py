"""Figures for contrastive-loss.test.ts: sentence-transformers' CosineSimilarityLoss over all pairs of
embeddings, in float64: half the loss of those of one class, and half that of the others.

pip install sentence-transformers==6.2.0; python test/parity/contrastive_loss.py

Embeddings are values.py's. In the case "zero" one of them is all zeros: torch's epsilon decides there.
"""

import itertools
import json
import pathlib

import sentence_transformers
import torch
from sentence_transformers.sentence_transformer.losses import CosineSimilarityLoss

from values import uniform

WIDTH = 12
# The last case has no pair of one class.
CLASSES = {"plain": [0, 1, 1, 2, 0, 1, 3], "zero": [0, 1, 1, 2, 0, 1, 3], "one of each": [0, 1, 2, 3, 4, 5, 6]}


def figures_of(case):
    classes = CLASSES[case]
    texts = len(classes)
    embeddings = torch.from_numpy(uniform("contrastive/embeddings", texts * WIDTH)).reshape(texts, WIDTH).clone()
    if case == "zero":
        embeddings[3] = 0
    embeddings.requires_grad_(True)
    loss_of = CosineSimilarityLoss(model=torch.nn.Identity())
    loss = 0
    for wanted in (1.0, 0.0):
        pairs = [p for p in itertools.combinations(range(texts), 2) if float(classes[p[0]] == classes[p[1]]) == wanted]
        if pairs:
            a, b = zip(*pairs)
            targets = torch.full((len(pairs),), wanted, dtype=torch.float64)
            loss = loss + loss_of.compute_loss_from_embeddings([embeddings[list(a)], embeddings[list(b)]], targets) / 2
    loss.backward()
    return {"classes": classes, "loss": loss.item(), "gradient": embeddings.grad.flatten().tolist()}


made_with = f"torch {torch.__version__}, sentence-transformers {sentence_transformers.__version__}"
file = pathlib.Path(__file__).parent / "figures" / "contrastive-loss.json"
cases = {case: figures_of(case) for case in CLASSES}
file.write_text(json.dumps({"made_with": made_with, "width": WIDTH, "cases": cases}) + "\n")
