import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChatMessage, TaskName } from '../../protocol/index.ts';
import { unrendered } from '../prompts/row-template.ts';
import { Tokenizer } from '../text/tokenizer.ts';
import { answer } from './answer.ts';
import type { Writer, WriterRequest } from './writer.ts';

/** A writer that says nothing and keeps what it was asked, a text or a dialogue. */
function writerOf(task: TaskName, text: string) {
  const asked: (string | readonly ChatMessage[])[] = [];
  let dialogue: readonly ChatMessage[] = [];
  const template = {
    ...unrendered({ path: 'ask.prompty', text }),
    render: async ({ question }: Record<string, unknown>) => {
      const system = text.includes('system:') ? [{ role: 'system', content: 'Be brief.' }] : [];
      return { messages: [...system, { role: 'user', content: `Q: ${question}` }], text: `Q: ${question}` };
    },
    get asking(): unknown {
      return this;
    },
  };
  const writer = {
    ...{ task, template, positions: 100 },
    chat: {
      prompt: (messages: readonly ChatMessage[]) => {
        dialogue = messages;
        return new Int32Array(1);
      },
      render: (messages: readonly ChatMessage[]) => messages.map(({ content }) => content).join('|'),
      turnEnds: () => [],
    },
    write: async (prompt: string | Int32Array) => {
      asked.push(typeof prompt === 'string' ? prompt : dialogue);
      return { generated_text: 'A', token_ids: [1], finish_reason: 'end' };
    },
  } as unknown as Writer;
  return { writer, asked };
}

const INPUTS = 'inputs: { question: { type: string } }';
const COMPLETION = `---\n${INPUTS}\nmodel: { api: completion }\n---\nQ: {{ question }}`;
const CHAT = `---\n${INPUTS}\n---\nuser:\nQ: {{ question }}`;
const asTaught = { settings: {}, asTaught: true };
const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const system = { role: 'system', content: 'Be kind.' };

describe('a model that learned its rows through a template', () => {
  it('of texts is asked the last message, and not the first again', async () => {
    const { writer, asked } = writerOf('text-generation', COMPLETION);
    expect((await answer(writer, [user('one')], asTaught)).notes).toEqual([]);
    const { notes } = await answer(writer, [user('one'), assistant('A'), user('two')], asTaught);
    expect(asked).toEqual(['Q: one', 'Q: two']);
    expect(notes).toEqual([expect.stringMatching(/ask\.prompty: the last message is asked by itself/)]);
  });

  it('of dialogues reads what a completion makes as a message, as in training', async () => {
    const { writer, asked } = writerOf('conversational', COMPLETION);
    expect((await answer(writer, 'one', asTaught)).prompt).toBe('Q: one');
    // What the model read is told, where a template made it.
    const { prompt } = await answer(writer, [user('one'), assistant('A'), user('two')], asTaught);
    expect(prompt).toBe('Q: one|A|two');
    expect(asked).toEqual([[user('Q: one')], [user('Q: one'), assistant('A'), user('two')]]);
  });

  it('hears a system message, unless the template has one, which is said', async () => {
    const plain = writerOf('conversational', CHAT);
    expect((await answer(plain.writer, [system, user('one')], asTaught)).notes).toEqual([]);
    expect(plain.asked).toEqual([[system, user('Q: one')]]);
    const own = writerOf('conversational', CHAT.replace('user:', 'system:\nBe brief.\nuser:'));
    const { notes } = await answer(own.writer, [system, user('one')], asTaught);
    expect(own.asked).toEqual([[{ role: 'system', content: 'Be brief.' }, user('Q: one')]]);
    expect(notes).toEqual(['The system message is left out: ask.prompty has one of its own.']);
  });

  it('reads a text as it is where it is not asked as it was taught', async () => {
    const { writer, asked } = writerOf('conversational', CHAT);
    await answer(writer, 'one', { settings: {} });
    expect(asked).toEqual(['one']);
  });
});

describe('a text with a suffix', () => {
  const STARTER = join(import.meta.dirname, '../../../starters/decoder');
  let place: string;
  let tokenizers: [without: Tokenizer, own: Tokenizer];
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'luthier-answer-'));
    await cp(STARTER, place, { recursive: true, filter: (path) => !path.endsWith('safetensors') });
    const file = join(place, 'tokenizer.json');
    const json = JSON.parse(await readFile(file, 'utf8')) as { added_tokens: object[] };
    // As in Qwen's files, which call none of these special.
    const names = ['<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>', '<|fim_pad|>'];
    const token = { special: false, single_word: false, lstrip: false, rstrip: false, normalized: false };
    json.added_tokens.push(...names.map((content, i) => ({ id: 8192 + i, content, ...token })));
    await writeFile(file, JSON.stringify(json));
    tokenizers = [await Tokenizer.load(STARTER), await Tokenizer.load(place)];
  });
  afterAll(() => rm(place, { recursive: true }));

  const asking = (tokenizer: Tokenizer) => {
    const asked: { prompt: number[]; request: WriterRequest }[] = [];
    const write = async (prompt: Int32Array, request: WriterRequest) => {
      asked.push({ prompt: [...prompt], request });
      return { text: request.text, generated_text: 'middle', token_ids: [1], finish_reason: 'end' };
    };
    return { asked, writer: { tokenizer, write, positions: 100, modelFolder: '/models/own' } as unknown as Writer };
  };

  it('is a question for what stands between the two, and ends at what no middle goes on behind', async () => {
    const [, tokenizer] = tokenizers;
    const { asked, writer } = asking(tokenizer);
    const request = { settings: { stop: ['END'] }, suffix: '    return total' };
    const answered = await answer(writer, 'def mean(values):\n', { ...request, asTaught: true });
    expect(answered).toMatchObject({ text: 'def mean(values):\n', generated_text: 'middle', left_out: 0, notes: [] });
    const [{ prompt, request: given }] = asked as [(typeof asked)[0]];
    expect(tokenizer.decode(prompt)).toBe(
      '<|fim_prefix|>def mean(values):\n<|fim_suffix|>    return total<|fim_middle|>',
    );
    expect(given.ends).toEqual([tokenizer.specialId('eos_token'), 8192, 8193, 8194, 0, 8195, 5, 6, 3, 4]);
    // A decoded text would have these.
    expect(given.settings.stop).toEqual(['END', '<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>', '<|fim_pad|>']);
  });

  it('is refused where the model has no tokens for it', async () => {
    const { writer } = asking(tokenizers[0]);
    await expect(answer(writer, 'a', { settings: {}, suffix: 'b' })).rejects.toMatchObject({
      code: 'model-unsupported',
      message: expect.stringMatching(
        /^\/models\/own cannot write what belongs between .* no tokens for fill-in-the-middle/,
      ),
    });
  });
});
