import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LuthierError } from '../../../protocol/index.ts';
import { loadDataset } from '../../data/dataset.ts';
import { inspectData } from '../../data/inspect.ts';
import { partsOf } from '../../data/plain-text.ts';
import { hashDataset } from '../../runs/data-hash.ts';
import { CONVERSATIONS } from '../conversational/rows.ts';
import { allTasks } from '../registry.ts';
import { PASSAGES } from '../text-generation/rows.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-language-'));
});
afterAll(() => rm(place, { recursive: true, force: true }));

async function written(name: string, content: string): Promise<string> {
  const file = join(place, name);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, content);
  return file;
}

const whole = { validation_split: 0, seed: 1 };
const inspect = (file: string) => inspectData({ file }, allTasks);
const lines = (rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const told = (problems: readonly { message: string }[]) => problems.map(({ message }) => message);

describe('conversations', () => {
  it('of ShareGPT are recognised; what cannot be learnt from is left out with its line (field N01)', async () => {
    const turn = (from: string, value: string) => ({ from, value });
    const file = await written(
      'sharegpt.jsonl',
      lines([
        { conversations: [turn('human', 'Where is it?'), turn('gpt', 'In the depot.')], id: 1 },
        { conversations: [turn('gpt', 'Welcome!'), turn('human', 'Hi'), turn('gpt', 'Hello.')], id: 2 },
        { conversations: [turn('human', 'Can I pay by invoice?')], id: 3 },
        { conversations: [turn('human', 'Thanks'), turn('gpt', '')], id: 4 },
        { conversations: [turn('humann', 'Thanks'), turn('gpt', 'Bye')], id: 5 },
      ]),
    );
    const summary = await inspect(file);
    expect([summary.task, summary.guess, summary.guess_reason]).toEqual([
      'conversational',
      { messages: 'conversations' },
      'Conversations are in “conversations” (a common name).',
    ]);
    expect(told(summary.problems)).toEqual([
      '1 conversation is left out (line 3): there is no answer of the assistant to learn.',
      '1 conversation is left out (line 4): a message of the assistant has no text. Write its content, or delete the message.',
      '1 conversation is left out (line 5): the role “humann” is unknown; did you mean “human”?',
      '1 conversation (line 2) begins with the assistant: its first message is context and is not learnt.',
      '2 of 5 conversations can be learnt from.',
    ]);
    const { train } = await loadDataset(CONVERSATIONS, file, { base: place, ...whole });
    expect(train.map(({ line }) => line)).toEqual([1, 2]);
  });

  it('of Alpaca have holes that are left out with their places (field N04)', async () => {
    const rows = [
      { instruction: 'Name the capital of Norway.', input: '', output: 'Oslo' },
      { instruction: 'Translate.', input: 'dog' },
      { instruction: 'Add.', input: [2, 3], output: 5 },
      { instruction: 'Count.', input: 'a a', output: 2 },
      { instruction: 'Sum up.', input: null, output: { summary: 'short' } },
      { instruction: '', input: 'Only an input', output: 'x' },
    ];
    const file = await written('alpaca.json', JSON.stringify(rows, null, 1));
    const summary = await inspect(file);
    expect(summary.task).toBe('conversational');
    expect(told(summary.problems)).toEqual([
      '1 row is left out (line 7): “output” is empty.',
      '1 row is left out (line 11): “input” contains a list, not a text.',
      '1 row is left out (line 24): “output” contains an object, not a text.',
      '3 of 6 conversations can be learnt from.',
    ]);
    const { train } = await loadDataset(CONVERSATIONS, file, { base: place, ...whole });
    expect(train.map(({ messages }) => messages.map(({ content }) => content))).toEqual([
      ['Name the capital of Norway.', 'Oslo'],
      ['Count.\n\na a', '2'],
      ['Only an input', 'x'],
    ]);
  });

  it('with content that is null or parts never become “null” or JSON (field N03)', async () => {
    const calls = { role: 'assistant', content: null, tool_calls: [{ id: 'c1' }] };
    const parts = [
      { type: 'text', text: 'Hello' },
      { type: 'image_url', image_url: { url: 'x.png' } },
    ];
    const file = await written(
      'parts.jsonl',
      lines([
        { messages: [{ role: 'user', content: 'Weather?' }, calls, { role: 'assistant', content: '12 degrees.' }] },
        {
          messages: [
            { role: 'user', content: parts },
            { role: 'assistant', content: 'Hello!' },
          ],
        },
      ]),
    );
    const { train, problems } = await loadDataset(CONVERSATIONS, file, { base: place, ...whole });
    expect(train.map((row) => CONVERSATIONS.text(row))).toEqual(['user: Hello\nassistant: Hello!']);
    expect(told(problems)).toEqual([
      '1 conversation is left out (line 1): a tool call is not written as in OpenAI’s files: tool_calls with a function’s name and arguments in a message of the assistant, then a message of the role tool for each.',
      '1 message part of type “image_url” is not read (line 2): the model reads text alone.',
      '1 of 2 conversations can be learnt from.',
    ]);
  });

  it('are refused where a table has none, or none can be learnt from', async () => {
    const other = await written('other.csv', 'text,label\na b c,x\nd e f,y\n');
    await expect(loadDataset(CONVERSATIONS, other, { base: place, ...whole })).rejects.toThrow(
      'other.csv has no column of conversations.',
    );
    await expect(loadDataset(CONVERSATIONS, other, { base: place, ...whole })).rejects.toMatchObject({
      hint: expect.stringMatching(
        /The task text-classification reads “text” and “label”: "task": "text-classification" /,
      ),
    });
    const unanswered = { messages: [{ role: 'user', content: 'Hi' }] };
    const open = await written('open.jsonl', lines([unanswered, unanswered]));
    await expect(loadDataset(CONVERSATIONS, open, { base: place, ...whole })).rejects.toThrow(
      'open.jsonl: 0 of 2 conversations can be learnt from.',
    );
    // A text that is called so is none.
    const named = await written('named.csv', 'conversation,label\nhello you,x\nbye you,y\n');
    expect((await inspect(named)).task).toBe('text-classification');
  });

  it.each(allTasks.filter(({ name }) => name !== 'conversational'))(
    'are said to be read by their own task where $name is asked to read them',
    async (kind) => {
      const file = await written('talks.jsonl', lines([{ messages: [{ role: 'user', content: 'Hi' }] }]));
      const error = await loadDataset(kind, file, { base: place, ...whole }).catch((thrown: unknown) => thrown);
      const { message, hint } = error as LuthierError;
      expect(`${message} ${hint}`).toContain(
        'The task conversational reads “messages”: "task": "conversational" in a recipe, --task conversational in luthier data inspect.',
      );
      expect(`${message} ${hint}`).not.toContain('none');
      if (kind.name === 'token-classification')
        expect(hint).toContain('or --tokens-column and --tags-column of luthier');
      const empty = await written('empty.jsonl', '');
      await expect(loadDataset(kind, empty, { base: place, ...whole })).rejects.toMatchObject({
        message: 'empty.jsonl is empty.',
        hint: 'Write one object for each row, such as {"text": "…", "label": "…"}.',
      });
    },
  );

  it('that are in training and validation alike are kept out of validation', async () => {
    const row = (text: string) => ({
      messages: [
        { role: 'user', content: text },
        { role: 'assistant', content: 'Yes.' },
      ],
    });
    const train = await written('train.jsonl', lines(['a', 'b', 'c'].map(row)));
    const validation = await written('validation.jsonl', lines(['c', 'd'].map(row)));
    const data = await loadDataset(CONVERSATIONS, { train, validation }, { base: place, ...whole });
    expect(data.validation.map(({ messages }) => messages[0]!.content)).toEqual(['d']);
  });
});

describe('texts', () => {
  it('with prompts are recognised, their completions alone learnt (field N23)', async () => {
    const file = await written(
      'completion.jsonl',
      lines([
        { prompt: 'Q: The box arrived wet', completion: ' shipping' },
        { prompt: 'Q: I cannot sign in', completion: 'login' },
      ]),
    );
    const summary = await inspect(file);
    expect([summary.task, summary.guess_reason]).toEqual([
      'text-generation',
      'The prompt is “prompt” (a common name), the completion “completion” (a common name); the completion alone is learnt.',
    ]);
    expect(told(summary.problems)).toEqual([
      'In 1 row the completion follows its prompt without a blank. Begin completions with one where a new word begins.',
    ]);
  });

  it('whose prompt is empty are told, with their lines', async () => {
    const file = await written('empty.csv', 'prompt,completion\nQ: one," yes"\n," no"\n  ," maybe"\n');
    const { train, problems } = await loadDataset(PASSAGES, file, { base: place, ...whole });
    expect(train.map(({ prompt, text }) => [prompt, text])).toEqual([
      ['Q: one', ' yes'],
      ['', ' no'],
      ['  ', ' maybe'],
    ]);
    expect(told(problems)).toEqual([
      'In 2 rows (lines 3 and 4) “prompt” is empty: the completion is learnt as a text of its own.',
    ]);
  });

  it('of a column keep strange strings as they are (field N20)', async () => {
    const bodies = ['datetime: timestamp[s]', 'line\u2028separator\u0085and', '{"role": "user"}', '2024-05-01'];
    const file = await written(
      'strange.jsonl',
      `\ufeff${lines(bodies.map((body, id) => ({ id, body, label: 'bug' })))}\n`,
    );
    const { train, problems } = await loadDataset(PASSAGES, file, { base: place, ...whole });
    expect(train.map(({ text }) => text)).toEqual(bodies);
    expect(told(problems)).toEqual(['The model does not see the column “label”.']);
  });

  it('of a file are cut at blank lines, and nothing is lost', async () => {
    const paragraph = `${'A sentence of some length, again and again. '.repeat(20).trim()}\n`;
    const text = `${Array.from({ length: 8 }, (_, i) => `${i} ${paragraph}`).join('\n')}<|endoftext|>\nAnother text.\n`;
    const parts = partsOf(text);
    expect(parts.map(({ part }) => part)).toEqual(['first', 'middle', 'last', 'whole']);
    expect(parts.map((one) => one.text).join('')).toBe(text.replace('<|endoftext|>\n', ''));
    expect(parts.map(({ line }) => line)).toEqual([1, 7, 13, 17]);
    const file = await written('book.txt', text);
    const { train } = await loadDataset(PASSAGES, file, { base: place, ...whole });
    expect(train.map(({ line, isStart, isEnd }) => [line, isStart, isEnd])).toEqual([
      [1, true, false],
      [7, false, false],
      [13, false, true],
      [17, true, true],
    ]);
  });

  it('of a folder are its files, named each; what is no text is left out and told', async () => {
    await written('folder/b.md', '# B\n');
    await written('folder/sub/a.txt', 'A\n');
    await written('folder/.git/config', 'hidden\n');
    await written('folder/rows.csv', 'text\nx\n');
    await writeFile(join(place, 'folder/picture.png'), Buffer.from([137, 80, 78, 71, 0, 0, 1]));
    const folder = join(place, 'folder');
    const { train, problems } = await loadDataset(PASSAGES, folder, { base: place, ...whole });
    expect(train.map(({ file, line, text }) => [basename(file), line, text])).toEqual([
      ['b.md', 1, '# B\n'],
      ['a.txt', 1, 'A\n'],
    ]);
    expect(told(problems)).toEqual([
      '“picture.png” is left out: it is no text in a known encoding.',
      '“rows.csv” is left out: it is a table: name it as the dataset to use its rows.',
    ]);
    expect((await inspect(folder)).task).toBe('text-generation');
    const before = await hashDataset(folder);
    await written('folder/sub/a.txt', 'B\n');
    expect(await hashDataset(folder)).not.toBe(before);
  });
});
