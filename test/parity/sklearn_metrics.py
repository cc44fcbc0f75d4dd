"""Writes figures/sklearn-metrics.json: scikit-learn's metrics on made-up predictions, for src/engine/evaluate.

    python test/parity/sklearn_metrics.py > test/parity/figures/sklearn-metrics.json

Expected calibration error is not in scikit-learn; it is computed here from its definition (Guo et al. 2017) with numpy.
"""

import json
import warnings

import numpy as np
import sklearn
import torch
from scipy.stats import binomtest
from sklearn import metrics

warnings.filterwarnings("ignore")
BINS = 15


def ece(probabilities, right):
    confidence = probabilities.max(axis=1)
    edges = np.linspace(0, 1, BINS + 1)
    total = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return total


def case(name, targets, logits):
    targets = np.array(targets)
    logits = np.array(logits, dtype=np.float32)
    classes = logits.shape[1]
    predicted = logits.argmax(axis=1)
    wide = torch.tensor(logits, dtype=torch.float64)
    probabilities = torch.softmax(wide, dim=1).numpy()
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        targets, predicted, labels=range(classes), zero_division=0
    )
    hits = int((targets == predicted).sum())
    exact = binomtest(hits, len(targets)).proportion_ci(method="exact")
    majority = np.full_like(targets, np.bincount(targets, minlength=classes).argmax())
    return {
        "name": name,
        "targets": targets.tolist(),
        "logits": [[round(float(x), 2) for x in row] for row in logits],
        "metrics": {
            "loss": torch.nn.functional.cross_entropy(wide, torch.tensor(targets)).item(),
            "accuracy": metrics.accuracy_score(targets, predicted),
            "f1_macro": metrics.f1_score(targets, predicted, average="macro", zero_division=0),
            "f1_weighted": metrics.f1_score(targets, predicted, average="weighted", zero_division=0),
            "mcc": float(metrics.matthews_corrcoef(targets, predicted)),
            "ece": ece(probabilities, targets == predicted),
        },
        # scikit-learn clips probabilities at the type's epsilon, cross-entropy does not.
        "log_loss": metrics.log_loss(targets, probabilities, labels=range(classes))
        if probabilities.min() > np.finfo(np.float64).eps
        else None,
        "clopper_pearson": [exact.low, exact.high],
        "per_class": [
            {"precision": p, "recall": r, "f1": f, "support": int(s)} for p, r, f, s in zip(precision, recall, f1, support)
        ],
        "confusion": metrics.confusion_matrix(targets, predicted, labels=range(classes)).tolist(),
        "majority": {
            "accuracy": metrics.accuracy_score(targets, majority),
            "f1_macro": metrics.f1_score(targets, majority, average="macro", zero_division=0),
            "f1_weighted": metrics.f1_score(targets, majority, average="weighted", zero_division=0),
            "mcc": float(metrics.matthews_corrcoef(targets, majority)),
        },
    }


def learned(rng, n, classes, skill, present=None):
    """Logits (two decimals, so that JSON and float32 agree) that lean towards the target by `skill`."""
    targets = rng.choice(present if present is not None else classes, size=n)
    logits = np.round(rng.normal(size=(n, classes)) * 1.5, 2)
    logits[np.arange(n), targets] += skill
    return targets, np.round(logits, 2)


def main():
    rng = np.random.default_rng(7)
    cases = [
        case("two classes", *learned(rng, 80, 2, 1.5)),
        case("two classes, answers worse than chance", *learned(rng, 40, 2, -1.5)),
        case("eight classes", *learned(rng, 60, 8, 3.0)),
        case("four classes", *learned(rng, 30, 4, 1.0)),
        case("classes absent from the part, some predicted", *learned(rng, 30, 5, 2.0, present=[1, 3])),
        case("classes neither there nor predicted", [0, 0, 2, 2, 0], [[2, 0, 1, -9], [0, -1, 1, -9], [0, -1, 3, -9], [2, 0, 1, -9], [4, 0, 1, -9]]),
        case("one class in the part", [1] * 6, np.round(rng.normal(size=(6, 3)), 2)),
        case("all right", [0, 1, 2, 0], np.eye(3)[[0, 1, 2, 0]] * 8),
        case("all wrong", [0, 1, 2, 0], np.eye(3)[[1, 2, 0, 1]] * 8),
        case("one answer for every row", [0, 1, 1, 0, 1], [[0, 2]] * 5),
        case("ties go to the first class", [0, 1, 1], [[1, 1], [1, 1], [0, 0]]),
        case("logits far apart", [0, 1, 0], [[90, -90], [95, -80], [-88, 88]]),
        case("one row", [1], [[0.5, 0.25, 0]]),
    ]
    result = {"scikit-learn": sklearn.__version__, "torch": torch.__version__, "cases": cases}
    print(json.dumps(result, separators=(",", ":")).replace('{"name"', '\n{"name"'))


main()
