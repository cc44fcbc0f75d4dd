import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Tokenizer } from '../../text/tokenizer.ts';
import { segmentsOf } from '../language/items.ts';
import { IGNORED } from '../task.ts';
import { encodeConversations } from './encode.ts';
import type { Conversation } from './rows.ts';
import type { Message } from './turns.ts';

const STARTER = join(import.meta.dirname, '../../../../starters/decoder');
const conversation = (...messages: Message[]): Conversation => ({ file: '/data/chat.jsonl', line: 7, messages });
const system: Message = { role: 'system', content: 'Be brief.' };
const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });

describe('encodeConversations', () => {
  let tokenizer: Tokenizer;
  let folder: string;
  beforeAll(async () => {
    tokenizer = await Tokenizer.load(STARTER);
    folder = await mkdtemp(join(tmpdir(), 'luthier-chat-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('learns the answers, each with the token that ends it, and nothing else', () => {
    const rows = [conversation(system, user('Hi'), assistant('Hello there.'), user('Open?'), assistant('9 to 5.'))];
    const { items, notes, truncatedRows } = encodeConversations(rows, tokenizer, 128);
    const [item] = items;
    expect(segmentsOf(item!, tokenizer)).toEqual([
      {
        text: '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
        learnt: false,
      },
      { text: 'Hello there.<|im_end|>', learnt: true },
      { text: '\n<|im_start|>user\nOpen?<|im_end|>\n<|im_start|>assistant\n', learnt: false },
      { text: '9 to 5.<|im_end|>', learnt: true },
      // The template ends with a line's end, which is not learnt.
      ...[{ text: '\n', learnt: false }],
    ]);
    // The label of a token is the next one's id.
    const learnt = [...item!.labels.entries()].filter(([, label]) => label !== IGNORED);
    expect(learnt.every(([i, label]) => item!.ids[i + 1] === label)).toBe(true);
    expect(item!.bytes).toBe('Hello there.<|im_end|>\n9 to 5.<|im_end|>\n'.length);
    expect({ notes, truncatedRows }).toEqual({ notes: [], truncatedRows: 0 });
  });

  it('does not learn an answer that is context', () => {
    const opening: Message = { ...assistant('Welcome!'), learns: false };
    const { items } = encodeConversations([conversation(opening, user('Hi'), assistant('Yes?'))], tokenizer, 128);
    expect(segmentsOf(items[0]!, tokenizer).filter(({ learnt }) => learnt)).toEqual([
      { text: 'Yes?<|im_end|>', learnt: true },
    ]);
  });

  it('cuts the oldest messages first and keeps the system’s', () => {
    const long = 'word '.repeat(40).trim();
    const rows = [conversation(system, user(long), assistant('First.'), user('Second?'), assistant('Second.'))];
    const { items, truncatedRows } = encodeConversations(rows, tokenizer, 48);
    expect(truncatedRows).toBe(1);
    expect(items[0]!.cut).toEqual({ messages: 2, tokens: 0 });
    const text = segmentsOf(items[0]!, tokenizer)
      .map((segment) => segment.text)
      .join('');
    expect(text).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nSecond?<|im_end|>\n<|im_start|>assistant\nSecond.<|im_end|>\n',
    );
  });

  it('leaves out what has nothing to learn within max_length, and refuses where that is all', () => {
    const long = conversation(user('word '.repeat(200)), assistant('Yes.'));
    const short = { ...conversation(user('Hi'), assistant('Yes.')), line: 9 };
    const { items, notes } = encodeConversations([long, short], tokenizer, 64);
    expect(items.map(({ row }) => row)).toEqual([1]);
    expect(notes).toEqual([
      {
        level: 'warning',
        message:
          '1 conversation is left out (chat.jsonl, line 7): no token of an answer is left within 64 tokens (max_length).',
      },
    ]);
    expect(() => encodeConversations([long, long], tokenizer, 64)).toThrow(
      'None of the 2 conversations has a token of an answer left within 64 tokens (max_length).',
    );
  });

  it('names the lines of all that have nothing to learn, and learns something of each that is left (field N07)', () => {
    const at = (line: number, text: string) => ({ ...conversation(user(text), assistant('short answer')), line });
    const rows = [...[1, 2, 3, 4, 5, 6].map((line) => at(line, 'word '.repeat(900).trim())), at(7, 'q')];
    const { items, notes } = encodeConversations(rows, tokenizer, 128);
    expect(items.map(({ row }) => row)).toEqual([6]);
    expect(items.every(({ labels }) => labels.some((label) => label !== IGNORED))).toBe(true);
    expect(notes?.map(({ message }) => message)).toEqual([
      '6 conversations are left out (chat.jsonl, lines 1, 2, 3, 4, 5 and 1 more): no token of an answer is left within 128 tokens (max_length).',
    ]);
  });

  it('leaves out what the model’s template refuses, with its reason, and writes one BOS where the template does', async () => {
    for (const name of ['tokenizer.json']) await writeFile(join(folder, name), await readFile(join(STARTER, name)));
    const config = JSON.parse(await readFile(join(STARTER, 'tokenizer_config.json'), 'utf8'));
    const chat_template =
      "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system messages') }}{% endif %}<|{{ m['role'] }}|>{{ m['content'] | trim }}{% if m['role'] == 'assistant' %}{{ eos_token }}{% endif %}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
    await writeFile(
      join(folder, 'tokenizer_config.json'),
      JSON.stringify({ ...config, add_bos_token: true, chat_template }),
    );
    const strict = await Tokenizer.load(folder);
    const rows = [conversation(system, user('Hi'), assistant('Yes.')), conversation(user('Hi'), assistant('Yes.'))];
    const { items, notes } = encodeConversations(rows, strict, 64);
    expect(items.map(({ row }) => row)).toEqual([1]);
    expect(notes?.map(({ message }) => message).join('\n')).toMatch(
      /1 conversation is left out \(chat\.jsonl, line 7\).*no system messages/,
    );
    const bos = strict.idOf('<|im_start|>')!;
    expect([...items[0]!.ids].filter((id) => id === bos)).toHaveLength(1);
    expect(items[0]!.ids[0]).toBe(bos);
    expect(segmentsOf(items[0]!, strict).find(({ learnt }) => learnt)?.text).toBe('Yes.<|im_end|>');
  });
});
