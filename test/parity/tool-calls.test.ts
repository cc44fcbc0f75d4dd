import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadDataset } from '../../src/engine/data/dataset.ts';
import { createDataset } from '../../src/engine/data/store.ts';
import { answer } from '../../src/engine/infer/answer.ts';
import type { Writer } from '../../src/engine/infer/writer.ts';
import { chatPrompts, encodeConversations } from '../../src/engine/tasks/conversational/encode.ts';
import { CONVERSATIONS, type Conversation } from '../../src/engine/tasks/conversational/rows.ts';
import { IGNORED } from '../../src/engine/tasks/task.ts';
import { ChatTemplate } from '../../src/engine/text/chat-template.ts';
import { Tokenizer } from '../../src/engine/text/tokenizer.ts';
import type { ToolCall } from '../../src/protocol/index.ts';
import { figures } from './executors.ts';

interface Row {
  messages: { role: string; content: string; tool_calls?: ToolCall[]; tool_call_id?: string }[];
  tools?: unknown[];
  text: string;
  ids: number[];
  learnt: number[];
}
/** What tool_figures.py wrote. */
const f = JSON.parse(readFileSync(figures('tools.json'), 'utf8')) as { template: string; rows: Row[] };
const STARTER = join(import.meta.dirname, '../../starters/decoder');

let place: string;
let plain: Tokenizer;
let tokenizer: Tokenizer;
beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'luthier-tools-'));
  cpSync(STARTER, place, { recursive: true, filter: (path) => !path.endsWith('safetensors') });
  writeFileSync(join(place, 'chat_template.jinja'), f.template);
  [plain, tokenizer] = await Promise.all([Tokenizer.load(STARTER), Tokenizer.load(place)]);
});
afterAll(() => rmSync(place, { recursive: true }));

/** Rows of a file, their arguments as texts of JSON, as OpenAI's files have them, or as objects. */
async function read(asText: boolean): Promise<Conversation[]> {
  const called = (call: ToolCall) => ({
    ...call,
    function: { ...call.function, arguments: JSON.stringify(call.function.arguments) },
  });
  const rows = f.rows.map(({ messages, tools }) => ({
    messages: messages.map(({ tool_calls, content, ...rest }) => ({
      ...rest,
      // OpenAI's files have null where an assistant only calls.
      content: tool_calls && content === '' ? null : content,
      ...(tool_calls && { tool_calls: asText ? tool_calls.map(called) : tool_calls }),
    })),
    ...(tools && { tools }),
  }));
  const file = join(place, `rows-${asText}.jsonl`);
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const { train, problems, columns } = await loadDataset(CONVERSATIONS, file, {
    base: place,
    validation_split: 0,
    seed: 1,
  });
  expect(problems).toEqual([]);
  expect(columns).toEqual({ messages: 'messages', tools: 'tools' });
  return train;
}

describe('conversations with tools', () => {
  test.each([true, false])(
    'are written and learnt as transformers’ template has them (arguments as text: %s)',
    async (asText) => {
      const rows = await read(asText);
      const { items } = encodeConversations(rows, tokenizer, 1024);
      const template = new ChatTemplate(tokenizer);
      for (const [i, { ids, labels }] of items.entries()) {
        const { messages, tools } = rows[i]!;
        expect(template.encode(messages, tools).text).toBe(f.rows[i]!.text);
        const learnt = [...labels.entries()].filter(([, label]) => label !== IGNORED).map(([token]) => token + 1);
        expect({ ids: [...ids], learnt }, `row ${i + 1}`).toEqual({ ids: f.rows[i]!.ids, learnt: f.rows[i]!.learnt });
      }
      expect(items).toHaveLength(f.rows.length);
    },
  );

  test('are left out, and told, where the template does not write them', async () => {
    const rows = await read(false);
    const said = {
      messages: [
        { role: 'user' as const, content: 'Hi' },
        { role: 'assistant' as const, content: 'Yes' },
      ],
    };
    const all = [...rows, { ...rows[0]!, ...said, tools: undefined } as unknown as Conversation];
    const { items, notes } = encodeConversations(all, plain, 1024);
    expect(items.map(({ row }) => row)).toEqual([3]);
    expect(notes!.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^2 conversations are left out \(rows-false\.jsonl, lines 1 and 2\) by the chat template\. .*does not write the tools that may be called\.$/,
      ),
      expect.stringMatching(
        /^1 conversation is left out \(rows-false\.jsonl, line 3\) by the chat template\. .*does not write the tools that are called\.$/,
      ),
    ]);
  });

  test('are left out where the template writes calls, but not what tools answer', async () => {
    const deaf = join(place, 'deaf');
    cpSync(STARTER, deaf, { recursive: true, filter: (path) => !path.endsWith('safetensors') });
    writeFileSync(
      join(deaf, 'chat_template.jinja'),
      `{% set messages = messages | rejectattr('role', 'equalto', 'tool') | list %}${f.template}`,
    );
    const rows = await read(false);
    const { items, notes } = encodeConversations(rows, await Tokenizer.load(deaf), 1024);
    const answered = rows.filter(({ messages }) => messages.some(({ role }) => role === 'tool')).length;
    expect(answered).toBeGreaterThan(0);
    expect(items).toHaveLength(rows.length - answered);
    expect(notes!.map(({ message }) => message)).toEqual([
      expect.stringMatching(/does not write what tools answer\.$/),
    ]);
  });

  test('a call is what an answer is compared with, and keeps its row apart from others', async () => {
    const rows = await read(true);
    const samples = chatPrompts(rows, tokenizer, 1024);
    expect(samples.map(({ reference }) => reference)).toEqual([
      'You are welcome.',
      'Oslo.',
      '{"name":"now","arguments":{}}',
    ]);
    expect(CONVERSATIONS.key(rows[2]!)).toBe('user: What time is it?\nassistant: {"name":"now","arguments":{}}');
    expect(CONVERSATIONS.stored(rows[2] as never)).toEqual({ messages: rows[2]!.messages });
    expect(CONVERSATIONS.stored(rows[0] as never)).toEqual({ messages: rows[0]!.messages, tools: f.rows[0]!.tools });
  });

  test('stay whole in a dataset of their own', async () => {
    const rows = await read(true);
    const made = await createDataset(
      { file: join(place, 'rows-true.jsonl'), folder: place, name: 'made', columns: {} },
      CONVERSATIONS,
    );
    const { train } = await loadDataset(CONVERSATIONS, made.path, { base: place, validation_split: 0, seed: 1 });
    expect(train.map(({ messages, tools }) => ({ messages, tools }))).toEqual(
      rows.map(({ messages, tools }) => ({ messages, tools })),
    );
  });

  test('are answered with a call that is read as the template writes it, and go on with what the tool gives back', async () => {
    const chat = new ChatTemplate(tokenizer);
    expect(chat.callFormat).toMatchObject({ open: '<tool_call>', close: '</tool_call>', arguments: 'arguments' });
    expect(new ChatTemplate(plain).callFormat).toBeNull();
    const { messages, tools } = f.rows[0]!;
    const call = messages.findIndex(({ tool_calls }) => tool_calls);
    const asked: string[] = [];
    const said = f.rows[0]!.text.split('<|im_start|>assistant\n')[1]!.split('<|im_end|>')[0]!;
    const writing = (of: Tokenizer) =>
      ({
        ...{ tokenizer: of, positions: 8192, chat: new ChatTemplate(of) },
        write: async (ids: Int32Array) => {
          asked.push(of.decode(ids, { skipSpecialTokens: false }));
          return { generated_text: said, token_ids: [1], finish_reason: 'end', tokens_per_second: 1 };
        },
      }) as unknown as Writer;
    const first = await answer(writing(tokenizer), messages.slice(0, call), { settings: {}, tools });
    expect(first).toMatchObject({ content: '', notes: [] });
    const [{ function: got }] = first.tool_calls as [ToolCall];
    expect(got).toEqual(messages[call]!.tool_calls![0]!.function);
    // What is asked next is what the model learnt.
    await answer(writing(tokenizer), messages.slice(0, call + 2), { settings: {}, tools });
    expect(f.rows[0]!.text.startsWith(asked[1]!)).toBe(true);
    // A tool that was not given is told; so is a template that passes over tools.
    const other = await answer(writing(tokenizer), messages.slice(0, call), {
      ...{ settings: {}, tools: [{ type: 'function', function: { name: 'other' } }] },
    });
    expect(other.notes).toEqual(['“get_weather” is none of the tools that were given.']);
    await expect(answer(writing(plain), messages.slice(0, call), { settings: {}, tools })).rejects.toThrow(
      'does not write the tools that may be called',
    );
  });
});
