"""TF-IDF and logistic regression with scikit-learn: what a data set gives without a pretrained model.

    python bench/tfidf_baseline.py --data examples/tickets.csv --label intent            # stratified 80/20, seeds 0 1 2
    python bench/tfidf_baseline.py --train TRAIN.csv --test TEST.csv [--seeds 0]         # the parts as they are

Files are CSV (UTF-8, a header) or JSON lines. Prints one JSON object for each seed and last their mean and standard
deviation. Rows without text or label are left out and counted. Words and pairs of words, sublinear term frequency;
the regression's C is chosen among 1, 10 and 100 by cross-validation on the training part alone. With --train and
--test the model is fitted once a seed, which shuffles the folds.
"""

import argparse
import csv
import json
import os
import statistics
import warnings
from collections import Counter

# Before numpy is there: its threads wait for each other longer than these small sums take.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline


def rows(path, text, label):
    with open(path, encoding="utf-8-sig", newline="") as file:
        if path.endswith((".jsonl", ".ndjson")):
            records = [json.loads(line) for line in file if line.strip()]
        else:
            records = list(csv.DictReader(file))
    for column in (text, label):
        if not records or column not in records[0]:
            raise SystemExit(f"{path}: no column {column!r}; columns: {', '.join(records[0]) if records else 'none'}")
    pairs = [(str(r[text] or "").strip(), str(r[label] if r[label] is not None else "").strip()) for r in records]
    kept = [(t, y) for t, y in pairs if t and y]
    return [t for t, _ in kept], [y for _, y in kept], len(pairs) - len(kept)


def fit(texts, labels, seed):
    folds = min(5, min(Counter(labels).values()))
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, strip_accents="unicode"),
        LogisticRegression(C=10, max_iter=2000),
    )
    if folds < 2:  # a class with one row cannot be cross-validated
        return model.fit(texts, labels), 10
    search = GridSearchCV(
        model,
        {"logisticregression__C": [1, 10, 100]},
        cv=StratifiedKFold(folds, shuffle=True, random_state=seed),
        scoring="accuracy",
    )
    search.fit(texts, labels)
    return search.best_estimator_, search.best_params_["logisticregression__C"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="one file, split by --test-size")
    parser.add_argument("--train", help="training part")
    parser.add_argument("--test", help="test part")
    parser.add_argument("--text", default="text", help="name of the text column")
    parser.add_argument("--label", default="label", help="name of the label column")
    parser.add_argument("--test-size", type=float, default=0.2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    if bool(options.data) == bool(options.train and options.test):
        parser.error("give --data, or --train and --test")
    warnings.filterwarnings("error", category=ConvergenceWarning)

    scores = []
    for seed in options.seeds:
        if options.data:
            texts, labels, left_out = rows(options.data, options.text, options.label)
            train_x, test_x, train_y, test_y = train_test_split(
                texts, labels, test_size=options.test_size, stratify=labels, random_state=seed
            )
        else:
            train_x, train_y, left_out = rows(options.train, options.text, options.label)
            test_x, test_y, more = rows(options.test, options.text, options.label)
            left_out += more
        model, c = fit(train_x, train_y, seed)
        predicted = model.predict(test_x)
        majority = Counter(train_y).most_common(1)[0][0]
        scores.append(
            {
                "seed": seed,
                "train_rows": len(train_x),
                "test_rows": len(test_x),
                "left_out": left_out,
                "C": c,
                "accuracy": accuracy_score(test_y, predicted),
                "f1_macro": f1_score(test_y, predicted, average="macro", zero_division=0),
                "majority_accuracy": sum(y == majority for y in test_y) / len(test_y),
            }
        )
        print(json.dumps(scores[-1]), flush=True)
    summary = {"seeds": options.seeds}
    for key in ("accuracy", "f1_macro", "majority_accuracy"):
        values = [score[key] for score in scores]
        summary[f"{key}_mean"] = statistics.mean(values)
        summary[f"{key}_sd"] = statistics.stdev(values) if len(values) > 1 else 0.0
    print(json.dumps(summary))


main()
