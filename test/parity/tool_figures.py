"""Conversations with tool calls as transformers' apply_chat_template writes them, by a template in Qwen 2.5's manner and the
starter's tokenizer; and the tokens of the assistant's turns, which are learnt.
  python test/parity/tool_figures.py > test/parity/figures/tools.json
"""

import json
from pathlib import Path

from transformers import AutoTokenizer

ROOT = Path(__file__).parents[2]
TEMPLATE = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- '# Tools\\n\\nYou may call these functions:\\n<tools>' }}
    {%- for tool in tools %}
        {{- '\\n' + (tool | tojson) }}
    {%- endfor %}
    {{- '\\n</tools><|im_end|>\\n' }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'user' or (message.role == 'system' and not loop.first) or (message.role == 'assistant' and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
    {%- elif message.role == 'assistant' %}
        {{- '<|im_start|>assistant' }}
        {%- if message.content %}
            {{- '\\n' + message.content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '\\n<tool_call>\\n{"name": "' + tool_call.name + '", "arguments": ' + (tool_call.arguments | tojson) + '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == 'tool' %}
        {%- if loop.index0 == 0 or messages[loop.index0 - 1].role != 'tool' %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' + message.content + '\\n</tool_response>' }}
        {%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city’s day.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
            "required": ["city"],
        },
    },
}


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
        "tools": [WEATHER, {"type": "function", "function": {"name": "now", "parameters": {}}}],
        "messages": [
            {"role": "user", "content": "Oslo or Bergen?"},
            {
                "role": "assistant",
                "content": "I look at both.",
                "tool_calls": [call("get_weather", city="Oslo", flags=[True, None, 1.5]), call("now")],
            },
            {"role": "tool", "content": "sun", "tool_call_id": "call_get_weather"},
            {"role": "tool", "content": "", "tool_call_id": "call_now"},
            {"role": "assistant", "content": "Oslo."},
        ],
    },
    {
        "messages": [
            {"role": "user", "content": "What time is it?"},
            {"role": "assistant", "content": "", "tool_calls": [call("now")]},
        ],
    },
]

tokenizer = AutoTokenizer.from_pretrained(ROOT / "starters/decoder")
tokenizer.chat_template = TEMPLATE
rows = []
for conversation in CONVERSATIONS:
    messages, tools = conversation["messages"], conversation.get("tools")
    render = lambda some, **more: tokenizer.apply_chat_template(some, tools=tools, tokenize=False, **more)
    text = render(messages)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    learnt = []
    for i, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        # From the end of the prompt for an answer (as far as the template writes it), up to the token that ends the turn.
        asked, after = render(messages[:i], add_generation_prompt=True), render(messages[: i + 1])
        start = next((k for k, (a, b) in enumerate(zip(asked, after)) if a != b), min(len(asked), len(after)))
        end = after.rindex("<|im_end|>") + len("<|im_end|>")
        learnt += [k for k, (a, b) in enumerate(encoded["offset_mapping"]) if b > start and a < end and b > a]
    rows.append({**conversation, "text": text, "ids": encoded["input_ids"], "learnt": learnt})
print(json.dumps({"template": TEMPLATE, "rows": rows}, ensure_ascii=False, separators=(",", ":")))
