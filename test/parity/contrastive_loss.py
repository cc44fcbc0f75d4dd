"""Figures for contrastive-loss.test.ts: sentence-transformers' CosineSimilarityLoss over pairs of embeddings, in float64.

pip install sentence-transformers==6.2.0; python test/parity/contrastive_loss.py

Embeddings are values.py's. In the case "zero" one of them is all zeros: torch's epsilon decides there.
"""

import json
import pathlib

import sentence_transformers
import torch
from sentence_transformers.sentence_transformer.losses import CosineSimilarityLoss

from values import uniform

PAIRS, WIDTH = 5, 12
TARGETS = [1.0, 0.0, 0.0, 1.0, 1.0]


def figures_of(zero=False):
    embeddings = torch.from_numpy(uniform("contrastive/embeddings", 2 * PAIRS * WIDTH)).reshape(2 * PAIRS, WIDTH).clone()
    if zero:
        embeddings[3] = 0
    embeddings.requires_grad_(True)
    loss_of = CosineSimilarityLoss(model=torch.nn.Identity())
    loss = loss_of.compute_loss_from_embeddings([embeddings[0::2], embeddings[1::2]], torch.tensor(TARGETS))
    loss.backward()
    return {"loss": loss.item(), "gradient": embeddings.grad.flatten().tolist()}


made_with = f"torch {torch.__version__}, sentence-transformers {sentence_transformers.__version__}"
file = pathlib.Path(__file__).parent / "figures" / "contrastive-loss.json"
cases = {"plain": figures_of(), "zero": figures_of(zero=True)}
file.write_text(json.dumps({"made_with": made_with, "pairs": PAIRS, "width": WIDTH, "targets": TARGETS, "cases": cases}) + "\n")
