"""Figures for solve-head.test.ts: weights, biases and losses of scikit-learn's LogisticRegression and Ridge at convergence,
on small random rows.

python test/parity/head_figures.py

Writes figures/solved-heads.json.
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier

OUT = Path(__file__).parent / "figures" / "solved-heads.json"
rng = np.random.default_rng(7)
N, D = 40, 6
X = rng.normal(size=(N, D)).astype(np.float32).astype(np.float64).round(4)
OPTIONS = dict(tol=1e-12, max_iter=100_000)


def classes(K, C, weights=None):
    y = (np.arange(N) * 7 + (X[:, 0] > 0)) % K
    class_weight = None if weights is None else dict(enumerate(weights))
    fitted = LogisticRegression(C=C, class_weight=class_weight, **OPTIONS).fit(X, y)
    W, b = fitted.coef_, fitted.intercept_
    if K == 2:  # one output there, two here
        W, b = np.concatenate([-W, W]) / 2, np.concatenate([-b, b]) / 2
    return dict(loss="class", outputs=K, C=C, classWeights=weights, labels=y.tolist(), weight=W.tolist(), bias=b.tolist())


def labels(C):
    Y = (X[:, :3] + rng.normal(size=(N, 3)) > 0).astype(int)
    fitted = OneVsRestClassifier(LogisticRegression(C=C, **OPTIONS)).fit(X, Y)
    W = [each.coef_[0].tolist() for each in fitted.estimators_]
    b = [float(each.intercept_[0]) for each in fitted.estimators_]
    return dict(loss="labels", outputs=3, C=C, labels=Y.ravel().tolist(), weight=W, bias=b)


def value(C):
    y = (X @ rng.normal(size=D) + 3 + rng.normal(size=N)).round(4)
    fitted = Ridge(alpha=1 / C).fit(X, y)  # Σ(y − z)² + α‖w‖²: ours, doubled and over C
    return dict(loss="value", outputs=1, C=C, labels=y.tolist(), weight=[fitted.coef_.tolist()], bias=[float(fitted.intercept_)])


cases = [classes(3, 1.0), classes(2, 0.5), classes(4, 100.0), classes(3, 2.0, [1.0, 3.0, 0.5]), labels(1.0), value(2.0)]
OUT.write_text(json.dumps(dict(sklearn=sklearn.__version__, width=D, features=X.ravel().tolist(), cases=cases)) + "\n")
