import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type ChatMessage, ChatTemplate } from './chat-template.ts';
import { Tokenizer } from './tokenizer.ts';

/** What test/parity/generation_figures.py wrote. */
interface Figures {
  tokenizer: object;
  config: Record<string, unknown>;
  templates: Record<string, string>;
  dialogues: ChatMessage[][];
  cases: {
    template: string;
    dialogue: number;
    text: string;
    asked: string;
    ids: number[];
    assistant?: number[];
    error?: string;
  }[];
}
const figures: Figures = JSON.parse(
  readFileSync(new URL('../../../test/parity/figures/chat.json', import.meta.url), 'utf8'),
);

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function load(config: object, files: Record<string, string> = {}, tokenizer = figures.tokenizer) {
  const folder = mkdtempSync(join(tmpdir(), 'luthier-chat-'));
  folders.push(folder);
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ ...figures.config, ...config }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return Tokenizer.load(folder);
}
const template = async (text: string) => new ChatTemplate(await load({ chat_template: text }));
const dialogue = (...turns: string[]): ChatMessage[] =>
  turns.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }));

const shared = new URL('../../../../shared/', import.meta.url);

describe('ChatTemplate', () => {
  it.each(Object.entries(figures.templates))('%s: text, ids and answers are transformers’', async (name, text) => {
    const chat = await template(text);
    for (const each of figures.cases.filter((c) => c.template === name)) {
      const messages = figures.dialogues[each.dialogue]!;
      if (each.error) {
        expect(() => chat.render(messages)).toThrow(each.error);
        continue;
      }
      expect(chat.render(messages)).toBe(each.text);
      expect(chat.render(messages, { forAnswer: true })).toBe(each.asked);
      const { ids, turns } = chat.encode(messages);
      expect([...ids]).toEqual(each.ids);
      if (!each.assistant) continue;
      const mask = each.ids.map((_, i) => Number(turns.some(({ start, end }) => i >= start && i < end)));
      expect(mask).toEqual(each.assistant);
    }
  });

  it('finds the answers by what a turn adds, its end included and nothing behind it', async () => {
    const tokenizer = await load({ chat_template: figures.templates.chatml });
    const { ids, turns, text, places } = new ChatTemplate(tokenizer).encode(figures.dialogues[2]!);
    expect(turns.map(({ message }) => message)).toEqual([2, 4]);
    const learned = turns.map(({ start, end }) =>
      tokenizer.decode(ids.subarray(start, end), { skipSpecialTokens: false }),
    );
    expect(learned).toEqual(['Hello! 😀<|im_end|>', '<|im_end|>']);
    expect(places.map(({ start, end }) => text.slice(start, end))).toEqual(['Hello! 😀<|im_end|>\n', '<|im_end|>\n']);
  });

  it('has one <s> in front where the template and the tokenizer both put one there', async () => {
    const tokenizer = await load({}, { 'chat_template.jinja': figures.templates.bos! });
    const chat = new ChatTemplate(tokenizer);
    expect(tokenizer.encode('x', 16).ids[0]).toBe(0);
    for (const ids of [chat.prompt(dialogue('Hi')), chat.encode(dialogue('Hi', 'Ho')).ids])
      expect([ids[0], ids.filter((id) => id === 0).length]).toEqual([0, 1]);
    // No </s> behind `<|assistant|>`.
    expect(tokenizer.decode(chat.prompt(dialogue('Hi')), { skipSpecialTokens: false })).toBe(
      '<s><|user|>\nHi</s>\n<|assistant|>\n',
    );
    expect(chat.turnEnds()).toEqual([1]);
  });

  it('takes the file of its own before tokenizer_config.json, and the template named default of several', async () => {
    const both = await load({ chat_template: 'from the config' }, { 'chat_template.jinja': 'from the file' });
    expect(new ChatTemplate(both).render([])).toBe('from the file');
    const named = await load({
      chat_template: [
        { name: 'tool_use', template: 'tools' },
        { name: 'default', template: 'plain' },
      ],
    });
    expect(new ChatTemplate(named).render([])).toBe('plain');
  });

  it('uses ChatML where there is none, says so, and ends turns with a token that the vocabulary has', async () => {
    const chat = new ChatTemplate(await load({}));
    expect(chat.note).toBe('The model has no chat template, so ChatML is used.');
    expect(chat.render(dialogue('Hi'), { forAnswer: true })).toBe(
      '<s><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    );
    const { added_tokens, ...rest } = figures.tokenizer as { added_tokens: { content: string }[] };
    const without = { ...rest, added_tokens: added_tokens.filter(({ content }) => content !== '<|im_end|>') };
    const model = structuredClone(without) as unknown as { model: { vocab: Record<string, number> } };
    delete model.model.vocab['<|im_end|>'];
    const plain = new ChatTemplate(await load({}, {}, model));
    expect(plain.render(dialogue('Hi', 'Ho'))).toBe('<s><|im_start|>user\nHi</s>\n<|im_start|>assistant\nHo</s>\n');
    expect(plain.turnEnds()).toEqual([1]);
  });

  it('says which message a template refuses, and whose it is', async () => {
    const chat = await template(figures.templates.inst!);
    expect(() => chat.encode([...dialogue('a', 'b'), { role: 'system', content: 'c' }])).toThrow(
      /tokenizer_config\.json: the chat template fails at message 3 \(role “system”\): Conversation roles must alternate/,
    );
    await expect(template('{% for m in %}')).rejects.toThrow(/tokenizer_config\.json: the chat template fails: /);
  });

  it.each([
    [
      'a loop',
      '{% for a in range(999999) %}{% for b in range(999999) %}{% endfor %}{% endfor %}',
      /takes more than 1 s/,
    ],
    ['a list', '{% for a in range(10000000000) %}{% endfor %}', /range\(\) of 10000000000 numbers/],
    [
      'a list that doubles',
      '{% set n = namespace(l=[1, 2]) %}{% for a in range(99) %}{% set n.l = n.l + n.l %}{% endfor %}',
      /without end/,
    ],
    [
      'a text that doubles',
      "{% set n = namespace(t='ab') %}{% for a in range(99) %}{% set n.t = n.t ~ n.t %}{% endfor %}",
      /without end/,
    ],
    [
      'itself',
      '{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}',
      /fails at message 1 \(role “user”\): Maximum call stack/,
    ],
  ])('%s that has no end ends with an error', async (_, text, message) => {
    const chat = await template(text);
    expect(() => chat.render(dialogue('Hi'))).toThrow(message);
  });

  it('refuses to learn from turns that look otherwise later, and says what asks for an answer but is not learned', async () => {
    const last = await template(
      "{% for m in messages %}{{ m.role + ':' + (m.content if loop.last else m.content | upper) + '</s>' }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}",
    );
    expect(() => last.encode(dialogue('a', 'b', 'c', 'd'))).toThrow(
      /writes the assistant’s turn in message 2 otherwise once more messages follow/,
    );
    const thinks = await template(
      "{% for m in messages %}{{ m.role + ':' + m.content + '</s>' }}{% endfor %}{% if add_generation_prompt %}assistant:<think>{% endif %}",
    );
    const { text, places, notes } = thinks.encode(dialogue('a', 'b'));
    expect(places.map(({ start, end }) => text.slice(start, end))).toEqual(['b</s>']);
    expect(notes).toEqual([
      'The chat template asks for an answer with "<think>", which it does not write before the answers of a dialogue.',
    ]);
  });

  it('learns answers as they stand in the whole dialogue where only what stands before them changes as it goes on', async () => {
    // As Qwen 3: a place for thoughts before the last answer alone.
    const thinks = await template(
      "{% for m in messages %}{{ m.role + ':' }}{% if m.role == 'assistant' and loop.last %}{{ '<think></think>' }}{% endif %}{{ m.content | trim }}{% for call in m.tool_calls or [] %}{{ '[' + call.function.name + ']' }}{% endfor %}{{ '</s>' }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}",
    );
    const { text, places, notes } = thinks.encode(dialogue('a', ' assistant: b\n', 'c', 'd', 'e', 'f'));
    expect(places.map(({ start, end, message }) => [message, text.slice(start, end)])).toEqual([
      [1, 'assistant: b</s>'],
      [3, 'd</s>'],
      [5, '<think></think>f</s>'],
    ]);
    expect(notes).toEqual([
      'The chat template writes an answer otherwise once the dialogue goes on; each is learnt as it stands in the whole dialogue.',
    ]);
    const calls = ['first', 'second'].map((name) => ({ type: 'function' as const, function: { name, arguments: {} } }));
    const called = thinks.encode([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'Both.', tool_calls: calls },
      ...dialogue('b', 'c'),
    ]);
    expect(called.places.map(({ start, end }) => called.text.slice(start, end))).toEqual([
      'Both.[first][second]</s>',
      '<think></think>c</s>',
    ]);
    expect(thinks.encode(dialogue('a', 'b')).notes).toEqual([]);
  });

  it('tells a template the date of today, and always the same one in training', async () => {
    const chat = await template("{{ strftime_now('%d %b %Y') }}:{% for m in messages %}{{ m.content }}{% endfor %}");
    expect(chat.render(dialogue('a'), { date: new Date(2031, 4, 6) })).toBe('06 May 2031:a');
    expect(chat.encode(dialogue('a', 'b')).text).toBe('26 Jul 2024:ab');
  });

  it('keeps the template when the tokenizer is saved', async () => {
    const tokenizer = await load({}, { 'chat_template.jinja': 'kept' });
    const folder = mkdtempSync(join(tmpdir(), 'luthier-chat-'));
    folders.push(folder);
    await tokenizer.save(folder);
    expect(new ChatTemplate(await Tokenizer.load(folder)).render([])).toBe('kept');
    const without = await load({});
    await without.save(folder, 128, new ChatTemplate(without).source);
    expect(new ChatTemplate(await Tokenizer.load(folder)).note).toBeNull();
  });

  it('renders the field’s double BOS once (../shared, where it is there)', async (context) => {
    let text: string;
    try {
      text = readFileSync(new URL('field/next/N06-double-bos/chat_template.jinja', shared), 'utf8');
    } catch {
      return context.skip('../shared is not here');
    }
    const chat = new ChatTemplate(await load({}, { 'chat_template.jinja': text }));
    expect(chat.prompt(dialogue('Hi')).filter((id) => id === 0)).toHaveLength(1);
  });
});
