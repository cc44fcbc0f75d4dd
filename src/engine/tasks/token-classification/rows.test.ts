import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Columns, DatasetReference } from '../../../protocol/index.ts';
import { type LoadOptions, loadDataset } from '../../data/dataset.ts';
import { Problems } from '../../data/problems.ts';
import { readTable } from '../../data/read.ts';
import { problemsBeside } from '../../data/table.ts';
import { understand } from '../../data/understand.ts';
import { TAGGED } from './rows.ts';

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
