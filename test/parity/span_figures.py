"""Spans and their scores by seqeval's default mode and by conlleval, for src/engine/tasks/token-classification.

usage: python test/parity/span_figures.py > test/parity/figures/spans.json     (seqeval 1.2.2)
Sentences are drawn at random in BIO, IOB1 and IOBES, without prefixes, and broken in every way.
"""
import json
import random

from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

TYPES = ["PER", "ORG", "LOC"]


def scheme(name, rng, n):
    """Tags of one sentence: spans of random lengths, or random tags where the scheme is `broken`."""
    if name == "broken":
        return [rng.choice(["O"] + [f"{p}-{t}" for p in "BIES" for t in TYPES]) for _ in range(n)]
    if name == "plain":
        return [rng.choice(["O", "per", "loc", "misc"]) for _ in range(n)]
    tags, last = [], None
    while len(tags) < n:
        if rng.random() < 0.5:
            tags.append("O")
            last = None
            continue
        kind, length = rng.choice(TYPES), min(rng.randint(1, 3), n - len(tags))
        if name == "BIO":
            tags += [f"B-{kind}"] + [f"I-{kind}"] * (length - 1)
        elif name == "IOB1":
            # B only where a span follows another of its type.
            tags += [f"{'B' if last == kind else 'I'}-{kind}"] + [f"I-{kind}"] * (length - 1)
        else:
            tags += [f"S-{kind}"] if length == 1 else [f"B-{kind}"] + [f"I-{kind}"] * (length - 2) + [f"E-{kind}"]
        last = kind
    return tags


def conlleval(sequences):
    """Chunks as conlleval.pl (CoNLL-2000, Tjong Kim Sang) counts them, ported rule for rule: its tags are B, I, O, E."""
    chunks = []
    for sentence, tags in enumerate(sequences):
        last_tag, last_type, start = "O", "", 0
        for i, tag in enumerate(tags + ["O"]):
            tag, _, kind = tag.partition("-")
            end = (
                (last_tag == "B" and tag in ("B", "O"))
                or (last_tag == "I" and tag in ("B", "O"))
                or last_tag == "E"
                or (last_tag not in ("O", ".") and last_type != kind)
            )
            begin = (
                tag == "B"
                or (last_tag == "E" and tag in ("E", "I"))
                or (last_tag == "O" and tag in ("E", "I"))
                or (tag not in ("O", ".") and last_type != kind)
            )
            if end:
                chunks.append((sentence, last_type, start, i))
            if begin:
                start = i
            last_tag, last_type = tag, kind
    return set(chunks)


def scores(gold, predicted):
    right = len(gold & predicted)
    precision = right / len(predicted) if predicted else 0.0
    recall = right / len(gold) if gold else 0.0
    return [precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0]


def main():
    rng = random.Random(20261126)
    cases = []
    for name in ["BIO", "IOB1", "IOBES", "broken", "plain"]:
        gold = [scheme(name, rng, rng.randint(1, 12)) for _ in range(40)]
        # Two thirds of the words stay as they are.
        alphabet = sorted({tag for tags in gold for tag in tags})
        predicted = [[tag if rng.random() < 0.67 else rng.choice(alphabet) for tag in tags] for tags in gold]
        case = {
            "scheme": name,
            "gold": gold,
            "predicted": predicted,
            "seqeval": {
                # seqeval takes a tag's first letter for its prefix; it cuts that off the types of tags without any.
                "spans": [[list(e) for e in get_entities(tags)] for tags in predicted],
                "scores": [f(gold, predicted) for f in (precision_score, recall_score, f1_score)],
            },
        }
        if name in ("BIO", "IOB1"):
            case["conlleval"] = scores(conlleval(gold), conlleval(predicted))
        cases.append(case)
    print(json.dumps(cases))


main()
