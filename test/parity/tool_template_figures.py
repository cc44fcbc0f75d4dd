"""Conversations with tools as transformers' apply_chat_template writes them by the templates that Qwen 2.5 and Qwen 3 ship,
with the starter's tokenizer; and the tokens of the assistant's turns in the whole dialogue, which are learnt.

The templates' texts come from PyPI's trl (Apache License 2.0), which carries them as the models have them:
  pip install --no-deps trl==1.16.0
  python test/parity/tool_template_figures.py > test/parity/figures/tool-templates.json
"""

import json
from importlib.metadata import distribution
from pathlib import Path

from transformers import AutoTokenizer

ROOT = Path(__file__).parents[2]
TEMPLATES = {"Qwen 2.5": "qwen2_5.jinja", "Qwen 3": "qwen3.jinja"}
CUE, END = "<|im_start|>assistant\n", "<|im_end|>"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city’s day, “as it is”.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
            "required": ["city"],
        },
    },
}
NOW = {"type": "function", "function": {"name": "now", "parameters": {}}}


def call(name, **arguments):
    return {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": arguments}}


CONVERSATIONS = [
    {
        "tools": [WEATHER],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Do I need an umbrella in Tromsø?"},
            {"role": "assistant", "content": "", "tool_calls": [call("get_weather", city="Tromsø", days=2)]},
            {"role": "tool", "content": '{"rain": true}', "tool_call_id": "call_get_weather"},
            {"role": "assistant", "content": "Yes, take one."},
            {"role": "user", "content": "Thanks"},
            {"role": "assistant", "content": "You are welcome."},
        ],
    },
    {
        "tools": [WEATHER, NOW],
        "messages": [
            {"role": "user", "content": "Oslo or <Bergen> & why?"},
            {
                "role": "assistant",
                "content": "I look at both.",
                "tool_calls": [
                    call("get_weather", city="Oslo", flags=[True, None, 1.5, {"é": "\"\\\n"}]),
                    call("now"),
                ],
            },
            {"role": "tool", "content": "sun", "tool_call_id": "call_get_weather"},
            {"role": "tool", "content": "12:00", "tool_call_id": "call_now"},
            {"role": "assistant", "content": "", "tool_calls": [call("get_weather", city="Bergen")]},
            {"role": "tool", "content": "rain", "tool_call_id": "call_get_weather"},
            {"role": "assistant", "content": "Oslo."},
        ],
    },
    # Tools that nobody calls, and a call without tools that are told.
    {
        "tools": [NOW],
        "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello\nyou"}],
    },
    {
        "messages": [
            {"role": "user", "content": "What time is it?"},
            {"role": "assistant", "content": "", "tool_calls": [call("now")]},
        ],
    },
    # None at all, with several answers.
    {
        "messages": [
            {"role": "user", "content": "One"},
            {"role": "assistant", "content": "Two"},
            {"role": "user", "content": "Three"},
            {"role": "assistant", "content": "Four"},
        ],
    },
]

trl = distribution("trl")
templates = {
    name: Path(trl.locate_file(f"trl/chat_templates/{file}")).read_text(encoding="utf-8")
    for name, file in TEMPLATES.items()
}
tokenizer = AutoTokenizer.from_pretrained(ROOT / "starters/decoder")
cases = []
for name, template in templates.items():
    tokenizer.chat_template = template
    for number, conversation in enumerate(CONVERSATIONS):
        messages, tools = conversation["messages"], conversation.get("tools")
        render = lambda some, **more: tokenizer.apply_chat_template(some, tools=tools, tokenize=False, **more)
        text = render(messages)
        encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        learnt, end = [], 0
        # No text of these has the marks of a turn in it.
        for _ in range(sum(message["role"] == "assistant" for message in messages)):
            start = text.index(CUE, end) + len(CUE)
            end = text.index(END, start) + len(END)
            learnt += [k for k, (a, b) in enumerate(encoded["offset_mapping"]) if b > start and a < end and b > a]
        asked = render(messages[:-1], add_generation_prompt=True)
        case = {"template": name, "conversation": number, "text": text, "asked": asked}
        cases.append({**case, "ids": encoded["input_ids"], "learnt": learnt})
figures = {"templates": templates, "conversations": CONVERSATIONS, "cases": cases}
print(json.dumps(figures, ensure_ascii=False, separators=(",", ":")))
