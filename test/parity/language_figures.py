"""Figures for language.test.ts: what a small random Llama learns of a few conversations in 20 AdamW steps, all of it and
by LoRA, as transformers, peft and PyTorch do it in float32 on one thread; and its perplexity before.

python test/parity/language_figures.py

Conversations are written by the chat template of starters/decoder; what its assistant says is learnt, with the token that
ends it. A step is two micro-batches of four conversations, whose losses are summed over all tokens and divided by the
number of those that are learnt in both. Weights are made by values.py, so they are not stored.
"""

import json
import math
import pathlib

import peft
import torch
import transformers
from peft import LoraConfig, TaskType, get_peft_model
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, get_linear_schedule_with_warmup

from lora_figures import canonical
from values import weight

HERE = pathlib.Path(__file__).parent
STARTER = HERE / "../../starters/decoder"
DEVIATION, STEPS, BATCH, ACCUMULATION, IGNORED = 0.05, 20, 4, 2, -100
CONFIG = dict(
    vocab_size=8192, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    intermediate_size=64, max_position_embeddings=256, rms_norm_eps=1e-5, tie_word_embeddings=True, pad_token_id=2,
    rope_parameters=dict(rope_type="default", rope_theta=10000.0),
)
SETTINGS = dict(
    learning_rate=1e-3, weight_decay=0.01, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8, max_grad_norm=1.0,
    warmup_steps=4, lr_scheduler_type="linear",
)
LORA = dict(r=4, lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj", "v_proj"])
SYSTEM = "Answer in one line."
TURNS = [
    [("Where is my parcel?", "In the depot; it comes on Friday.")],
    [("Can I pay by invoice?", "Yes."), ("Until when?", "Within thirty days of the delivery, as the terms on the back say.")],
    [("Opening hours?", "9 to 5."), ("On Sunday?", "Closed, I am sorry."), ("And on holidays?", "Closed too.")],
    [("The box arrived wet and torn, and half of the order is missing.", "I am sorry; a new one leaves today.")],
    [("Hi", "Hello! What can I do for you?"), ("Nothing, thanks.", "Have a good day.")],
    [("My card was declined although it has money. What can I do about it, and will the order be kept?", "Ask your bank.")],
    [("Refund, please.", "Done; it takes three days.")],
    [("¿Habla español?", "Sí, un poco.")],
    [("Write “ok”.", "ok")],
    [("Who are you?", "A shop's assistant."), ("A person?", "No.")],
]


def conversations():
    made = []
    for i, turns in enumerate(TURNS):
        messages = [dict(role="system", content=SYSTEM)] if i % 3 == 0 else []
        for question, answer in turns:
            messages += [dict(role="user", content=question), dict(role="assistant", content=answer)]
        made.append(messages)
    return made


def encoded(tokenizer, messages):
    """Ids of the rendered text, and for each whether it is part of an answer or ends one."""
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    spans, at = [], 0
    for message in messages:
        body = message["content"] + "<|im_end|>"
        at = text.index(f"<|im_start|>{message['role']}\n{body}", at) + len(f"<|im_start|>{message['role']}\n")
        if message["role"] == "assistant":
            spans.append((at, at + len(body)))
        at += len(body)
    encoding = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    learnt = [any(start <= a and b <= end for start, end in spans) for a, b in encoding["offset_mapping"]]
    return dict(ids=encoding["input_ids"], learnt=[i for i, is_learnt in enumerate(learnt) if is_learnt])


def batch(rows):
    longest = max(len(row["ids"]) for row in rows)
    pad = lambda values, fill: torch.tensor([v + [fill] * (longest - len(v)) for v in values])
    labels = [[id if i in row["learnt"] else IGNORED for i, id in enumerate(row["ids"])] for row in rows]
    return dict(
        input_ids=pad([row["ids"] for row in rows], 2), attention_mask=pad([[1] * len(row["ids"]) for row in rows], 0)
    ), pad(labels, IGNORED)


def summed(model, rows):
    inputs, labels = batch(rows)
    logits = model(**inputs).logits[:, :-1]
    return cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED, reduction="sum")


def model_of():
    model = LlamaForCausalLM._from_config(LlamaConfig(**CONFIG), attn_implementation="eager")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(name, tuple(parameter.shape), DEVIATION)))
    model.get_input_embeddings().padding_idx = None
    return model


def trained(model, rows):
    parameters = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    decayed = [p for n, p in parameters if "norm" not in n]
    others = [p for n, p in parameters if "norm" in n]
    optimizer = torch.optim.AdamW(
        [dict(params=decayed, weight_decay=SETTINGS["weight_decay"]), dict(params=others, weight_decay=0.0)],
        lr=SETTINGS["learning_rate"], betas=(SETTINGS["adam_beta1"], SETTINGS["adam_beta2"]), eps=SETTINGS["adam_epsilon"],
    )
    schedule = get_linear_schedule_with_warmup(optimizer, SETTINGS["warmup_steps"], STEPS)
    losses, norms = [], []
    for step in range(STEPS):
        window = [rows[(step * BATCH * ACCUMULATION + i) % len(rows)] for i in range(BATCH * ACCUMULATION)]
        tokens = sum(len(row["learnt"]) for row in window)
        optimizer.zero_grad()
        total = 0.0
        for i in range(ACCUMULATION):
            loss = summed(model, window[i * BATCH : (i + 1) * BATCH]) / tokens
            loss.backward()
            total += loss.item()
        norms.append(float(f"{torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS['max_grad_norm']).item():.7g}"))
        optimizer.step()
        schedule.step()
        losses.append(float(f"{total:.9g}"))
    return dict(losses=losses, grad_norms=norms)


def main():
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(STARTER)
    all_messages = conversations()
    rows = [encoded(tokenizer, messages) for messages in all_messages]
    with torch.no_grad():
        sums = [summed(model_of().eval(), [row]).item() for row in rows]
    tokens = sum(len(row["learnt"]) for row in rows)
    adapted = get_peft_model(model_of(), LoraConfig(task_type=TaskType.CAUSAL_LM, **LORA))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.from_numpy(weight(canonical(name), tuple(parameter.shape), DEVIATION)))
    figures = dict(
        made_with=f"torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}",
        config={**CONFIG, "model_type": "llama"}, settings=SETTINGS, lora=dict(type="lora", **LORA),
        deviation=DEVIATION, batch=BATCH, accumulation=ACCUMULATION, conversations=all_messages, rows=rows,
        row_losses=[float(f"{s:.9g}") for s in sums], perplexity=math.exp(sum(sums) / tokens),
        full=trained(model_of(), rows), lora_trained=trained(adapted, rows),
    )
    (HERE / "figures" / "language.json").write_text(json.dumps(figures, ensure_ascii=False, separators=(",", ":")))
    for name in ("full", "lora_trained"):
        print(name, figures[name]["losses"][::5], figures[name]["losses"][-1])


main()
