"""What prompt_figures.py and lora_figures.py have in common: 50 steps of AdamW on a small model that peft adapts, in
float32 on one thread, dropout off.

Weights are made by values.py, so they are not stored. Of a language model's text all tokens but the first are learnt, as
without a prompt. Decoders that classify are given one text at a time:
behind a prompt transformers, which sees embeddings and no ids, would take the padding's state for the text's.
"""

import json

import peft
import torch
import transformers
from peft import TaskType, get_peft_model
from transformers import (
    BertConfig, BertForSequenceClassification, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM,
    LlamaForSequenceClassification, Qwen3Config, Qwen3ForCausalLM,
)

from bert_figures import FIGURES, texts_of
from values import weight

BATCH, STEPS, LABELS, DEVIATION, VOCAB = 4, 50, 3, 0.15, 40
SETTINGS = dict(
    learning_rate=1e-2, weight_decay=0.01, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8, max_grad_norm=1.0,
)
BERT = dict(
    model_type="bert", vocab_size=VOCAB, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
    intermediate_size=48, max_position_embeddings=24, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
)
LLAMA = dict(
    model_type="llama", vocab_size=VOCAB, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, intermediate_size=48, max_position_embeddings=32, tie_word_embeddings=False,
)
# Heads wider than their share of the hidden states, with norms of their own.
QWEN3 = {**LLAMA, "model_type": "qwen3", "head_dim": 12}
GPT2 = dict(
    model_type="gpt2", vocab_size=VOCAB, n_embd=32, n_layer=2, n_head=4, n_positions=32, embd_pdrop=0.0,
    attn_pdrop=0.0, resid_pdrop=0.0, bos_token_id=0, eos_token_id=0,
)
# A config, its class, the model's class, the task.
MODELS = {
    "bert": (BERT, BertConfig, BertForSequenceClassification, TaskType.SEQ_CLS),
    "llama-classifier": (LLAMA, LlamaConfig, LlamaForSequenceClassification, TaskType.SEQ_CLS),
    "llama": (LLAMA, LlamaConfig, LlamaForCausalLM, TaskType.CAUSAL_LM),
    "qwen3": (QWEN3, Qwen3Config, Qwen3ForCausalLM, TaskType.CAUSAL_LM),
    "gpt2": (GPT2, GPT2Config, GPT2LMHeadModel, TaskType.CAUSAL_LM),
}


def padded(rows, fill=0):
    longest = max(len(row) for row in rows)
    return torch.tensor([row + [fill] * (longest - len(row)) for row in rows])


def labels_of(texts, task):
    if task == TaskType.SEQ_CLS:
        return torch.tensor([t["label"] for t in texts])
    return padded([[-100, *t["ids"][1:]] for t in texts], -100)


def loss_of(model, texts, task, kind):
    """The mean over texts, or over learnt tokens."""
    if task == TaskType.SEQ_CLS and kind != "bert":
        losses = [model(input_ids=torch.tensor([t["ids"]]), labels=labels_of([t], task)).loss for t in texts]
        return sum(losses) / len(texts)
    inputs = dict(input_ids=padded([t["ids"] for t in texts]), attention_mask=padded([[1] * len(t["ids"]) for t in texts]))
    if kind == "bert":
        inputs["token_type_ids"] = padded([[0] * t["second_from"] + [1] * (len(t["ids"]) - t["second_from"]) for t in texts])
    return model(**inputs, labels=labels_of(texts, task)).loss


def logits_of(model, text, task, kind):
    """A row of numbers: a classifier's, or those of all tokens of the text."""
    more = {}
    if kind == "bert":
        more["token_type_ids"] = torch.tensor([[0] * text["second_from"] + [1] * (len(text["ids"]) - text["second_from"])])
    logits = model(input_ids=torch.tensor([text["ids"]]), **more).logits[0]
    return (logits if task == TaskType.SEQ_CLS else logits[-len(text["ids"]) :]).flatten().tolist()


def train(strategy, kind, peft_config, canonical):
    """
    strategy: as a recipe has it
    peft_config: of a task, peft's config of the same
    canonical: Luthier's name of a parameter of a PeftModel
    """
    config, config_class, model_class, task = MODELS[kind]
    more = dict(num_labels=LABELS, pad_token_id=0) if task == TaskType.SEQ_CLS else {}
    base = model_class(config_class(**{k: v for k, v in config.items() if k != "model_type"}, **more))
    model = get_peft_model(base, peft_config(task))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(canonical(key), tuple(parameter.shape), DEVIATION)))
    model.train()
    trained = {canonical(key): p for key, p in model.named_parameters() if p.requires_grad}
    plain = [p for name, p in trained.items() if name.endswith("bias")]
    optimizer = torch.optim.AdamW(
        [
            dict(params=[p for name, p in trained.items() if not name.endswith("bias")], weight_decay=SETTINGS["weight_decay"]),
            dict(params=plain, weight_decay=0.0),
        ],
        lr=SETTINGS["learning_rate"], betas=(SETTINGS["adam_beta1"], SETTINGS["adam_beta2"]), eps=SETTINGS["adam_epsilon"],
    )
    texts = texts_of("prompt", [7, 13, 3, 11, 9, 5, 12, 4, 10, 6, 8, 13], VOCAB, kind == "bert")
    losses = []
    for step in range(STEPS):
        loss = loss_of(model, [texts[(step * BATCH + i) % len(texts)] for i in range(BATCH)], task, kind)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(trained.values()), SETTINGS["max_grad_norm"])
        optimizer.step()
        losses.append(float(f"{loss.item():.9g}"))
    with torch.no_grad():
        logits = [[float(f"{v:.7g}") for v in logits_of(model.eval(), text, task, kind)] for text in texts]
    print(strategy, kind, losses[0], losses[-1])
    return dict(
        strategy=strategy, config=config, task=task.value, trained=sorted(trained), texts=texts, losses=losses, logits=logits,
    )


def write(name, cases):
    figures = dict(
        made_with=f"torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}",
        settings=SETTINGS, batch=BATCH, num_labels=LABELS, deviation=DEVIATION, cases=cases,
    )
    (FIGURES / name).write_text(json.dumps(figures, separators=(",", ":")))
