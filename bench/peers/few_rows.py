"""The setfit package on few rows, as its documentation has it: contrastive pairs, then scikit-learn's logistic regression.

usage: few_rows.py JOB_JSON (bench/few-rows.mjs): model, train, test (files of {"text", "label"}), out, seed, num_iterations
"""
import json
import resource
import shutil
import sys
import time
from importlib.metadata import version

from datasets import Dataset
from setfit import SetFitModel, Trainer, TrainingArguments
from sklearn.metrics import f1_score

job = json.loads(sys.argv[1])


def read(path):
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row["text"] for row in rows], [row["label"] for row in rows]


texts, labels = read(job["train"])
test_texts, test_labels = read(job["test"])
model = SetFitModel.from_pretrained(job["model"], device="cpu")
arguments = TrainingArguments(
    output_dir=job["out"],
    num_iterations=job["num_iterations"],
    seed=job["seed"],
    save_strategy="no",
    report_to="none",
    show_progress_bar=False,
)
trainer = Trainer(model=model, args=arguments, train_dataset=Dataset.from_dict({"text": texts, "label": labels}))
began = time.perf_counter()
trainer.train()
train_s = time.perf_counter() - began
model.save_pretrained(job["out"])
predicted = list(model.predict(test_texts))
right = sum(str(guess) == label for guess, label in zip(predicted, test_labels, strict=True))
answer = {
    "accuracy": right / len(test_labels),
    "f1_macro": f1_score(test_labels, [str(guess) for guess in predicted], average="macro"),
    "n": len(test_labels),
    "steps": trainer.st_trainer.state.global_step,
    "train_s": train_s,
    "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "peer": {name: version(name) for name in ("setfit", "sentence-transformers", "transformers", "torch")},
}
shutil.rmtree(job["out"], ignore_errors=True)
print(json.dumps(answer))
