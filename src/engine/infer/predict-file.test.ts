import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LuthierError } from '../../protocol/index.ts';
import { predictFile, type RowAnswerer, rowsOfWriter } from './predict-file.ts';
import type { Writer } from './writer.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-predict-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const shouting: RowAnswerer = {
  reads: { kind: 'prompts' },
  answer: async (texts, { onProgress }) =>
    texts.map(({ text }, i) => {
      onProgress(i + 1);
      return { generated_text: `${text.toUpperCase()}, "yes"` };
    }),
};

async function predicted(name: string, content: string, model = shouting) {
  await writeFile(join(folder, name), content);
  const seen: number[] = [];
  const result = await predictFile(model, {
    ...{ file: join(folder, name), out: join(folder, `out-${name}`) },
    onProgress: (done) => void seen.push(done),
  });
  return { ...result, seen, written: await readFile(join(folder, `out-${name}`), 'utf8') };
}

it('writes a delimited file with its own delimiter and a column more', async () => {
  const { written, from, columns, seen } = await predicted('a.csv', 'id;prompt;text\n1;"one; two";x\n2;three;y\n');
  expect(written).toBe(
    'id;prompt;text;generated_text\n1;"one; two";x;"ONE; TWO, ""yes"""\n2;three;y;"THREE, ""yes"""\n',
  );
  expect([from, columns, seen]).toEqual([['prompt'], ['generated_text'], [1, 2]]);
});

it('refuses lists of messages as prompts, though no other column is there', async () => {
  const conversation = { messages: [{ role: 'user', content: 'Hi' }] };
  await expect(predicted('talks.jsonl', `${JSON.stringify(conversation)}\n`)).rejects.toMatchObject({
    message: 'talks.jsonl: none of the columns “messages” looks like text.',
    hint: 'Call the column of texts “prompt”. With luthier generate, --text-column names it.',
  });
});

it('writes other files as JSON Lines, lines of text too, and keeps a column that is there', async () => {
  const { written, columns } = await predicted('a.jsonl', '{"text":"one","generated_text":"old"}\n');
  expect(JSON.parse(written)).toEqual({ text: 'one', generated_text: 'old', generated_text_2: 'ONE, "yes"' });
  expect(columns).toEqual(['generated_text_2']);
  const lines = await predicted('a.txt', 'one\ntwo\n');
  expect(
    lines.written
      .split('\n')
      .slice(0, 2)
      .map((line) => JSON.parse(line).generated_text),
  ).toEqual([...['ONE, "yes"', 'TWO, "yes"']]);
});

it('leaves objects of JSON as they are written, whatever stands in them', async () => {
  const rows = [
    '{"text":"one","n":1.0,"big":12345678901234567890,"far":1e400,"is":true,"none":null}',
    '{ "text": "two", "n": -0, "nested": {"b": [1, 2.50, {"1": "x"}], "a": null}, "list": [] , "😀\\u00e9": "\\ud83d" }',
    // Two values of a key, and one that is named like what is written.
    '{"text":"three","n":1,"n":2,"prediction":3.0,"__proto__":{"a":1}}',
  ];
  const predicting: RowAnswerer = {
    reads: { kind: 'texts' },
    answer: async (texts) =>
      texts.map((_, i) => ({ prediction: ['a', 0.25, [{ entity: 'X' }]][i]!, ...(i === 0 && { score: 1 }) })),
  };
  const answers = [',"prediction_2":"a","score":1}', ',"prediction_2":0.25}', ',"prediction_2":[{"entity":"X"}]}'];
  const expected = rows.map((row, i) => `${row.slice(0, -1).trimEnd()}${answers[i]}\n`).join('');
  const lines = await predicted('own.jsonl', `\ufeff${rows.join('\r\n')}\r\n\n`, predicting);
  expect(lines.written).toBe(expected);
  // What is written says the same as what was read, and the answer.
  for (const [i, line] of expected.trim().split('\n').entries())
    expect(JSON.parse(line)).toMatchObject(JSON.parse(rows[i]!) as object);
  // The elements of an array, of which several share a line.
  const array = await predicted('own.json', `[${rows.join(',')}\n]`, predicting);
  expect(array.written).toBe(expected);
  const spread = await predicted('spread.json', '[\n  {\n    "text": "a\\nb",\r\n    "n": 1.50\n  }\n]\n');
  expect(spread.written).toBe('{ "text": "a\\nb", "n": 1.50,"generated_text":"A\\nB, \\"yes\\""}\n');
});

it('answers rows with a cell too many or too few in their places, and says which they are and what was done', async () => {
  const ragged = 'text,label\nmy money back,refund\nit crashes, every day,bug\nwhere is it\nall is well,none\n';
  const { written, warnings, from } = await predicted('ragged.csv', ragged);
  expect(written.split('\n').map((line) => line.split(',').slice(0, 3).join())).toEqual([
    'text,label,generated_text',
    'my money back,refund,"MY MONEY BACK',
    'it crashes," every day","IT CRASHES',
    'where is it,,"WHERE IS IT',
    'all is well,none,"ALL IS WELL',
    '',
  ]);
  expect(warnings).toEqual([
    '2 rows do not have 2 cells like the header (lines 3 and 4; line 3 has 3). Put quotes around cells that contain the delimiter, or fill in missing cells. These rows are answered all the same, from the cell in the column that is read, which may be a part of the text or something else: check their answers.',
    'Cells beyond the last column are not written (line 3).',
  ]);
  const table = await predicted('rows.md', '| text | n |\n|---|---|\n| a b | 1 |\n| c | d | 2 |\n| e f | 3 |\n');
  expect(table.warnings).toEqual([
    expect.stringMatching(/^Line 4 has 3 cells.* The row is answered all the same/),
    'Cells beyond the last column are not written (line 4).',
  ]);
  expect(table.written.split('\n').map((line) => line && JSON.parse(line).generated_text[0])).toEqual([
    ...['A', 'C', 'E', ''],
  ]);
  // What stands in wrong columns has no say in which one is read.
  const long = 'it went on and on, for hours and hours of it';
  const named = await predicted('long.csv', `what,n\nshort one,1\nshort too,2\n${`1,${long},x\n`.repeat(2)}`);
  expect([from, named.from]).toEqual([['text'], ['what']]);
});

it('leaves out lines of JSON that cannot be read, and answers the others in their places', async () => {
  const { written, warnings } = await predicted(
    'torn.jsonl',
    '{"text":"one","n":1}\n{"text":"tw\n{}\n{"text":"three"}\n',
  );
  expect(written).toBe(
    '{"text":"one","n":1,"generated_text":"ONE, \\"yes\\""}\n{"generated_text":", \\"yes\\""}\n{"text":"three","generated_text":"THREE, \\"yes\\""}\n',
  );
  expect(warnings.join()).toMatch(/Not valid JSON on line 2.* What cannot be read has no answer\./);
});

it('reads the longest texts where no column has a usual name, and both columns of a pair or none', async () => {
  const { from } = await predicted('b.csv', 'n,question\n1,what is it?\n2,where is it?\n');
  expect(from).toEqual(['question']);
  const pairs: RowAnswerer = { ...shouting, reads: { kind: 'texts', inputs: ['premise', 'hypothesis'] } };
  await expect(predicted('c.csv', 'premise,label\na b,c\nd e,f\n', pairs)).rejects.toThrow(
    'The model was trained on pairs of texts (“premise” and “hypothesis”), but c.csv has no column for the second text.',
  );
  const lines = await predicted('c.txt', 'one\ttwo\nthree ||| four\n', {
    ...pairs,
    answer: async (texts) => texts.map(({ text, text_pair }) => ({ prediction: `${text}/${text_pair}` })),
  });
  expect(lines.written.match(/"prediction":"[^"]*"/g)).toEqual(['"prediction":"one/two"', '"prediction":"three/four"']);
});

it('writes nothing where it fails', async () => {
  const failing = { ...shouting, answer: () => Promise.reject(new Error('no')) };
  await expect(predicted('d.csv', 'text,n\na,1\nb,2\n', failing)).rejects.toThrow('no');
  await expect(readFile(join(folder, 'out-d.csv'))).rejects.toThrow('ENOENT');
});

it('writes the rows that were answered before it was cancelled, without the one at work, and nothing where there is none', async () => {
  const file = join(folder, 'asked.csv');
  await writeFile(file, 'prompt,n\none,1\ntwo,2\nthree,3\nfour,4\n');
  const until = async (rows: number) => {
    const abort = new AbortController();
    const asked: string[] = [];
    const writer = {
      positions: 8,
      write: async (text: string) => {
        if (asked.push(text) <= rows) return { generated_text: `${text}!`, finish_reason: 'length' };
        abort.abort();
        return { generated_text: 'tw', finish_reason: 'cancelled' };
      },
    } as unknown as Writer;
    const answers = rowsOfWriter(writer, { max_new_tokens: 5 }, false);
    const out = join(folder, `asked-${rows}.csv`);
    const ended = await predictFile(answers, { file, out, signal: abort.signal }).catch((error: unknown) => error);
    return { ended, asked, written: await readFile(out, 'utf8').catch(() => null) };
  };
  expect(await until(2)).toEqual({
    ended: {
      ...{ rows: 2, of: 4, path: join(folder, 'asked-2.csv'), from: ['prompt'], columns: ['generated_text'] },
      warnings: ['2 rows (lines 2 and 3): The answer is cut off after 5 tokens.'],
    },
    asked: ['one', 'two', 'three'],
    written: 'prompt,n,generated_text\none,1,one!\ntwo,2,two!\n',
  });
  expect(await until(0)).toMatchObject({ ended: { code: 'cancelled' }, asked: ['one'], written: null });
  expect((await until(4)).ended).toMatchObject({ rows: 4, of: 4 });
});

it('asks for no further row once it is cancelled between two', async () => {
  const abort = new AbortController();
  const asked: string[] = [];
  const writer = {
    positions: 8,
    write: async (text: string) => {
      asked.push(text);
      abort.abort();
      return { generated_text: text, finish_reason: 'end' };
    },
  } as unknown as Writer;
  await writeFile(join(folder, 'lines.jsonl'), '{"prompt":"one"}\n{"prompt":"two"}\n');
  const out = join(folder, 'out.jsonl');
  const paths = { file: join(folder, 'lines.jsonl'), out };
  const done = await predictFile(rowsOfWriter(writer, {}, false), { ...paths, signal: abort.signal });
  expect([done.rows, done.of, asked]).toEqual([1, 2, ['one']]);
  expect(await readFile(out, 'utf8')).toBe('{"prompt":"one","generated_text":"one"}\n');
});

it('names the row whose prompt a model refuses', async () => {
  const writer = {
    positions: 8,
    write: async (text: string) => {
      if (text === 'long') throw new LuthierError('usage', 'The prompt has 9 tokens.', 'Shorten the prompt.');
      return { generated_text: text, finish_reason: 'end' };
    },
  } as unknown as Writer;
  const answers = rowsOfWriter(writer, {}, false);
  const asked = [{ text: 'a' }, { text: 'long' }];
  await expect(answers.answer(asked, { onProgress: () => {} })).rejects.toMatchObject({
    ...{ code: 'usage', message: 'Row 2: The prompt has 9 tokens.', hint: 'Shorten the prompt.' },
  });
  await expect(predicted('long.csv', 'text,n\n"of\ntwo lines",1\nlong,2\n', answers)).rejects.toThrow(
    'long.csv, line 4: The prompt has 9 tokens.',
  );
});

it('says what is odd about the file, and counts what is to be said of answers', async () => {
  const told: string[] = [];
  const note = (_: string, message: string) => void told.push(message);
  const writer = {
    positions: 8,
    write: async (text: string) => ({
      generated_text: text,
      finish_reason: { a: 'end', d: 'length' }[text] ?? 'positions',
    }),
  } as unknown as Writer;
  const file = join(folder, 'odd.csv');
  await writeFile(file, Buffer.from('text,n\na,1\nb,2,spilled\nc,caf\xe9\nd,4\n', 'latin1'));
  await predictFile(rowsOfWriter(writer, { max_new_tokens: 9 }, false), { file, out: join(folder, 'out.csv'), note });
  expect(told.slice(-2)).toEqual([
    '1 row (line 5): The answer is cut off after 9 tokens.',
    'Cells beyond the last column are not written (line 3).',
  ]);
  expect(told.slice(0, -2)).toEqual([
    expect.stringMatching(/^The file is not UTF-8; it is read as windows-1252/),
    expect.stringMatching(
      /^Line 3 has 3 cells, but the header has 2.* The row is answered all the same, .*: check its answer\.$/,
    ),
    '2 rows (lines 3 and 4): The answer ends where the model’s 8 positions end.',
  ]);
});

it('says where there is no text, of rows and of lines, and answers them in their places', async () => {
  const told: string[] = [];
  const answered = async (name: string, content: string) => {
    const file = join(folder, name);
    await writeFile(file, content);
    const out = join(folder, `out-${name}`);
    const { rows } = await predictFile(shouting, { file, out, note: (_, message) => void told.push(message) });
    return rows;
  };
  expect(await answered('rows.csv', 'text,n\na,1\n,2\nb,3\n" ",4\n')).toBe(4);
  expect(await answered('lines.txt', 'a\n\nb\n')).toBe(3);
  expect(told).toEqual(['2 rows have no text (lines 3 and 5).', '1 line has no text (line 2).']);
});

it('reads the words of CoNLL’s sentences and of lists, and keeps lists as such', async () => {
  const tagging: RowAnswerer = {
    reads: { kind: 'words', inputs: ['text'] },
    answer: async (texts) =>
      texts.map(({ text }) => ({ prediction: [{ entity: 'PER', text: text.split(' ')[0]!, start: 0, end: 1 }] })),
  };
  const conll = await predicted('a.conll', 'Ada B-PER\nsings O\n\nBob B-PER\n', tagging);
  expect(conll.from).toEqual(['tokens']);
  expect(
    conll.written
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    {
      ...{ tokens: ['Ada', 'sings'], tags: ['B-PER', 'O'] },
      prediction: [{ entity: 'PER', text: 'Ada', start: 0, end: 1 }],
    },
    { tokens: ['Bob'], tags: ['B-PER'], prediction: [{ entity: 'PER', text: 'Bob', start: 0, end: 1 }] },
  ]);
  // What has no tag can be read all the same, and no word of a sentence is lost.
  const bare = await predicted('bare.conll', 'Ada B-PER\nsings\n\nBob\nleft\n', tagging);
  const read = bare.written.trim().split('\n');
  expect(read.map((line) => JSON.parse(line).tokens)).toEqual([
    ['Ada', 'sings'],
    ['Bob', 'left'],
  ]);
  const lists = await predicted('b.jsonl', '{"id":1,"words":["Ada","sings"]}\n{"id":2,"words":["Bob"]}\n', tagging);
  expect(lists.from).toEqual(['words']);
  expect(JSON.parse(lists.written.split('\n')[0]!)).toMatchObject({ words: ['Ada', 'sings'] });
  // A table of texts will do, too.
  expect((await predicted('c.csv', 'text,n\nAda sings,1\nBob does,2\n', tagging)).written).toMatch(
    /^text,n,prediction\nAda sings,1,"\[\{""entity"":""PER""/,
  );
});

it('quotes as the file is written: tab-separated cells only where they must be', async () => {
  const { written } = await predicted('a.tsv', 'text\tn\nsays "no"\t1\nas ever\t2\n');
  expect(written).toBe('text\tn\tgenerated_text\nsays "no"\t1\tSAYS "NO", "yes"\nas ever\t2\tAS EVER, "yes"\n');
});

it('leaves a cell empty where an answer lacks what others have', async () => {
  const masked: RowAnswerer = {
    reads: { kind: 'texts' },
    answer: async (texts) =>
      texts.map(({ text }) => (text.includes('both') ? { prediction: 'a; b' } : { prediction: 'a', score: 0.5 })),
  };
  const { written, columns } = await predicted('m.csv', 'text,n\nboth of them,1\none of them,2\n', masked);
  expect(columns).toEqual(['prediction', 'score']);
  expect(written).toBe('text,n,prediction,score\nboth of them,1,a; b,\none of them,2,a,0.5\n');
  const lines = await predicted('m.jsonl', '{"text":"one"}\n{"text":"both"}\n', masked);
  expect(
    lines.written
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { text: 'one', prediction: 'a', score: 0.5 },
    { text: 'both', prediction: 'a; b' },
  ]);
});
