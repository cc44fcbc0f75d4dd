#!/usr/bin/env python3
"""Makes starters/decoder from SmolLM2-135M-Instruct: some of its layers and the first pieces of its vocabulary, then
distilled from the whole model. Needs torch, transformers and tokenizers, and a graphics card for more than a try.

usage: make.py --teacher FOLDER --texts FILE --out FOLDER [--steps 940] [--device cuda]
FILE is what texts.py writes.

The student learns, at every token of the texts and of answers that the teacher itself has written, the teacher's
distribution over the next token (Hinton et al. 2015; KL, weight 0.75) and that token (cross entropy, weight 0.25).
"""
import argparse, copy, json, math, random, time
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, LlamaForCausalLM

END_OF_TEXT = "<|endoftext|>"
# A turn's beginning and end; the template says no more, so that no system message is learned that nobody wrote.
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
QUESTIONS = [
    "What is {word}?",
    "Explain {word} in two sentences.",
    "Write a short paragraph about {word}.",
    "Why is {word} useful?",
    "Give me three facts about {word}.",
    "How would you describe {word} to a child?",
    "Name a problem with {word} and how to solve it.",
    "Write a polite reply to a customer who asks about {word}.",
    "Rewrite this sentence more clearly: {text}",
    "Summarize this text in one sentence: {text}",
]


def cut_tokenizer(source: Path, pieces: int) -> dict:
    """tokenizer.json with the first `pieces` of a byte-level BPE, whose pieces are in the order of their merges."""
    file = json.loads((source / "tokenizer.json").read_text("utf-8"))
    model = file["model"]
    kept = {piece: id for piece, id in model["vocab"].items() if id < pieces}
    pairs = [tuple(merge.split(" ", 1)) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]
    model["vocab"] = kept
    model["merges"] = [list(p) for p in pairs if "".join(p) in kept and p[0] in kept and p[1] in kept]
    file["added_tokens"] = [token for token in file["added_tokens"] if token["id"] < pieces]
    return file


def cut_layers(teacher: LlamaForCausalLM, layers: list[int]) -> LlamaForCausalLM:
    """A model with these layers of the teacher, its embeddings and its last norm."""
    config = copy.deepcopy(teacher.config)
    config.num_hidden_layers = len(layers)
    if getattr(config, "layer_types", None):
        config.layer_types = [config.layer_types[layer] for layer in layers]
    student = LlamaForCausalLM(config)
    state = {}
    for name, weight in teacher.state_dict().items():
        if not name.startswith("model.layers."):
            state[name] = weight
            continue
        layer, rest = name.removeprefix("model.layers.").split(".", 1)
        if int(layer) in layers:
            state[f"model.layers.{layers.index(int(layer))}.{rest}"] = weight
    student.load_state_dict(state)
    student.tie_weights()
    return student


@torch.no_grad()
def teachers_answers(teacher, tokenizer, docs, count, batch, most_tokens, device) -> list[list[int]]:
    """Dialogues of one turn, as ids: questions about what the texts speak of, and the teacher's answers that end."""
    R = random.Random(2)
    words = [w for doc in docs[:20_000] for w in doc.split() if w.isalpha() and len(w) > 5]
    end, line = tokenizer.token_to_id("<|im_end|>"), tokenizer.encode("\n").ids
    answers, asked = [], 0
    while len(answers) < count and asked < 4 * count + batch:
        prompts = []
        for _ in range(batch):
            question = R.choice(QUESTIONS).format(word=R.choice(words).lower(), text=R.choice(docs)[:300])
            prompts.append(f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n")
        ids = [encoding.ids for encoding in tokenizer.encode_batch(prompts, add_special_tokens=False)]
        length = max(map(len, ids))
        padded = torch.tensor([[end] * (length - len(row)) + row for row in ids], device=device)
        mask = torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in ids], device=device)
        written = teacher.generate(
            padded, attention_mask=mask, max_new_tokens=most_tokens, do_sample=True, temperature=0.7, top_p=0.95,
            eos_token_id=end, pad_token_id=end,
        )[:, length:].tolist()
        asked += batch
        for prompt, answer in zip(ids, written):
            # One that was cut off would teach never to end.
            if end in answer and (stop := answer.index(end)) > 3:
                answers.append(prompt + answer[: stop + 1] + line)
    return answers[:count]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--layers", default="0,8,18,29")
    parser.add_argument("--pieces", type=int, default=8192)
    parser.add_argument("--steps", type=int, default=940)
    parser.add_argument("--batch-size", type=int, default=96)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--answers", type=int, default=1276)
    parser.add_argument("--answer-tokens", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=8e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda")
    o = parser.parse_args()
    torch.manual_seed(o.seed)
    began = time.time()
    say = lambda text: print(f"[{time.time() - began:.0f} s] {text}", flush=True)

    tokenizer_json = cut_tokenizer(o.teacher, o.pieces)
    tokenizer = Tokenizer.from_str(json.dumps(tokenizer_json))
    half = torch.bfloat16 if o.device != "cpu" else torch.float32
    teacher = AutoModelForCausalLM.from_pretrained(o.teacher, dtype=torch.float32)
    teacher.resize_token_embeddings(o.pieces)
    student = cut_layers(teacher, [int(layer) for layer in o.layers.split(",")]).to(o.device).train()
    teacher = teacher.to(o.device, half).eval()
    say(f"{sum(p.numel() for p in student.parameters()) / 1e6:.1f} M parameters")

    docs = o.texts.read_text("utf-8").strip().split("\n\n")
    random.Random(o.seed).shuffle(docs)
    end = tokenizer.token_to_id(END_OF_TEXT)
    stream = [id for e in tokenizer.encode_batch(docs, add_special_tokens=False) for id in [*e.ids, end]]
    held_out = torch.tensor(stream[-max(o.length + 2, len(stream) // 100) :], device=o.device)
    texts = torch.tensor(stream[: -len(held_out)], device=o.device)
    answers = teachers_answers(teacher, tokenizer, docs, o.answers, min(512, o.answers), o.answer_tokens, o.device)
    say(f"{len(stream)} tokens; {len(answers)} answers of the teacher")
    dialogues = torch.tensor([id for answer in answers for id in answer], device=o.device)
    if len(dialogues) <= o.length:
        dialogues = texts
    say("distilling")

    def windows(source: torch.Tensor, count: int) -> torch.Tensor:
        """`[count, length]` from random places."""
        starts = torch.randint(0, len(source) - o.length, (count, 1), device=o.device)
        return source[starts + torch.arange(o.length, device=o.device)]

    def losses(ids: torch.Tensor):
        """Cross entropy of the student and KL from the teacher, in nats a token."""
        with torch.no_grad():
            target = teacher(ids).logits[:, :-1].float().log_softmax(-1)
        with torch.autocast(o.device, half, enabled=o.device != "cpu"):
            logits = student(ids).logits
        own = logits[:, :-1].float().log_softmax(-1)
        ce = F.nll_loss(own.flatten(0, 1), ids[:, 1:].flatten())
        return ce, (target.exp() * (target - own)).sum(-1).mean()

    matrices = [p for p in student.parameters() if p.dim() > 1]
    vectors = [p for p in student.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=o.learning_rate, betas=(0.9, 0.95))
    for step in range(o.steps):
        done = step / o.steps
        rate = o.learning_rate * min(1, (step + 1) / (0.04 * o.steps)) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        quarter = o.batch_size // 4
        ce, kl = losses(torch.cat([windows(texts, o.batch_size - quarter), windows(dialogues, quarter)]))
        optimizer.zero_grad()
        (0.25 * ce + 0.75 * kl).backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 20 == 0 or step + 1 == o.steps:
            say(f"step {step + 1}/{o.steps}  cross entropy {ce.item():.3f}  KL {kl.item():.3f}")

    student.eval()
    with torch.no_grad():
        ce, kl = losses(windows(held_out, min(32, o.batch_size)))
    say(f"held out: cross entropy {ce.item():.3f}, KL {kl.item():.3f}")

    for config in (student.config, student.generation_config):
        config.bos_token_id, config.eos_token_id, config.pad_token_id = 1, 2, 2
    student.half().save_pretrained(o.out)
    (o.out / "tokenizer.json").write_text(json.dumps(tokenizer_json, ensure_ascii=False), "utf-8")
    special = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>", "unk_token": END_OF_TEXT}
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **special,
        "model_max_length": student.config.max_position_embeddings,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }
    (o.out / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", "utf-8")
    say(f"{o.out} is written")


if __name__ == "__main__":
    main()
