"""Figures for pretraining.test.ts: a prompt of peft's that is pre-trained, and then learns labels.

python test/parity/pretraining_figures.py

Writes figures/pretraining.json: losses of 50 AdamW steps in which the first output of a small model says whether the
second text of a pair goes on from the first (torch's BCEWithLogitsLoss), then, with the classifier and the optimiser as
they began, losses of 10 steps that learn the pairs' labels, and the logits after them. Model, weights and settings are
peft_training.py's; the optimiser is made the second time as the first.
"""

import json

import peft
import torch
import transformers
from peft import PromptTuningConfig, get_peft_model
from torch.nn import BCEWithLogitsLoss

from bert_figures import FIGURES, texts_of
from peft_training import BATCH, DEVIATION, LABELS, MODELS, SETTINGS, STEPS, VOCAB, labels_of, logits_of
from prompt_figures import TOKENS, canonical
from values import weight

ROW_STEPS = 10


def forward(model, text, kind):
    more = {}
    if kind == "bert":
        more["token_type_ids"] = torch.tensor([[0] * text["second_from"] + [1] * (len(text["ids"]) - text["second_from"])])
    return model(input_ids=torch.tensor([text["ids"]]), **more).logits


def optimizer_of(trained):
    plain = [p for name, p in trained.items() if name.endswith("bias")]
    others = [p for name, p in trained.items() if not name.endswith("bias")]
    return torch.optim.AdamW(
        [dict(params=others, weight_decay=SETTINGS["weight_decay"]), dict(params=plain, weight_decay=0.0)],
        lr=SETTINGS["learning_rate"], betas=(SETTINGS["adam_beta1"], SETTINGS["adam_beta2"]), eps=SETTINGS["adam_epsilon"],
    )


def steps_of(trained, texts, count, loss_of):
    optimizer = optimizer_of(trained)
    losses = []
    for step in range(count):
        loss = loss_of([texts[(step * BATCH + i) % len(texts)] for i in range(BATCH)])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(trained.values()), SETTINGS["max_grad_norm"])
        optimizer.step()
        losses.append(float(f"{loss.item():.9g}"))
    return losses


def train(kind):
    config, config_class, model_class, task = MODELS[kind]
    keys = {k: v for k, v in config.items() if k != "model_type"}
    base = model_class(config_class(**keys, num_labels=LABELS, pad_token_id=0))
    model = get_peft_model(base, PromptTuningConfig(task_type=task, num_virtual_tokens=TOKENS))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(canonical(key), tuple(parameter.shape), DEVIATION)))
    model.train()
    trained = {canonical(key): p for key, p in model.named_parameters() if p.requires_grad}
    texts = texts_of("prompt", [7, 13, 3, 11, 9, 5, 12, 4, 10, 6, 8, 13], VOCAB, kind == "bert")
    # One at a time: behind a prompt transformers would take the padding's state for a decoder's text.
    goes_on = [float(i % 2) for i in range(len(texts))]
    targets = {id(text): goes_on[i] for i, text in enumerate(texts)}
    logits = lambda batch: torch.cat([forward(model, text, kind) for text in batch])

    def of_pairs(batch):
        return BCEWithLogitsLoss()(logits(batch)[:, 0], torch.tensor([targets[id(text)] for text in batch]))

    def of_rows(batch):
        return torch.nn.functional.cross_entropy(logits(batch), labels_of(batch, task))

    losses = steps_of(trained, texts, STEPS, of_pairs)
    with torch.no_grad():
        for name, parameter in trained.items():
            if name != "prompt_embeddings":
                parameter.copy_(torch.from_numpy(weight(name, tuple(parameter.shape), DEVIATION)))
    row_losses = steps_of(trained, texts, ROW_STEPS, of_rows)
    with torch.no_grad():
        after = [[float(f"{v:.7g}") for v in logits_of(model.eval(), text, task, kind)] for text in texts]
    print(kind, losses[0], losses[-1], row_losses[0], row_losses[-1])
    return dict(
        config=config, texts=texts, goes_on=goes_on, losses=losses, row_losses=row_losses, logits=after,
        num_virtual_tokens=TOKENS,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    figures = dict(
        made_with=f"torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}",
        settings=SETTINGS, batch=BATCH, num_labels=LABELS, deviation=DEVIATION,
        cases={kind: train(kind) for kind in ("bert", "llama-classifier")},
    )
    (FIGURES / "pretraining.json").write_text(json.dumps(figures, separators=(",", ":")))
