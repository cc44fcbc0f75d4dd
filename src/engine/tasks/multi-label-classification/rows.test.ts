import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labelText } from '../../../protocol/index.ts';
import { type LoadOptions, loadDataset, loadEvaluation } from '../../data/dataset.ts';
import { inspectData } from '../../data/inspect.ts';
import { listRows } from '../../data/rows.ts';
import { createDataset } from '../../data/store.ts';
import type { TaskSettings } from '../task.ts';
import { textClassification } from '../text-classification/task.ts';
import { labelSets } from './rows.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-labels-'));
});
afterAll(() => rm(place, { recursive: true }));

const written = async (name: string, text: string): Promise<string> => {
  await writeFile(join(place, name), text);
  return join(place, name);
};

const load = (file: string, how: TaskSettings = {}, options: Partial<LoadOptions> = {}) =>
  loadDataset(labelSets(how), file, { base: place, validation_split: 0, seed: 1, ...options });

const look = async (file: string, how: TaskSettings = {}) => {
  const summary = await inspectData({ file }, [labelSets(how)]);
  return {
    ...summary,
    counts: Object.fromEntries(summary.classes.map(({ label, count }) => [label, count])),
    said: summary.problems.map(({ severity, message }) => `${severity}: ${message}`),
  };
};

const targets = (rows: readonly { targets: Float32Array; line: number }[]) =>
  rows.map(({ line, targets }) => [line, [...targets]]);

describe('a target for each label of the dataset, from', () => {
  it('lists, an empty one and none at all being no label', async () => {
    const file = await written(
      'lists.jsonl',
      [
        '{"text": "one", "labels": ["b", "a", "b"]}',
        '{"text": "two", "labels": []}',
        '{"text": "three"}',
        '{"text": "four", "labels": "a"}',
        '{"text": "five", "labels": ["b"]}',
      ].join('\n'),
    );
    const { labels, train } = await load(file);
    expect(labels).toEqual(['a', 'b']);
    expect(targets(train)).toEqual([
      [1, [1, 1]],
      [2, [0, 0]],
      [3, [0, 0]],
      [4, [1, 0]],
      [5, [0, 1]],
    ]);
    const { counts, said } = await look(file);
    expect(counts).toEqual({ a: 2, b: 2 });
    expect(said).toEqual(['info: 1 row of 5 has several labels, and 2 have none.']);
  });

  it('cells with a separator, blanks and empty parts aside', async () => {
    const file = await written('joined.csv', 'text,label\none,a | b\ntwo,\nthree,b|\nfour,a\nfive,c|a\nsix,c\n');
    const { labels, train } = await load(file, { label_separator: '|' });
    expect(labels).toEqual(['a', 'b', 'c']);
    expect(targets(train)).toEqual([
      [2, [1, 1, 0]],
      [3, [0, 0, 0]],
      [4, [0, 1, 0]],
      [5, [1, 0, 0]],
      [6, [1, 0, 1]],
      [7, [0, 0, 1]],
    ]);
    const { said } = await look(file, { label_separator: '|' });
    expect(said).toEqual(['info: 2 rows of 6 have several labels, and 1 has none.']);
  });

  it('cells that look joined, each being one label until the separator is named', async () => {
    const file = await written('asked.csv', 'text,label\none,a|b\ntwo,a\nthree,b\nfour,a\nfive,b\nsix,a|b\n');
    const { counts, problems } = await look(file);
    expect(counts).toEqual({ a: 2, b: 2, 'a|b': 2 });
    expect(problems.find(({ other }) => other)).toMatchObject({
      message:
        '1 of the 3 labels in “label” is a list of other labels, joined by “|” (“a|b”; lines 2 and 7). Each counts as one label. To learn all labels of a row, write "problem_type": "multi_label_classification" and "label_separator": "|" in the recipe.',
      other: { problem_type: 'multi_label_classification', label_separator: '|' },
    });
  });

  it('columns of 0 and 1, the rows left out being told with their lines', async () => {
    const file = await written(
      'marked.csv',
      'text,late,rude,price\none,1,0,1\ntwo,0,,0\nthree,2,0,0\nfour,TRUE,1.0,no\nfive,0,0,1\n',
    );
    const how = { label_columns: ['late', 'rude', 'price'] };
    const { labels, train, columns, columns_reason } = await load(file, how);
    expect(columns_reason).toContain('the label is “late” (the first of 3 label columns).');
    expect(columns).toEqual({ text: 'text', label: 'late' });
    expect(labels).toEqual(['late', 'price', 'rude']);
    expect(targets(train)).toEqual([
      [2, [1, 1, 0]],
      [3, [0, 0, 0]],
      [5, [1, 0, 1]],
      [6, [0, 1, 0]],
    ]);
    const { said, guess_reason } = await look(file, how);
    expect(guess_reason).toBe(columns_reason);
    expect(said).toEqual([
      'warning: 1 row (line 4) is left out, because a label column contains something other than 0 and 1, such as “late: 2”.',
      'warning: The label “rude” has only one row (line 5). Add more rows, or correct a misspelled label.',
      'info: 2 rows of 4 have several labels, and 1 has none.',
    ]);
  });
});

it('columns of labels are not told as unused, and asked about where they are not named', async () => {
  const rows = ['one,1,1', 'two,0,0', 'three,1,0', 'four,0,1'];
  const file = await written('clean.csv', `text,late,rude\n${rows.join('\n')}\n`);
  const { problems } = await inspectData({ file }, [textClassification]);
  const other = { problem_type: 'multi_label_classification', label_columns: ['late', 'rude'] };
  expect(problems.find(({ other }) => other)).toMatchObject({ code: 'indicator-columns', other });
  expect((await look(file, { label_columns: other.label_columns })).said).toEqual([
    'info: 1 row of 4 has several labels, and 1 has none.',
  ]);
});

it('a column that is named and not there refuses the data, with those that are', async () => {
  const file = await written('lacking.csv', 'text,late\none,1\n');
  await expect(load(file, { label_columns: ['late', 'rude'] })).rejects.toMatchObject({
    code: 'data-invalid',
    message: expect.stringContaining('lacking.csv has no column “rude”, named in label_columns.'),
    hint: 'Its columns are “text” and “late”.',
  });
});

it('a cell that is no list is left out, with its line and what it says', async () => {
  const file = await written(
    'odd.csv',
    'text,labels\none,"[""a""]"\ntwo,"{""x"": {""y"": 1}}"\nthree,"[""b"", ""a""]"\nfour,"[""b""]"\n',
  );
  const { train, problems } = await load(file);
  expect(train.map(({ line }) => line)).toEqual([2, 4, 5]);
  expect(problems[0]).toMatchObject({
    severity: 'warning',
    line: 3,
    message: '1 row (line 3) is left out, because “labels” is not a list of labels, such as “{"x": {"y": 1}}”.',
  });
});

it('data without any label are refused', async () => {
  const file = await written('none.csv', 'text,late,rude\none,0,0\ntwo,0,0\n');
  await expect(load(file, { label_columns: ['late', 'rude'] })).rejects.toThrow(
    'none.csv: No row has a label in “late”, so there is nothing to learn.',
  );
});

it('a label that a model does not know is named with its line', async () => {
  const file = await written('unknown.csv', 'text,label\none,a\ntwo,a|c\n');
  const how = labelSets({ label_separator: '|' });
  await expect(loadEvaluation(how, file, { base: place, labels: ['a', 'b'], split: 'test' })).rejects.toMatchObject({
    message: 'unknown.csv, line 3: the label “c” is unknown to the model.',
    hint: 'The 2 known labels: “a” and “b”. Correct the label.',
  });
});

it('the same text with other labels is told by the labels', async () => {
  const file = await written('twice.csv', 'text,label\none,a|b\none,b\ntwo,a\nthree,\nthree,a\n');
  const { said } = await look(file, { label_separator: '|' });
  expect(said[0]).toBe(
    'warning: 2 rows have a different label than an earlier row with the same text (lines 3 and 6). The first is “one”: “a” and “b” on line 2, “b” on line 3. Decide which are right.',
  );
  const one = await written('twice-once.csv', 'text,label\none,\none,b\ntwo,b\n');
  expect((await look(one, { label_separator: '|' })).said[0]).toBe(
    'warning: The text “one” has no label on line 2 and “b” on line 3. Decide which is right.',
  );
});

it('rows of each common combination are held out in proportion, and of a rare one by its rarest label', async () => {
  const rows = Array.from({ length: 60 }, (_, i) => `text ${i},${['a', 'a|b', 'b'][i % 3]}${i === 7 ? '|c' : ''}`);
  const file = await written('split.csv', `text,label\n${rows.join('\n')}\ntext c,c\n`);
  const { labels, train, validation } = await load(file, { label_separator: '|' }, { validation_split: 0.2 });
  expect(labels).toEqual(['a', 'b', 'c']);
  const counts = new Map<string, number>();
  for (const row of validation) counts.set(`${row.targets}`, (counts.get(`${row.targets}`) ?? 0) + 1);
  expect([counts.get('1,0,0'), counts.get('1,1,0'), counts.get('0,1,0')]).toEqual([4, 4, 4]);
  expect(train.some(({ targets }) => targets[2] === 1)).toBe(true);
});

it('a dataset made of such rows keeps the labels, however they were written', async () => {
  const file = await written('made.csv', 'text,late,rude\none,1,1\ntwo,0,0\nthree,1,0\n');
  const how = { label_columns: ['late', 'rude'] };
  const folder = join(place, '.luthier');
  const { path, record } = await createDataset({ file, folder, name: 'made', columns: {} }, labelSets(how));
  expect(record).toMatchObject({ task: 'multi_label_classification', rows: 3, labels: ['late', 'rude'] });
  const { train, labels } = await load(path);
  expect(labels).toEqual(['late', 'rude']);
  expect(train.map(({ text, targets }) => [text, [...targets]])).toEqual([
    ['one', [1, 1]],
    ['two', [0, 0]],
    ['three', [1, 0]],
  ]);
  const { rows } = await listRows({ data: path, columns: {}, limit: 10 }, labelSets({}));
  expect(rows.map(({ label }) => labelText('multi_label_classification', label!))).toEqual([
    'late, rude',
    'no label',
    'late',
  ]);
});
