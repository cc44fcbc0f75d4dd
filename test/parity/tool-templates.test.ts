import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadDataset } from '../../src/engine/data/dataset.ts';
import { answer } from '../../src/engine/infer/answer.ts';
import type { Writer } from '../../src/engine/infer/writer.ts';
import { encodeConversations } from '../../src/engine/tasks/conversational/encode.ts';
import { CONVERSATIONS } from '../../src/engine/tasks/conversational/rows.ts';
import { IGNORED } from '../../src/engine/tasks/task.ts';
import { ChatTemplate } from '../../src/engine/text/chat-template.ts';
import { Tokenizer } from '../../src/engine/text/tokenizer.ts';
import type { ChatMessage, Tools } from '../../src/protocol/index.ts';
import { figures } from './executors.ts';

/** What tool_template_figures.py wrote. */
interface Figures {
  templates: Record<string, string>;
  conversations: { messages: ChatMessage[]; tools?: Tools }[];
  cases: { template: string; conversation: number; text: string; asked: string; ids: number[]; learnt: number[] }[];
}
const f = JSON.parse(readFileSync(figures('tool-templates.json'), 'utf8')) as Figures;
const STARTER = join(import.meta.dirname, '../../starters/decoder');

const place = mkdtempSync(join(tmpdir(), 'luthier-tool-templates-'));
afterAll(() => rmSync(place, { recursive: true }));

/** The starter's tokenizer with a template of another model. */
async function tokenizerWith(name: string): Promise<Tokenizer> {
  const folder = join(place, name);
  cpSync(STARTER, folder, { recursive: true, filter: (path) => !path.endsWith('safetensors') });
  writeFileSync(join(folder, 'chat_template.jinja'), f.templates[name]!);
  return Tokenizer.load(folder);
}

/** The conversations as OpenAI's files have them: no content beside calls, arguments as texts of JSON. */
async function read() {
  const rows = f.conversations.map(({ messages, tools }) => ({
    messages: messages.map(({ tool_calls, content, ...rest }) => ({
      ...rest,
      content: tool_calls && content === '' ? null : content,
      ...(tool_calls && {
        tool_calls: tool_calls.map((call) => ({
          ...call,
          function: { ...call.function, arguments: JSON.stringify(call.function.arguments) },
        })),
      }),
    })),
    ...(tools && { tools }),
  }));
  const file = join(place, 'rows.jsonl');
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const options = { base: place, validation_split: 0, seed: 1 };
  return (await loadDataset(CONVERSATIONS, file, options)).train;
}

describe.each(Object.keys(f.templates))('the template of %s', (name) => {
  const cases = f.cases.filter(({ template }) => template === name);

  test('writes conversations with tools as transformers does, and what the assistant says and calls is learnt', async () => {
    const tokenizer = await tokenizerWith(name);
    const chat = new ChatTemplate(tokenizer);
    const rows = await read();
    const { items, notes } = encodeConversations(rows, tokenizer, 1024);
    expect(items).toHaveLength(cases.length);
    expect(notes!.filter(({ level }) => level === 'warning')).toEqual([]);
    for (const [i, { ids, labels }] of items.entries()) {
      const { messages, tools } = rows[i]!;
      const { text, asked, ids: wanted, learnt } = cases[i]!;
      expect(chat.encode(messages, tools).text).toBe(text);
      expect(chat.render(messages.slice(0, -1), { forAnswer: true, tools })).toBe(asked);
      const taught = [...labels.entries()].filter(([, label]) => label !== IGNORED).map(([token]) => token + 1);
      expect({ ids: [...ids], learnt: taught }, `conversation ${i + 1}`).toEqual({ ids: wanted, learnt });
    }
  });

  test('reads the calls of an answer, also behind thoughts, and goes on with what the tools give back', async () => {
    const tokenizer = await tokenizerWith(name);
    const chat = new ChatTemplate(tokenizer);
    expect(chat.callFormat).toEqual({
      ...{ open: '<tool_call>', close: '</tool_call>', isList: false, name: 'name', arguments: 'arguments' },
    });
    const { messages, tools } = f.conversations[1]!;
    const { tool_calls: calls } = messages[1]!;
    const [first, second] = calls!.map(({ function: called }) => called);
    const said = [first, second].map((called) => `<tool_call>\n${JSON.stringify(called)}\n</tool_call>`).join('\n');
    const asked: string[] = [];
    const writer = {
      ...{ tokenizer, positions: 8192, chat },
      write: async (ids: Int32Array) => {
        asked.push(tokenizer.decode(ids, { skipSpecialTokens: false }));
        const text = `<think>\nWhich?\n</think>\n\n${said}`;
        return { generated_text: text, token_ids: [1], finish_reason: 'end', tokens_per_second: 1 };
      },
    } as unknown as Writer;
    const got = await answer(writer, messages.slice(0, 1), { settings: {}, tools });
    expect(got.notes).toEqual([]);
    expect(got.tool_calls!.map((call) => call.function)).toEqual([first, second]);
    expect(got.content).toBe('<think>\nWhich?\n</think>');
    // What is asked after the last tool's answer is what the model learnt to go on from.
    await answer(writer, messages.slice(0, -1), { settings: {}, tools });
    expect(asked.at(-1)).toBe(cases[1]!.asked);
  });
});
