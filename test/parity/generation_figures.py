"""What transformers makes of logits, of dialogues and of a search over a model that is a table, for src/engine/infer and
src/engine/text/chat-template.ts.

usage: python test/parity/generation_figures.py     (transformers 5.24, tokenizers 0.23; writes test/parity/figures/generation*.json)
"""
import json
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import GenerationConfig, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers.generation import GenerationMixin, LogitsProcessorList
from transformers.modeling_outputs import CausalLMOutput

FIGURES = Path(__file__).parent / "figures"
VOCAB = 10

torch.manual_seed(7)
TABLE = (torch.randn(VOCAB * VOCAB, VOCAB) * 1.2).mul(1000).round().div(1000)


class TableConfig(PreTrainedConfig):
    model_type = "table"
    vocab_size = VOCAB
    num_hidden_layers = 1
    is_encoder_decoder = False


class TableModel(PreTrainedModel, GenerationMixin):
    """The logits of the next token are a row of a table, found by the last two tokens."""

    config_class = TableConfig

    def __init__(self, config):
        super().__init__(config)
        self.nothing = torch.nn.Parameter(torch.zeros(1))
        self.post_init()

    def forward(self, input_ids, **_):
        before = torch.nn.functional.pad(input_ids, (1, 0))[:, :-1]
        return CausalLMOutput(logits=TABLE[before * VOCAB + input_ids])

    def prepare_inputs_for_generation(self, input_ids, **_):
        return {"input_ids": input_ids}


def searches(model):
    cases = []
    prompts = [[3], [1, 4, 7], [9, 9, 2, 5]]
    for prompt in prompts:
        for beams in (1, 2, 3, 5):
            for eos in ([0], [0, 6], []):
                for extra in ({}, {"repetition_penalty": 1.3}, {"no_repeat_ngram_size": 2}):
                    options = {"num_beams": beams, "max_new_tokens": 12, **extra}
                    config = GenerationConfig(**options, do_sample=False, eos_token_id=eos or None, pad_token_id=0, use_cache=False)
                    out = model.generate(
                        torch.tensor([prompt]), generation_config=config,
                        output_scores=beams > 1, return_dict_in_generate=True,
                    )
                    ids = out.sequences[0, len(prompt):].tolist()
                    score = None if beams == 1 else float(out.sequences_scores[0])
                    cases.append({"prompt": prompt, "eos": eos, "options": options, "ids": ids, "score": score})
    return cases


def processed(model):
    cases = []
    for i, options in enumerate([
        {"temperature": 0.7},
        {"top_k": 3},
        {"top_p": 0.8},
        {"top_p": 0.05},
        {"min_p": 0.1},
        {"repetition_penalty": 1.4},
        {"no_repeat_ngram_size": 2},
        {"no_repeat_ngram_size": 1},
        {"no_repeat_ngram_size": 9},
        {"temperature": 1.7, "top_k": 6, "top_p": 0.9, "min_p": 0.05, "repetition_penalty": 1.2, "no_repeat_ngram_size": 3},
        {"temperature": 0.5, "top_k": 50, "top_p": 0.6},
    ]):
        ids = torch.randint(0, VOCAB, (1, 8), generator=torch.Generator().manual_seed(i))
        ids[0, -3:] = ids[0, :3]
        logits = (torch.randn(1, VOCAB, generator=torch.Generator().manual_seed(100 + i)) * 3).mul(1000).round().div(1000)
        # What is not given is off here, as it is in Luthier: transformers' own top_k is 50.
        config = GenerationConfig(do_sample=True, **{"top_k": 0, **options})
        model._prepare_special_tokens(config, device="cpu")
        steps = model._get_logits_processor(config, input_ids_seq_length=8)
        assert isinstance(steps, LogitsProcessorList)
        scores = steps(ids, logits.clone())[0].tolist()
        cases.append({
            "options": options, "ids": ids[0].tolist(), "logits": logits[0].tolist(),
            "scores": [None if s == float("-inf") else s for s in scores],
        })
    return cases


CHATML = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
TEMPLATES = {
    "chatml": CHATML,
    # N06: the template and the tokenizer both put a <s> in front.
    "bos": "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] | trim }}</s>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
    # As Mistral's: the assistant's answer follows its question's end at once.
    "inst": "{{ bos_token }}{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}{% elif m['role'] == 'assistant' %}{{ ' ' + m['content'] + eos_token }}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}",
    # As SmolLM3's and others that mark what is learned.
    "generation": "{%- for m in messages %}\n    {%- if m.role == 'assistant' %}\n{{- '<|im_start|>assistant\\n' }}\n        {%- generation %}\n{{- m.content + '<|im_end|>' }}\n        {%- endgeneration %}\n{{- '\\n' }}\n    {%- else %}\n{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}\n    {%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    # Tags without dashes: their line ends go by trim_blocks.
    "generation-lines": "{% for m in messages %}\n{% if m.role == 'assistant' %}\n{% generation %}\n{{ m.content }}{{ eos_token }}\n{% endgeneration %}\n{% else %}\n<|im_start|>{{ m.content }}\n{% endif %}\n{% endfor %}\n",
    # As Qwen's: macros, namespaces, tests and filters.
    "macro": "{%- set ns = namespace(n=0) -%}{%- macro turn(m, i) -%}<|im_start|>{{ m.role | upper }} {{ i }}: {{ (m.content | trim).split(' ') | join('_') }}{{ '<|im_end|>' }}{%- endmacro -%}{%- if messages[0].role == 'system' %}{% set ns.n = 1 %}{{- messages[0].content | tojson }}\n{% endif %}{%- for m in messages[ns.n:] -%}{{ turn(m, loop.index) }}{%- if not loop.last %}\n{% endif %}{%- endfor -%}{% if add_generation_prompt is defined and add_generation_prompt %}\n<|im_start|>ASSISTANT{% endif %}",
}
DIALOGUES = [
    [{"role": "user", "content": "Where is my parcel?"}],
    [{"role": "user", "content": " It came broken. "}, {"role": "assistant", "content": "I am sorry: we send another one."}],
    [
        {"role": "system", "content": "Answer \"briefly\"."},
        {"role": "user", "content": "Hi\nthere"},
        {"role": "assistant", "content": "Hello! 😀"},
        {"role": "user", "content": "Thanks"},
        {"role": "assistant", "content": ""},
    ],
    [
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two\n"},
        {"role": "user", "content": "Three"},
        {"role": "assistant", "content": "Four"},
    ],
]


def tokenizer():
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    texts = [m["content"] for d in DIALOGUES for m in d] + ["user\n", "assistant\n", "system\n"] * 3
    made.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=330, special_tokens=[AddedToken(t, special=True) for t in special],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
    ))
    made.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="</s>")


def chats(tok):
    cases = []
    for name, template in TEMPLATES.items():
        for number, dialogue in enumerate(DIALOGUES):
            case = {"template": name, "dialogue": number}
            try:
                for asked in (False, True):
                    case["asked" if asked else "text"] = tok.apply_chat_template(
                        dialogue, chat_template=template, tokenize=False, add_generation_prompt=asked)
                out = tok.apply_chat_template(
                    dialogue, chat_template=template, tokenize=True, return_dict=True,
                    return_assistant_tokens_mask="generation" in name)
                case["ids"] = out["input_ids"]
                if "generation" in name:
                    case["assistant"] = out["assistant_masks"]
            except Exception as error:
                case["error"] = str(error)
            cases.append(case)
    return cases


def write(name, value):
    (FIGURES / name).write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")


model = TableModel(TableConfig())
write("generation.json", {
    "vocab": VOCAB,
    "table": TABLE.tolist(),
    "searches": searches(model),
    "processed": processed(model),
})
tok = tokenizer()
write("chat.json", {
    "tokenizer": json.loads(tok.backend_tokenizer.to_str()),
    "config": {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"},
    "templates": TEMPLATES,
    "dialogues": DIALOGUES,
    "cases": chats(tok),
})
