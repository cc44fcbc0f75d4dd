import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Columns, DatasetReference } from '../../../protocol/index.ts';
import { type LoadOptions, loadDataset } from '../../data/dataset.ts';
import { inspectData } from '../../data/inspect.ts';
import { LABELLED } from '../../data/labelled.ts';
import { Problems } from '../../data/problems.ts';
import { readTable } from '../../data/read.ts';
import { createDataset } from '../../data/store.ts';
import { problemsBeside } from '../../data/table.ts';
import { understand } from '../../data/understand.ts';
import { allTasks } from '../registry.ts';
import { TAGGED } from './rows.ts';
import { tokenClassification } from './task.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-tags-'));
});
afterAll(() => rm(place, { recursive: true }));

const written = async (name: string, text: string): Promise<string> => {
  await writeFile(join(place, name), text);
  return join(place, name);
};

const loadSentences = (reference: DatasetReference, options: LoadOptions) => loadDataset(TAGGED, reference, options);

async function readSentences(file: string, { columns: given = {} }: { columns?: Columns }) {
  const table = await readTable({ file }, { task: 'token-classification' });
  const found = new Problems();
  const { rows, columns, reason } = await understand(TAGGED, table, { file, given, problems: found });
  return { sentences: rows, reason, problems: [...problemsBeside(table, columns), ...found.list()] };
}

it('reads CoNLL: first and last column, blank lines, documents and comments between sentences, Windows’ line ends', async () => {
  const text =
    '-DOCSTART- -X- -X- O\r\n\r\nAna NNP B-NP B-PER\r\nleft VBD B-VP O\r\n\r\n# id 2\r\n# O O O\r\nOslo NNP B-NP B-LOC\r\n\r\n\r\n';
  const { sentences, problems, reason } = await readSentences(await written('a.conll', text), {});
  expect(problems).toEqual([]);
  expect(reason).toBe(
    'The words are “tokens” (each line’s first column) and the tags are “tags” (each line’s last of 4 columns).',
  );
  expect(sentences.map(({ line, words, tags }) => [line, words, tags])).toEqual([
    [3, ['Ana', 'left'], ['B-PER', 'O']],
    [7, ['#', 'Oslo'], ['O', 'B-LOC']],
  ]);
});

it('divides by tabs where there are any, so that a word may hold a blank', async () => {
  const { sentences } = await readSentences(await written('tabs.tsv', 'New York\tB-LOC\n.\tO\n'), {});
  expect(sentences[0]!.words).toEqual(['New York', '.']);
});

it('a word without a tag is an error with its line', async () => {
  const file = await written('single.conll', 'Ana B-PER\nleft\n\nOslo B-LOC\n');
  await expect(loadSentences(file, { base: place, validation_split: 0, seed: 1 })).rejects.toThrow(
    'single.conll: 1 line (line 2) has a word without a tag.',
  );
  const { rows, broken_rows, classes } = await inspectData({ file }, allTasks);
  expect([rows, broken_rows, classes]).toEqual([1, 1, [{ label: 'B-LOC', count: 1 }]]);
});

it('a sentence none of whose words has a tag counts among the broken, wherever it stands', async () => {
  const counted = async (name: string, text: string) => {
    const { rows, broken_rows, classes, problems } = await inspectData({ file: await written(name, text) }, allTasks);
    return [rows, broken_rows, classes, problems.find(({ code }) => code === 'no-tag')?.message];
  };
  const [two, one] = ['Ana B-PER\nleft O\n', 'Oslo B-LOC\n'];
  const classes = [
    { label: 'B-LOC', count: 1 },
    { label: 'B-PER', count: 1 },
  ];
  expect(await counted('middle.conll', `${two}\nBo\nwent\n\n${one}`)).toEqual([
    ...[2, 1, expect.arrayContaining(classes)],
    '2 lines (lines 4 and 5) have a word without a tag.',
  ]);
  expect((await counted('first.conll', `Bo\n\n${two}\n${one}`)).slice(0, 2)).toEqual([2, 1]);
  expect((await counted('last.conll', `${two}\n${one}\nBo\n`)).slice(0, 2)).toEqual([2, 1]);
  expect((await counted('all.conll', 'Bo\nwent\n\nEva\n')).slice(0, 2)).toEqual([0, 2]);
});

it('reads JSON Lines with tags as text, and as numbers that dataset_info.json names', async () => {
  const plain = await written(
    'plain.jsonl',
    '{"id": 1, "tokens": ["Ana", "left"], "ner_tags": ["B-PER", "O"]}\n'.repeat(2),
  );
  expect((await readSentences(plain, {})).sentences[0]).toMatchObject({ words: ['Ana', 'left'], tags: ['B-PER', 'O'] });
  const numbered = await written('numbers.jsonl', '{"tokens": ["Ana", "left"], "tags": [1, 0]}\n'.repeat(2));
  expect((await readSentences(numbered, {})).problems[0]!.message).toContain('nothing says which tags they stand for');
  await written('dataset_info.json', '{"features": {"tags": {"feature": {"names": ["O", "B-PER"]}}}}');
  expect((await readSentences(numbered, {})).sentences[0]!.tags).toEqual(['B-PER', 'O']);
});

it('lists of two lengths, and what is no list, are errors with their lines', async () => {
  const file = await written(
    'odd.jsonl',
    '{"tokens": ["a"], "tags": ["O", "O"]}\n{"tokens": "a b", "tags": ["O", "O"]}\n',
  );
  const { problems } = await readSentences(file, {});
  expect(problems.map(({ severity, line, message }) => [severity, line, message])).toEqual([
    ['error', 1, 'The row on line 1 has 1 word and 2 tags; each word needs one.'],
    ['error', 2, '“tokens” on line 2 is not a list.'],
  ]);
});

it('holds out sentences by their first type, never one on two sides, and orders tags whatever the rows’ order', async () => {
  const sentences = Array.from({ length: 20 }, (_, i) => `w${i % 15} B-${i % 2 ? 'PER' : 'LOC'}\nend O\n`);
  const options = { base: place, validation_split: 0.2, seed: 1 };
  const data = await loadSentences(await written('many.conll', sentences.join('\n')), options);
  expect(data.labels).toEqual(['O', 'B-LOC', 'B-PER']);
  expect(data.train.length + data.validation.length).toBe(20);
  const known = new Set(data.train.map(({ words }) => words.join(' ')));
  expect(data.validation.some(({ words }) => known.has(words.join(' ')))).toBe(false);
  const turned = await loadSentences(await written('turned.conll', sentences.reverse().join('\n')), options);
  expect(turned.labels).toEqual(data.labels);
});

it('keeps the sentences of a group on one side, in one file and between files', async () => {
  const row = (i: number) => JSON.stringify({ tokens: [`w${i}`, 'left'], tags: ['B-PER', 'O'], page: `p${i % 6}` });
  const file = await written('pages.jsonl', Array.from({ length: 60 }, (_, i) => row(i)).join('\n'));
  const options = { base: place, validation_split: 0.3, seed: 1, columns: { group: 'page' } };
  const data = await loadSentences(file, options);
  const sides = [data.train, data.validation].map((part) => new Set(part.map(({ group }) => group)));
  expect(data.validation.length).toBeGreaterThan(0);
  expect(sides[0]!.size + sides[1]!.size).toBe(6);
  const other = await written('other.jsonl', [row(100), row(5).replace('p5', 'p9')].join('\n'));
  const named = await loadSentences({ train: file, validation: other }, options).catch((error: Error) => error.message);
  expect(named).toContain('Every validation sentence has a text or a group of the training sentences');
});

it('a group without a column is refused, not passed over', async () => {
  const file = await written('grouped.conll', 'Ana B-PER\n\nOslo B-LOC\n');
  await expect(readSentences(file, { columns: { group: 'page' } })).rejects.toThrow(
    'has no column “page” for the group',
  );
  const json = await written('grouped.jsonl', '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["b"], "tags": ["O"]}\n');
  await expect(readSentences(json, { columns: { group: 'page' } })).rejects.toThrow('has no column “page”');
});

const DOCUMENTS = Array.from(
  { length: 6 },
  (_, page) =>
    `-DOCSTART- O\n\n${Array.from({ length: 5 }, (_, i) => `Name${page}${i} NNP B-PER\nleft VBD O\nOslo NNP B-LOC\n`).join('\n')}`,
).join('\n');

describe('a CoNLL file is a table like any other', () => {
  it('is recognised by its tags, a table of texts and labels is not', async () => {
    const conll = await inspectData({ file: '/x/names.txt', text: DOCUMENTS }, allTasks);
    expect([conll.task, conll.format, conll.rows, conll.guess]).toEqual([
      'token-classification',
      'conll',
      30,
      { tokens: 'tokens', tags: 'tags' },
    ]);
    expect(conll.columns.map(({ name }) => name)).toEqual(['tokens', 'tags', 'column_2', 'document']);
    expect(conll.classes).toEqual([
      { label: 'O', count: 30 },
      { label: 'B-LOC', count: 30 },
      { label: 'B-PER', count: 30 },
    ]);
    expect(conll.problems).toEqual([]);
    const json = '{"tokens": ["a", "b"], "ner_tags": ["O", "B-X"], "id": "1"}\n'.repeat(2);
    const lists = await inspectData({ file: '/x/names.jsonl', text: json }, allTasks);
    expect([lists.task, lists.guess]).toEqual(['token-classification', { tokens: 'tokens', tags: 'ner_tags' }]);
    const texts = await inspectData({ file: '/x/texts.tsv', text: 'ham\tO\nspam\tI\n\neggs\tO\n' }, allTasks);
    expect(texts.task).toBe('text-classification');
    const given = await inspectData(
      { file: '/x/names.txt', text: DOCUMENTS, task: 'token-classification', columns: { tags: 'column_2' } },
      allTasks,
    );
    expect(given.classes.map(({ label }) => label)).toEqual(['NNP', 'VBD']);
  });

  it('is kept as a dataset with ids, whose split stays when sentences are added', async () => {
    const folder = join(place, 'kept', '.luthier');
    const made = await createDataset(
      { file: 'Untitled-1', text: DOCUMENTS, folder, name: 'names', columns: { group: 'document' } },
      TAGGED,
    );
    expect(made.problems).toEqual([]);
    expect(made.record).toMatchObject({
      task: 'token-classification',
      columns: { tokens: 'tokens', tags: 'tags', group: 'document' },
      rows: 30,
      labels: ['O', 'B-LOC', 'B-PER'],
    });
    const rows = join(made.path, 'rows.jsonl');
    const text = await readFile(rows, 'utf8');
    const { id, ...first } = JSON.parse(text.split('\n')[0]!);
    expect(first).toEqual({ tokens: ['Name00', 'left', 'Oslo'], tags: ['B-PER', 'O', 'B-LOC'], group: '1' });
    expect(id).toMatch(/^[0-9a-f]{12}$/);
    const options = { base: join(place, 'kept'), validation_split: 0.3, seed: 1, keepsSplit: true };
    const before = await loadSentences('names', options);
    expect(new Set(before.train.map(({ group }) => group)).size).toBe(4);
    expect(before.validation.every(({ group }) => before.train.every((row) => row.group !== group))).toBe(true);
    const added = { id: 'new', tokens: ['Ada', 'slept'], tags: ['B-PER', 'O'], group: '7' };
    await writeFile(rows, `${JSON.stringify(added)}\n${text}`);
    const after = await loadSentences('names', options);
    const words = (part: { words: string[] }[]) => part.map((row) => row.words.join(' '));
    expect(words(before.validation).every((row) => words(after.validation).includes(row))).toBe(true);
    expect(words(before.train).every((row) => words(after.train).includes(row))).toBe(true);
    await expect(
      loadDataset(LABELLED, 'names', { base: join(place, 'kept'), validation_split: 0, seed: 1 }),
    ).rejects.toThrow('The dataset “names” was made for token classification, not for text classification.');
  });

  it('a selection takes whole sentences and keeps their lines and documents', async () => {
    const lines = DOCUMENTS.split('\n');
    // From the second word of a sentence of the second document on.
    const start = lines.indexOf('Name11 NNP B-PER') + 2;
    const selection = { text: lines.slice(start - 1, start + 4).join('\n'), full_text: DOCUMENTS, start_line: start };
    const summary = await inspectData({ file: '/x/names.conll', selection }, allTasks);
    expect(summary.rows).toBe(2);
    expect(summary.problems.map(({ code }) => code)).toEqual(['selection-completed']);
    expect(summary.columns.find(({ name }) => name === 'document')!.examples).toEqual(['2']);
  });

  it('says what is odd: repeats, other tags for the same words, spans that begin within, one tag, other columns', async () => {
    const odd = async (text: string) =>
      (await inspectData({ file: '/x/odd.conll', text }, allTasks)).problems.map(({ code, message }) => [
        code,
        message,
      ]);
    expect(await odd('Ana B-PER\nleft O\n\nAna B-PER\nleft O\n\nAna B-LOC\nleft O\n')).toEqual([
      [
        'conflicting-labels',
        'The sentence on line 7 has other tags than the same one on line 1: “Ana” is B-PER on line 1 and B-LOC on line 7. Decide which is right.',
      ],
      ['duplicate-row', 'The sentence on line 4 repeats line 1; both are kept.'],
    ]);
    expect(await odd('Ana B-PER\nleft O\n\nBo B-PER\nOslo I-LOC\n\nCy B-PER\n')).toEqual([
      [
        'open-span',
        '1 sentence (line 4) has a span that begins with I- rather than B-. It is learned as written, and measured as a span of its own.',
      ],
    ]);
    expect((await odd('a O\nb O\n'))[0]![0]).toBe('one-class');
    expect((await odd('a X B-PER\nb O\n\nc X O\n'))[0]).toEqual([
      'ragged-row',
      '1 line (line 2) has another number of columns than the first, which has 3: the last is read as the tag.',
    ]);
  });
});

it.each([
  ['BIO', ['B-PER', 'I-PER', 'O', 'B-LOC', 'B-LOC'], ['PER', 'LOC', 'LOC']],
  ['IOB1', ['I-PER', 'I-PER', 'O', 'I-LOC', 'B-LOC'], ['PER', 'LOC', 'LOC']],
  ['IOBES', ['B-PER', 'E-PER', 'O', 'S-LOC', 'S-LOC'], ['PER', 'LOC', 'LOC']],
  ['no scheme', ['NOUN', 'NOUN', 'VERB', 'O', 'NOUN'], ['NOUN', 'VERB', 'NOUN']],
])('spans of a training row are counted by their type: %s', (_, written, types) => {
  const labels = [...new Set(written)];
  const tags = Int32Array.from(written, (tag) => labels.indexOf(tag));
  const row = { words: written.map((_, i) => `w${i}`), tags, file: 'a.conll', line: 1 };
  expect(tokenClassification.classesIn!(row, labels)).toEqual(types);
});
