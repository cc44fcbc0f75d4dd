"""Prompts as Python's jinja2 and PyPI's prompty make them, for prompt-templates.test.ts.

    pip install jinja2==3.1.6 prompty==2.1.0
    python -m pip install --no-deps --target OLD prompty==0.1.50
    python prompt_template_figures.py OLD

writes figures/prompt-templates.json and figures/prompty.json. Templates are those that a prompt is made of, within what
docs/prompt-templates.md says is supported: written by hand, and made of parts at random.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = Path(__file__).parent
FIGURES = HERE / "figures"

VALUES = {
    "name": "Ann",
    "text": "  The parcel\n  is late — again. ",
    "question": "Where is {{ my }} parcel? {% if x %}",
    "empty": "",
    "nothing": None,
    "yes": True,
    "no": False,
    "count": 3,
    "zero": 0,
    "minus": -7,
    "price": 2.5,
    "tiny": 0.00001,
    "third": 1.1,
    "tags": ["b", "A", "c", "a"],
    "numbers": [3, 1, 2, 3],
    "mixed": [1, "two", 2.5, True, None, [1], {"k": "v"}],
    "labels": ["positive", "negative", "neutral"],
    "row": {"text": "Good", "label": "positive", "score": 0.75, "keys": 1},
    "rows": [
        {"text": "Good", "label": "positive", "n": 2},
        {"text": "Bad", "label": "negative", "n": 1},
        {"text": "It's \"ok\"", "label": "positive", "n": 3},
    ],
    "chat": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello\nthere"}],
    "chinese": "你好，世界 🙂",
    "html": "<b>&'\"</b>",
    "quoted": "it's",
    "path": "C:\\new\ttab",
}

BY_HAND = [
    "", "plain", "{{ name }}", "Hello {{ name }}!", "{{name}}", "{{ question }}", "{{ nothing }}", "{{ yes }} {{ no }}",
    "{{ count }} {{ price }} {{ minus }}", "{{ tags }}", "{{ mixed }}", "{{ row }}", "{{ rows[0] }}", "{{ rows[0].text }}",
    "{{ rows[-1]['text'] }}", "{{ row['text'] }}", "{{ row.score }}", "{{ row.missing }}", "{{ missing }}x",
    "{{ missing | default('none') }}", "{{ empty | default('none') }}", "{{ empty | default('none', true) }}",
    "{{ nothing | default('none') }}", "{{ nothing | d('none', boolean=true) }}", "{{ tiny }} {{ third }}",
    "{{ 1 + 2 }} {{ 1 - 2 }} {{ 2 * 3 }} {{ 7 / 2 }} {{ 7 // 2 }} {{ 7 % 3 }} {{ 2 ** 10 }}",
    "{{ -7 // 2 }} {{ minus % 3 }} {{ 6 / 2 }} {{ 1.0 }} {{ 2.50 }}",
    "{{ 'a' + 'b' }} {{ 'a' ~ 1 ~ true ~ none }} {{ 'ab' * 3 }} {{ [1] + [2] }} {{ [0] * 3 }}",
    "{{ 1 == 1.0 }} {{ 1 == '1' }} {{ 'a' < 'b' }} {{ 'Z' < 'a' }} {{ [1, 2] == [1, 2] }} {{ none == false }}",
    "{{ 'a' in tags }} {{ 'z' not in tags }} {{ 'text' in row }} {{ 'arc' in text }} {{ 2 in numbers }}",
    "{{ not yes }} {{ yes and 'a' }} {{ no or 'b' }} {{ empty and 1 }} {{ zero or [] or 'last' }}",
    "{{ 'x' if yes else 'y' }} {{ 'x' if no else 'y' }} [{{ 'x' if no }}]",
    "{% if yes %}a{% endif %}", "{% if no %}a{% else %}b{% endif %}", "{% if no %}a{% elif count == 3 %}b{% else %}c{% endif %}",
    "{% if empty %}a{% elif nothing %}b{% elif zero %}c{% else %}d{% endif %}", "{% if missing %}a{% else %}b{% endif %}",
    "{% if name is defined and missing is not defined %}ok{% endif %}", "{% if tags is string %}a{% elif tags is iterable %}b{% endif %}",
    "{{ count is odd }} {{ count is even }} {{ count is number }} {{ price is float }} {{ price is integer }} {{ row is mapping }}",
    "{{ nothing is none }} {{ yes is true }} {{ yes is boolean }} {{ tags is sequence }} {{ 'abc' is lower }} {{ 'ABC' is upper }} {{ '12' is upper }}",
    "{{ 9 is divisibleby(3) }} {{ 9 is not divisibleby(2) }} {{ count is eq(3) }} {{ count is gt(2) }} {{ 'a' is in(tags) }}",
    "{% for tag in tags %}{{ tag }}{% endfor %}", "{% for tag in tags %}{{ loop.index }}. {{ tag }}\n{% endfor %}",
    "{% for tag in tags %}{{ tag }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for r in rows %}\nText: {{ r.text }}\nLabel: {{ r.label }}\n{% endfor %}\nText: {{ text }}\nLabel:",
    "{% for r in rows -%}\n  - {{ r.text }}\n{% endfor -%}\nend", "{%- for r in rows %}{{ r.n }}{%- endfor %}  ",
    "{% for x in [] %}a{% else %}none{% endfor %}", "{% for x in missing %}a{% else %}none{% endfor %}",
    "{% for k, v in row.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in row %}{{ k }} {% endfor %}",
    "{% for k, v in row | dictsort %}{{ k }}={{ v }};{% endfor %}", "{% for k, v in row | items %}{{ k }};{% endfor %}",
    "{% for x in numbers if x > 1 %}{{ loop.index }}:{{ x }} {% endfor %}", "{% for c in 'héy' %}[{{ c }}]{% endfor %}",
    "{% for x in range(3) %}{{ x }}{% endfor %} {% for x in range(2, 8, 3) %}{{ x }}{% endfor %} {% for x in range(3, 0, -1) %}{{ x }}{% endfor %}",
    "{% for a in [1, 2] %}{% for b in [1, 2] %}{{ loop.depth }}{{ a * b }} {% endfor %}{{ loop.depth0 }};{% endfor %}",
    "{% for x in numbers %}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.length }} {% endfor %}",
    "{% for x in numbers %}{{ loop.previtem }}<{{ x }}<{{ loop.nextitem }} {% endfor %}",
    "{% for x in numbers %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for x in [1, 1, 2] %}{{ loop.changed(x) }} {% endfor %}",
    "{% set x = 1 %}{{ x }}", "{% set x, y = 1, 2 %}{{ x }}{{ y }}", "{% set x %}a {{ name }}{% endset %}[{{ x }}]",
    "{% set x = 0 %}{% for i in numbers %}{% set x = x + i %}{{ x }} {% endfor %}={{ x }}",
    "{% set ns = namespace(total=0) %}{% for i in numbers %}{% set ns.total = ns.total + i %}{% endfor %}{{ ns.total }}",
    "{% if yes %}{% set z = 'in' %}{% endif %}{{ z }}", "{% macro m(a, b='x') %}({{ a }}{{ b }}){% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=3, a=4) }}",
    "{% macro m(a) %}{{ a }}{% for v in varargs %}+{{ v }}{% endfor %}{% endmacro %}{{ m(1, 2, 3) }}",
    "{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}body {{ name }}{% endcall %}",
    "{% macro m(items) %}{% for i in items %}{{ caller(i) }}{% endfor %}{% endmacro %}{% call(x) m(tags) %}[{{ x }}]{% endcall %}",
    "{% macro fact(n) %}{{ 1 if n < 2 else n * (fact(n - 1) | int) }}{% endmacro %}{{ fact(5) }}",
    "{% filter upper %}a {{ name }}{% endfilter %}", "{# a comment #}x{#- another -#} y", "a {#- c -#} b",
    "{% raw %}{{ name }} {% if %}{% endraw %}!", "{%- raw -%}  \"q\" \\ {{ x }}  {%- endraw -%}  end",
    "  {{- name -}}  x", "a\n{%- if yes -%}\n b \n{%- endif -%}\nc", "a  {{ name }}  b\n\n{{ name }}\n", "line\n\n", "\n\nline",
    "{{ text | trim }}", "{{ text | upper }}", "{{ name | lower }}", "{{ 'hELLO wORLD' | capitalize }}", "{{ \"it's a dog-house (big)\" | title }}",
    "{{ tags | join(', ') }}", "{{ tags | join }}", "{{ numbers | join('-') }}", "{{ rows | join(', ', attribute='text') }}", "{{ mixed | join('|') }}",
    "{{ tags | length }} {{ text | length }} {{ row | length }} {{ chinese | length }} {{ tags | count }}", "{{ tags | first }} {{ tags | last }}",
    "{{ tags | sort }} {{ tags | sort(reverse=true) }} {{ tags | sort(case_sensitive=true) }}", "{{ rows | sort(attribute='n') | map(attribute='text') | list }}",
    "{{ tags | unique | list }} {{ numbers | unique | list }}", "{{ tags | reverse | list }} {{ 'abc' | reverse }}", "{{ numbers | sum }} {{ rows | sum(attribute='n') }} {{ [1.5, 1] | sum }}",
    "{{ numbers | min }} {{ numbers | max }} {{ tags | min }} {{ rows | max(attribute='n') }}", "{{ rows | map(attribute='label') | join(',') }}",
    "{{ tags | map('upper') | join(',') }}", "{{ rows | selectattr('label', 'equalto', 'positive') | map(attribute='text') | list }}",
    "{{ rows | rejectattr('label', 'eq', 'positive') | map(attribute='text') | list }}", "{{ numbers | select('odd') | list }} {{ numbers | reject('odd') | list }}",
    "{{ numbers | select('gt', 1) | list }} {{ rows | selectattr('n') | list | length }}", "{% for g in rows | groupby('label') %}{{ g[0] }}:{{ g[1] | length }} {% endfor %}",
    "{{ numbers | batch(2) | list }} {{ numbers | batch(3, 0) | list }}", "{{ numbers | slice(3) | list }} {{ numbers | slice(3, 'x') | list }}",
    "{{ 'a b a' | replace('a', 'c') }} {{ 'aaa' | replace('a', 'b', 2) }}", "{{ 'one\ntwo\n\nthree' | indent }}", "{{ 'one\ntwo\n\nthree' | indent(2, true, true) }}", "{{ 'one\ntwo' | indent('> ') }}",
    "{{ 'one two three four' | truncate(10) }}", "{{ 'one two three four' | truncate(10, true) }}", "{{ 'one two three four' | truncate(11, false, '…', 0) }}", "{{ 'short' | truncate(3) }}",
    "{{ 'one two  three' | wordcount }}", "[{{ 'ab' | center(7) }}] [{{ 'abc' | center(8) }}]", "{{ '42' | int }} {{ 'x' | int }} {{ 'x' | int(7) }} {{ 3.9 | int }} {{ '3.9' | int }} {{ '0x1a' | int(base=16) }}",
    "{{ '4.5' | float }} {{ 'x' | float }} {{ 3 | float }}", "{{ 2.5 | round }} {{ 3.5 | round }} {{ 2.567 | round(2) }} {{ 2.1 | round(method='ceil') }} {{ 2.9 | round(0, 'floor') }} {{ 42 | round }}",
    "{{ -3 | abs }} {{ minus | abs }} {{ -2.5 | abs }}", "{{ tags | list }} {{ 'ab' | list }} {{ row | list }} {{ range(3) | list }}", "{{ 12 | string ~ 'x' }} {{ [1] | string }}",
    "{{ html }} {{ html | safe }}", "{{ row | tojson }}", "{{ mixed | tojson }}", "{{ html | tojson }} {{ chinese | tojson }}", "{{ rows | tojson(indent=2) }}", "{{ {} | tojson }} {{ [] | tojson(2) }} {{ {'a': []} | tojson(2) }}",
    "{{ text.strip() }} {{ name.upper() }} {{ name.lower() }} {{ 'a b'.title() }} {{ 'AB c'.capitalize() }}", "{{ 'a,b,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'a b c'.split(none, 1) }}",
    "{{ 'xxaxx'.strip('x') }} {{ 'xxa'.lstrip('x') }} {{ 'axx'.rstrip('x') }}", "{{ name.startswith('A') }} {{ name.endswith('x') }} {{ name.startswith(('A', 'B')) }}", "{{ 'abc'.replace('b', 'x') }} {{ 'aa'.replace('a', 'b', 1) }} {{ '-'.join(tags) }}",
    "{{ 'banana'.count('a') }} {{ 'banana'.find('n') }} {{ 'banana'.find('z') }} {{ '12'.isdigit() }} {{ 'a\nb'.splitlines() }}", "{{ row.get('text') }} {{ row.get('zz') }} {{ row.get('zz', 'd') }}", "{{ row.keys() | list }} {{ row.values() | list }} {{ row['keys'] }}",
    "{{ numbers.index(2) }} {{ numbers.count(3) }}", "{{ tags[0] }} {{ tags[-1] }} {{ tags[1:] }} {{ tags[:2] }} {{ tags[::2] }} {{ tags[::-1] }} {{ name[0] }} {{ name[1:] }} {{ name[::-1] }}", "{{ tags[10] }}|{{ tags[1:100] }}|{{ tags[-2:] }}",
    "{{ (1, 2) }} {{ {'a': 1, 'b': [none, true]} }} {{ ['x', \"it's\", 'a\"b\\'c'] }}", "{{ [path, quoted, chinese, 'a\u00a0b\u200b'] }}", "{{ 1000000 * 1000000 }} {{ 10 ** 15 }} {{ 1 / 3 }} {{ 10.0 ** 16 }} {{ 1 / 10 ** 5 }} {{ 0.1 + 0.2 }} {{ 123456789.125 }}",
    "{{ 5 if count > 2 else 6 if count > 1 else 7 }}", "{{ (count + 1) * 2 }} {{ count + 1 * 2 }} {{ -count }} {{ 2 - -1 }} {{ +count }}", "{{ name ~ ' ' ~ count + 1 }}", "{{ not no and yes or no }} {{ not (no or yes) }}",
    "{% for m in chat %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:", "{% for m in chat %}<|{{ m['role'] }}|>\n{{ m['content'] | trim }}</s>\n{% endfor %}",
    "Classify as one of {{ labels | join(', ') }}.\n\nText: {{ text | trim }}\nLabel:", "{% for l in labels %}{{ '- ' ~ l }}{{ '\n' if not loop.last }}{% endfor %}", "{% for x in numbers %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% if x == 2 %}{% break %}{% endif %}{% endfor %}",
    "{%if yes%}a{%endif%}{{name}}{%for x in tags%}{{x}}{%endfor%}", "{{ 'a' 'b' }}", "{{ \"line\\nbreak\\t\\\\ \\\"q\\\"\" }}", "{{ 'caf\\u00e9 \\x41' }}", "}} {{ '{{' }} %} # {", "{{ '}}' }} {{ {'a': {'b': 1}}['a']['b'] }}",
    "\r\nWindows\r\n{{ name }}\r\n", "{% if name\n   and count %}multi{% endif %}", "{{ dict(a=1, b='c') }}", "{{ lower(name) if lower is defined else 'no function' }}", "{{ range(5)[2] }} {{ range(5) | length }} {{ 3 in range(5) }}",
]


def environment():
    return ImmutableSandboxedEnvironment(keep_trailing_newline=False, extensions=["jinja2.ext.loopcontrols"])


class Maker:
    """Templates of parts at random, nested."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def pick(self, *options):
        return self.r.choice(options)

    def text(self):
        return self.pick("", " ", "\n", "a", "Text: ", "\n\n", "  - ", "Label:\n", "«é» ", "{ ", "} ", "%} ", "\t")

    def scalar(self, names):
        return self.pick("name", "text", "count", "price", "chinese", "'lit'", "7", "2.5", "row.text", "row['score']", "tags[1]", "labels[0]", "zero", *names)

    def items(self):
        return self.pick("tags", "numbers", "labels", "[1, 2, 'x']", "range(3)", "rows | map(attribute='text')", "tags | sort", "numbers | unique", "labels | reverse", "numbers[1:]", "tags | map('upper')")

    def expression(self, names, depth=2):
        kind = self.r.randrange(9) if depth else 0
        a = self.scalar(names)
        if kind == 1:
            return f"{a} | string | {self.pick('upper', 'lower', 'trim', 'title', 'capitalize', 'length', 'wordcount', 'reverse')}"
        if kind == 2:
            return f"({self.expression(names, depth - 1)}) ~ ({self.expression(names, depth - 1)})"
        if kind == 3:
            return f"({self.expression(names, depth - 1)}) if {self.condition(names)} else ({self.expression(names, depth - 1)})"
        if kind == 4:
            return f"{self.items()} | join({self.pick(repr(', '), repr('-'), repr(''))})"
        if kind == 5:
            return f"({self.pick('count', '4', '2.5', 'minus')} {self.pick('+', '-', '*', '/', '//', '%')} {self.pick('count', '3', '1.5', '2')})"
        if kind == 6:
            return f"{a} | default({self.pick(repr('x'), '0')})"
        if kind == 7:
            return f"{self.items()} | list"
        if kind == 8:
            return f"({a} | string)[{self.pick('0', '-1', ':3', '1:', '::-1', '::2')}]"
        return a

    def condition(self, names):
        a = self.scalar(names)
        return self.pick(
            "yes", "no", "empty", "count > 2", "missing is defined", f"{a} is string", f"{a} == {self.scalar(names)}", f"'a' in tags",
            f"not {a}", f"({a} is number) and count != 3", f"{a} is not none or no", "numbers | length >= 4", "loop is defined",
        )

    def block(self, names=(), depth=3):
        return "".join(self.part(names, depth) for _ in range(self.r.randrange(1, 4)))

    def tag(self, inner):
        return f"{{%{self.pick('', '', '', '-')} {inner} {self.pick('', '', '', '-')}%}}"

    def part(self, names, depth):
        kind = self.r.randrange(8) if depth else self.r.randrange(2)
        if kind == 0:
            return self.text()
        if kind in (1, 2):
            return f"{{{{{self.pick('', '', '-')} {self.expression(names)} {self.pick('', '', '-')}}}}}"
        inner = depth - 1
        if kind == 3:
            middle = self.tag(f"elif {self.condition(names)}") + self.block(names, inner) if self.r.random() < 0.4 else ""
            otherwise = self.tag("else") + self.block(names, inner) if self.r.random() < 0.5 else ""
            return self.tag(f"if {self.condition(names)}") + self.block(names, inner) + middle + otherwise + self.tag("endif")
        if kind == 4:
            name = self.pick("x", "y", "tag")
            test = f" if {name} is string" if self.r.random() < 0.2 else ""
            otherwise = self.tag("else") + self.block(names, inner) if self.r.random() < 0.3 else ""
            return self.tag(f"for {name} in {self.items()}{test}") + self.block((*names, name, "loop.index", "loop.last"), inner) + otherwise + self.tag("endfor")
        if kind == 5:
            name = self.pick("v", "w")
            return self.tag(f"set {name} = {self.expression(names)}") + "{{ " + name + " }}" + self.block((*names, name), inner)
        if kind == 6:
            return "{% raw %}" + self.pick("{{ x }}", "{% y", "\"'\\", "a\n") + "{% endraw %}" + "{#" + self.pick("-", "") + " c " + self.pick("-", "") + "#}"
        return self.tag("filter " + self.pick("upper", "trim", "indent(2)", "replace('a', 'b')")) + self.block(names, inner) + self.tag("endfilter")


def rendered(template):
    try:
        return {"template": template, "rendered": environment().from_string(template).render(**VALUES)}
    except jinja2.TemplateSyntaxError as error:
        raise SystemExit(f"{template!r}: {error}")
    except Exception as error:  # What jinja2 refuses, ours is to refuse.
        return {"template": template, "error": type(error).__name__}


def made(count):
    templates = []
    seed = 0
    while len(templates) < count:
        template = Maker(seed).block()
        seed += 1
        if "{" in template and len(template) < 600 and template not in templates:
            templates.append(template)
    return templates


# Files of both generations: what is loaded, and the messages.
PROMPTY = {
    "first.prompty": (1, """---
name: Ticket answer
description: Answers a ticket
authors: [Ann]
model:
  api: chat
  configuration: { type: azure_openai, azure_deployment: gpt-4 }
  parameters: { max_tokens: 200, temperature: 0.2 }
inputs:
  question: { type: string }
sample:
  question: Where is my parcel?
  firstName: Ann
---

system:
Answer as JSON, like {"answer": "…", "tags": ["a"]}.

# Customer
You are helping {{firstName}}.

user:
{{question}}
""", {"question": "Is it {{ late }}?\nIt was sent on Monday."}),
    "roles.prompty": (1, """---
name: roles
model: { api: chat }
sample: { history: [] }
---
Be short.

# User:
first


assistant:
   indented
{% for item in history %}
{{item.role}}:
{{item.content}}
{% endfor %}
  USER :
last""", {"history": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two\n\nthree"}]}),
    "conditions.prompty": (1, """---
name: conditions
model: { api: chat }
sample: { docs: [], tone: kind }
---
system:
{% if tone == "kind" %}
Be kind.
{% else %}
Be brief.
{% endif %}
{% for doc in docs %}
- {{ doc.title | upper }}: {{ doc.text }}
{% endfor %}
user:
Go.
""", {"docs": [{"title": "a", "text": "x"}, {"title": "b", "text": "y"}]}),
    "completion.prompty": (1, """---
name: completion
model: { api: completion }
sample: { text: Good }
---
Text: {{ text }}
user:
Label:""", {}),
    "second.prompty": (2, """---
name: basic-prompt
description: A basic prompt
model:
  id: gpt-4
  provider: openai
  apiType: chat
  options: { temperature: 0.7, maxOutputTokens: 1000 }
inputs:
  - { name: firstName, kind: string, default: Jane }
  - { name: lastName, kind: string, default: Doe }
  - { name: question, kind: string, default: "What is the meaning of life?" }
template:
  format: { kind: jinja2 }
  parser: { kind: prompty }
---
system:
You are an AI assistant who helps people find information.

# Customer
You are helping {{firstName}} {{lastName}}.

user:
{{question}}
""", {"firstName": "Ann"}),
    "summary.prompty": (2, """---
name: summarize
model: gpt-4
inputs:
  - { name: text, kind: string }
  - { name: context, kind: string, default: "" }
---
system:
Summarise.

{% if context %}
Context: {{context}}
{% endif %}

developer:
Note.
user:
  {{text}}
""", {"text": "A long\n\ntext", "context": "news"}),
    "thread.prompty": (2, """---
name: threaded
model: { id: gpt-4 }
inputs:
  - { name: question, kind: string, default: Hello }
  - { name: conversation, kind: thread }
---
system:
You are a helpful assistant.

{{conversation}}

user:
{{question}}
""", {"conversation": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}),
    "dict.prompty": (2, """---
name: shorthand
model: gpt-4o
inputs:
  firstName: { kind: string, default: Jane }
  age: { kind: integer, default: 3 }
---
Hello {{firstName}}, {{age}}.
user : not alone
""", {}),
}

FIRST = """
import json, sys
import prompty
p = prompty.load(sys.argv[1])
messages = prompty.prepare(p, json.loads(sys.argv[2]))
print(json.dumps({"name": p.name, "description": p.description, "api": p.model.api, "options": p.model.parameters,
  "messages": messages}))
"""


def second(path, inputs):
    import prompty
    from prompty.core.types import Message

    agent = prompty.load(path)
    # Strict rendering refuses roles that values make; there are none here but in a thread.
    messages = prompty.prepare(agent, prompty.validate_inputs(agent, inputs))
    said = [{"role": m.role, "content": m.text} for m in messages if isinstance(m, Message)]
    options = {}
    if agent.model and agent.model.options:
        options = {k: v for k, v in agent.model.options.save().items() if v is not None}
    return {"name": agent.name, "description": agent.description or "", "api": "chat", "options": options, "messages": said}


def prompty_figures(old):
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (generation, text, inputs) in PROMPTY.items():
            path = os.path.join(folder, name)
            Path(path).write_text(text, encoding="utf-8")
            if generation == 1:
                run = subprocess.run(
                    [sys.executable, "-c", FIRST, path, json.dumps(inputs)],
                    env={**os.environ, "PYTHONPATH": old}, capture_output=True, text=True, cwd=folder,
                )
                if run.returncode != 0:
                    raise SystemExit(f"{name}: {run.stderr}")
                figure = json.loads(run.stdout.strip().splitlines()[-1])
            else:
                figure = second(path, inputs)
            figures.append({"file": name, "generation": generation, "text": text, "inputs": inputs, **figure})
    return figures


def write(name, figures):
    (FIGURES / name).write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main():
    templates = [*BY_HAND, *made(160)]
    write("prompt-templates.json", {"jinja2": jinja2.__version__, "values": VALUES, "templates": [rendered(t) for t in templates]})
    write("prompty.json", prompty_figures(os.path.abspath(sys.argv[1])))


main()
