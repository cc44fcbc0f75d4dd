import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatasetReference } from '../../protocol/index.ts';
import { type LoadOptions, loadDataset, loadEvaluation } from './dataset.ts';
import { LABELLED } from './labelled.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'luthier data ü-'));
});
afterAll(() => rm(base, { recursive: true }));

async function put(name: string, text: string): Promise<string> {
  const file = join(base, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return name;
}

const load = (reference: DatasetReference, options: Partial<LoadOptions> = {}) =>
  loadDataset(LABELLED, reference, { base, validation_split: 0, seed: 1, ...options });

/** `count` rows for each of the labels, every text its own. */
const rows = (labels: readonly string[], count = 10, tag = '') =>
  labels
    .flatMap((label) => Array.from({ length: count }, (_, i) => `text ${tag} of ${label} number ${i},${label}`))
    .join('\n');

describe('loadDataset', () => {
  it('reads, sorts the labels, splits by the seed', async () => {
    const file = await put('a.csv', `text,label\n${rows(['b', 'a', 'C'])}\n`);
    const data = await load(file, { validation_split: 0.2, seed: 7 });
    expect(data.labels).toEqual(['C', 'a', 'b']);
    expect(data.train).toHaveLength(24);
    expect(data.validation).toHaveLength(6);
    expect(data.validation.map((example) => example.label).sort()).toEqual([0, 0, 1, 1, 2, 2]);
    expect(data.train[0]).toEqual({
      text: expect.stringContaining('text'),
      label: expect.any(Number),
      file: join(base, file),
      line: expect.any(Number),
    });
    expect(data.columns).toEqual({ text: 'text', label: 'label' });
    expect(data.problems).toEqual([]);
    const again = await load(file, { validation_split: 0.2, seed: 7 });
    expect(again).toEqual(data);
    const other = await load(file, { validation_split: 0.2, seed: 8 });
    expect(other.validation).not.toEqual(data.validation);
  });

  it('sorts labels that are numbers as numbers', async () => {
    const file = await put('numbers.csv', `text,label\n${rows(['10', '9', '-1', '2.5'], 3)}\n`);
    expect((await load(file)).labels).toEqual(['-1', '2.5', '9', '10']);
    const json = await put(
      'bools.jsonl',
      '{"text":"a b","label":true}\n{"text":"c d","label":false}\n{"text":"e","label":true}',
    );
    expect((await load(json)).labels).toEqual(['false', 'true']);
  });

  it('leaves rows without text or label out and names their lines', async () => {
    const file = await put('gaps.csv', `text,label\n,a\nno label,\n" ",b\n${rows(['a', 'b'])}\n`);
    const data = await load(file);
    expect(data.train).toHaveLength(20);
    expect(data.problems.map(({ severity, code, line, message }) => ({ severity, code, line, message }))).toEqual([
      {
        severity: 'warning',
        code: 'empty-text',
        line: 2,
        message: '2 rows without a text in “text” (lines 2 and 4) are left out.',
      },
      {
        severity: 'warning',
        code: 'empty-label',
        line: 3,
        message: '1 row without a label in “label” (line 3) is left out.',
      },
    ]);
  });

  it('reports single rows, conflicts, repeats and labels that differ in spelling alone', async () => {
    const file = await put(
      'odd.csv',
      `text,label\nsame,a\nsame,b\nsame ,a\nalone,c\nspelt,A\nspelt too,A\n${rows(['a', 'b'])}\n`,
    );
    const data = await load(file, { validation_split: 0.2 });
    expect(data.problems.map(({ code, line }) => [code, line])).toEqual([
      ['conflicting-labels', 3],
      ['single-row-class', 5],
      ['similar-labels', undefined],
      ['class-without-validation', undefined],
      ['duplicate-row', 4],
      ['imbalanced', undefined],
    ]);
    const messages = data.problems.map(({ message }) => message);
    expect(messages[1]).toMatch(/^The class “c” has only one row \(line 5\), which is used for training/);
    expect(messages[0]).toBe('The text “same” has the label “a” on line 2 and “b” on line 3. Decide which is right.');
    expect(data.train.some((example) => example.line === 5)).toBe(true);
    // the three rows of one text are in one part
    const where = [data.train, data.validation].map((part) => part.filter(({ text }) => text.trim() === 'same').length);
    expect(where.sort()).toEqual([0, 3]);
  });

  it.each([
    [
      'one class',
      `text,label\n${rows(['a'])}`,
      'All 10 rows have the label “a” in “label”; a classifier needs at least two classes.',
    ],
    ['one row', 'text,label\nx y,a', 'The only row has the label “a”'],
    [
      'a label for each row',
      `text,label\n${rows(['a', 'b', 'c', 'd', 'e'], 1)}`,
      'Each of the 5 rows has a different label',
    ],
    ['an empty label column', 'text,label\na b,\nc d,\n', 'The label column “label” is empty in every row.'],
    ['an empty text column', 'text,label\n,a\n,b\n,a\n', 'The text column “text” is empty in every row.'],
    ['a ragged row', `text,label\n${rows(['a', 'b'])}\nx,y,a\n`, 'Line 22 has 3 cells, but the header has 2'],
    ['a broken quote', `text,label\n${rows(['a', 'b'])}\n"x,a\n`, 'begins on line 22 do not match'],
    ['a quote broken at once', 'text,label\n"x,a\ny,b\n', 'begins on line 2 do not match'],
  ])('refuses %s, naming the file', async (name, text, message) => {
    const file = await put(`${name.replaceAll(' ', '-')}.csv`, text);
    const error = await load(file).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'data-invalid', message: expect.stringContaining(message) });
    expect((error as Error).message.startsWith(file)).toBe(true);
  });

  it('refuses a file without a label column, naming what is there', async () => {
    const file = await put('texts.csv', 'text,when\nhello you there,2024-01-01\nand you too,2024-01-02\n');
    await expect(load(file)).rejects.toThrow(
      'No label column was found in texts.csv; its columns are “text” and “when”.',
    );
  });

  it('tells when there are too few rows for a split, and what to do', async () => {
    const file = await put('few.csv', 'text,label\na b,x\nc d,y\n');
    await expect(load(file, { validation_split: 0.1 })).rejects.toMatchObject({
      message: '2 rows are too few to hold out a share of 0.1 for validation.',
      hint: 'Add rows (at least 5 different texts), raise validation_split, or set it to 0 to train on all rows.',
    });
    expect((await load(file)).train).toHaveLength(2);
    await expect(load(file, { validation_split: 1 })).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('class weights', () => {
  it('are offered where classes differ in size tenfold, unless the recipe has them', async () => {
    const file = await put('rare.csv', `text,label\n${rows(['often'], 20)}\n${rows(['rare'], 2)}\n`);
    expect((await load(file)).problems.map(({ code }) => code)).toEqual(['imbalanced']);
    expect((await load(file, { weighted: true })).problems).toEqual([]);
  });
});

describe('parts in files of their own', () => {
  it('takes rows that stand in train out of validation and test, and test rows out of validation', async () => {
    await put('train.csv', `text,label\nshared one,a\n${rows(['a', 'b'])}\n`);
    await put('val.csv', `text,label\n${rows(['a', 'b'], 3, 'v')}\nshared one,a\nshared two,b\n`);
    await put('test.csv', `text,label\nshared two,b\nshared one,b\n${rows(['a', 'b'], 3, 't')}\n`);
    const data = await load({ train: 'train.csv', validation: 'val.csv', test: 'test.csv' }, { validation_split: 0.5 });
    expect([data.train.length, data.validation.length, data.test.length]).toEqual([21, 6, 7]);
    expect(data.problems.map(({ message, code, file }) => [code, message, file])).toEqual([
      [
        'leak-train',
        'val.csv: 1 validation row (line 8) is also a training row and is left out of validation.',
        join(base, 'val.csv'),
      ],
      [
        'leak-test',
        'val.csv: 1 validation row (line 9) is also a test row and is left out of validation.',
        join(base, 'val.csv'),
      ],
      [
        'leak-train',
        'test.csv: 1 test row (line 3) is also a training row and is left out of the test.',
        join(base, 'test.csv'),
      ],
    ]);
  });

  it('refuses a label that train does not have, naming the row', async () => {
    await put('train.csv', `text,label\n${rows(['billing', 'refund'])}\n`);
    await put('val.csv', 'text,label\na b,billing\nc d,biling\n');
    await expect(load({ train: 'train.csv', validation: 'val.csv' })).rejects.toMatchObject({
      code: 'data-invalid',
      message: 'val.csv, line 3: the label “biling” does not occur in the training rows; did you mean “billing”?',
    });
  });

  it('refuses a part that lacks the column, and one that is all in train', async () => {
    await put('train.csv', `text,label\n${rows(['a', 'b'])}\n`);
    await put('val.csv', 'text,class\na b,a\n');
    await expect(load({ train: 'train.csv', validation: 'val.csv' })).rejects.toThrow(
      'val.csv has no column “label” for the label',
    );
    await expect(load({ train: 'train.csv', validation: 'train.csv' })).rejects.toThrow(
      'Every validation row is also a training row, so no rows are left',
    );
  });
});

describe('one class and one text in several spellings', () => {
  it('are found again in other parts, which is said with file and lines', async () => {
    await put(
      't.jsonl',
      '{"text":"a b","label":0}\n{"text":"c d","label":1}\n{"text":"e f","label":0}\n{"text":"g h","label":1}\n',
    );
    await put('v.csv', 'text,label\ni j,0.0\nk l,1.0\nm n,0.0\n');
    const data = await load({ train: 't.jsonl', validation: 'v.csv' });
    expect([data.labels, data.validation.map(({ label }) => label)]).toEqual([
      ['0', '1'],
      [0, 1, 0],
    ]);
    expect(data.problems.map(({ code, message, file, line }) => [code, message, file, line])).toEqual([
      [
        'equal-numbers',
        'v.csv: The label “0.0” in 2 rows (lines 2 and 4) is the same number as “0” in the training rows; it is read as that.',
        join(base, 'v.csv'),
        2,
      ],
      [
        'equal-numbers',
        'v.csv: The label “1.0” in 1 row (line 3) is the same number as “1” in the training rows; it is read as that.',
        join(base, 'v.csv'),
        3,
      ],
    ]);
    await put('t.csv', `text,label\n${rows(['café', 'tea'])}\n`);
    await put('v.csv', 'text,label\ni j,cafe\u0301\nk l,tea\n');
    const letters = await load({ train: 't.csv', validation: 'v.csv' });
    expect(letters.problems[0]).toMatchObject({
      code: 'invisible-characters',
      message:
        'v.csv: The label “café” in “label” is written with U+0301 (combining acute accent), decomposed (NFD), on line 2 and is read in its usual spelling.',
    });
    expect(letters.validation.map(({ label }) => letters.labels[label])).toEqual(['café', 'tea']);
  });

  it('stay on one side of a split, and out of a part that measures', async () => {
    const spellings = ['Where is it', ' where  is it ', 'WHERE\u00a0IS IT', 'where\u200b is it'];
    const file = await put(
      'near.csv',
      `text,label\n${spellings.map((s) => `${s},a`).join('\n')}\n${rows(['a', 'b'], 6)}\n`,
    );
    for (const seed of [1, 2, 3, 4, 5]) {
      const { train, validation } = await load(file, { validation_split: 0.3, seed });
      const where = [train, validation].map((part) => part.filter(({ line }) => line <= 5).length);
      expect(where.sort()).toEqual([0, 4]);
    }
    await put('nt.csv', `text,label\nÜber uns,a\n${rows(['a', 'b'])}\n`);
    await put('nv.csv', `text,label\nu\u0308ber  UNS,a\nfresh,b\nfresh too,a\n`);
    const parts = await load({ train: 'nt.csv', validation: 'nv.csv' });
    expect(parts.validation.map(({ text }) => text)).toEqual(['fresh', 'fresh too']);
    expect(parts.problems[0]).toMatchObject({
      severity: 'warning',
      code: 'leak-train',
      message:
        'nv.csv: 1 validation row (line 2) is also a training row and is left out of validation (case, spaces and invisible characters aside).',
    });
  });

  it('are what 0.1.0 made of them for a run that it started', async () => {
    const text = `text,label\n${rows(['a', 'b'], 6)}\n${[' x Y', 'x y', 'X  Y'].map((s) => `${s},\u200ba`).join('\n')}\nnext,1\nnext one,1.0\n\u200b,b\n`;
    const file = await put('old.csv', text);
    const old = await load(file, { rules: 1 });
    expect(old.labels).toEqual(['1', '1.0', 'a', 'b', '\u200ba']);
    expect(old.train).toHaveLength(18);
    expect(old.problems.map(({ code }) => code)).toEqual(['single-row-class', 'similar-labels']);
  });

  it('do not change how rows without repeats are split', async () => {
    const file = await put('plain.csv', `text,label\n${rows(['a', 'b'], 20)}\n`);
    const [now, before] = await Promise.all(
      ([2, 1] as const).map((rules) => load(file, { validation_split: 0.2, seed: 42, rules })),
    );
    expect(now).toEqual(before);
    expect(now!.validation.map(({ line }) => line)).toEqual([4, 13, 16, 17, 27, 33, 34, 35]);
  });
});

describe('loadEvaluation', () => {
  it('takes other spellings of the model’s classes, and says what numbers may mean', async () => {
    const names = ['billing', 'login', 'shipping'];
    await put('zw.csv', 'text,label\na b,log\u00adin\nc d,billing\n');
    const data = await loadEvaluation(LABELLED, 'zw.csv', { base, labels: names, split: 'test' });
    expect(data.examples.map(({ label }) => label)).toEqual([1, 0]);
    expect(data.problems[0]).toMatchObject({ code: 'invisible-characters', line: 2 });
    await put('floats.csv', 'text,label\na b,1.0\nc d,0.0\n');
    const floats = await loadEvaluation(LABELLED, 'floats.csv', { base, labels: ['0', '1'], split: 'test' });
    expect(floats.examples.map(({ label }) => label)).toEqual([1, 0]);
    await put('ids.csv', 'text,label\na b,2\nc d,1\ne f,0\n');
    await expect(loadEvaluation(LABELLED, 'ids.csv', { base, labels: names, split: 'test' })).rejects.toMatchObject({
      code: 'data-invalid',
      message: 'ids.csv, line 2: the label “2” is unknown to the model.',
      hint: 'The known labels are “billing”, “login” and “shipping”. Numbers from 0 to 2 look like positions in that list (0 is “billing”, 1 is “login” and 2 is “shipping”): write the names instead.',
    });
    await put('years.csv', 'text,label\na b,2019\n');
    await expect(loadEvaluation(LABELLED, 'years.csv', { base, labels: names, split: 'test' })).rejects.toMatchObject({
      hint: 'The known labels are “billing”, “login” and “shipping”. Correct the label.',
    });
  });

  it('takes both texts for a model of pairs, by their names, and never half a pair', async () => {
    const options = { base, labels: ['x', 'y'], split: 'test' } as const;
    await put('pairs.csv', 'left,right,label\na b,c d,x\ne f,g h,y\n');
    const named = await loadEvaluation(LABELLED, 'pairs.csv', { ...options, inputs: ['left', 'right'] });
    expect(named.examples.map(({ text, text_pair }) => [text, text_pair])).toEqual([
      ['a b', 'c d'],
      ['e f', 'g h'],
    ]);
    await expect(
      loadEvaluation(LABELLED, 'pairs.csv', { ...options, inputs: ['premise', 'hypothesis'] }),
    ).rejects.toMatchObject({
      message:
        'The model was trained on pairs of texts (“premise” and “hypothesis”), but pairs.csv has no column for the second text.',
      hint: 'Call its columns “premise” and “hypothesis”, or name them in a terminal with --text-column and --text-pair-column. Its columns are “left”, “right” and “label”.',
    });
    const half = { ...options, columns: { text: 'left' }, inputs: ['left', 'right'] };
    expect((await loadEvaluation(LABELLED, 'pairs.csv', half)).examples[0]!.text_pair).toBe('c d');
    const columns = { text: 'left', text_pair: 'right' };
    const given = await loadEvaluation(LABELLED, 'pairs.csv', {
      ...options,
      columns,
      inputs: ['premise', 'hypothesis'],
    });
    expect(given.columns).toEqual({ text: 'left', text_pair: 'right', label: 'label' });
    await put('both.csv', 'sentence1,sentence2,label\na b,c d,x\ne f,g h,y\n');
    const single = await loadEvaluation(LABELLED, 'both.csv', { ...options, inputs: ['sentence1'] });
    expect(single.columns).toEqual({ text: 'sentence1', label: 'label' });
  });

  it('takes the column that holds the model’s classes, whatever it is called', async () => {
    const lines = Array.from({ length: 8 }, (_, i) => `${i},t${i % 2},${'ab'[i % 2]},some words ${i}`);
    const file = await put('odd.csv', `#,type,Ressort?,said\n${lines.join('\n')}\n`);
    const data = await loadEvaluation(LABELLED, file, { base, labels: ['a', 'b'], split: 'test' });
    expect(data.columns).toMatchObject({ text: 'said', label: 'Ressort?' });
  });

  it('reads a whole file by the labels of the model, one class or many', async () => {
    const file = await put('eval.csv', 'text,label\na b,b\nc d,b\n');
    const data = await loadEvaluation(LABELLED, file, { base, labels: ['b', 'a'], split: 'test' });
    expect(data.examples.map(({ label, line }) => [label, line])).toEqual([
      [0, 2],
      [0, 3],
    ]);
    await expect(loadEvaluation(LABELLED, file, { base, labels: ['x', 'y'], split: 'test' })).rejects.toThrow(
      'eval.csv, line 2: the label “b” is unknown to the model',
    );
  });

  it('takes the part that is asked for', async () => {
    await put('train.csv', `text,label\n${rows(['a', 'b'])}\n`);
    await put('test.csv', `text,label\n${rows(['a', 'b'], 2)}\n`);
    const reference = { train: 'train.csv', test: 'test.csv' };
    const options = { base, labels: ['a', 'b'] };
    expect((await loadEvaluation(LABELLED, reference, { ...options, split: 'test' })).examples).toHaveLength(4);
    await expect(loadEvaluation(LABELLED, reference, { ...options, split: 'validation' })).rejects.toThrow(
      'The dataset has no validation rows, only training and test.',
    );
  });
});

describe('what a recipe names', () => {
  it('finds data sets by name in .luthier of this folder or of one above, with their splits', async () => {
    const set = '.luthier/datasets/tickets';
    await put(
      `${set}/dataset.json`,
      JSON.stringify({ format: 1, name: 'tickets', columns: { text: 'body', label: 'kind' } }),
    );
    const lines = Array.from({ length: 12 }, (_, i) =>
      JSON.stringify({ text: `text number ${i}`, label: `c${i % 2}` }),
    );
    await put(`${set}/rows.jsonl`, `${lines.join('\n')}\n`);
    expect((await load('tickets')).train).toHaveLength(12);
    await mkdir(join(base, 'deep/er'), { recursive: true });
    expect((await load('tickets', { base: join(base, 'deep/er') })).train).toHaveLength(12);
    await put(`${set}/splits.json`, JSON.stringify({ validation: [1, 2], test: [12] }));
    const data = await load('tickets', { validation_split: 0.5 });
    expect([data.train.length, data.validation.map(({ line }) => line), data.test.map(({ line }) => line)]).toEqual([
      9,
      [1, 2],
      [12],
    ]);
    expect((await load(set)).train).toHaveLength(9);
  });

  it('refuses splits that cannot be those of the rows', async () => {
    const set = '.luthier/datasets/split';
    await put(`${set}/dataset.json`, JSON.stringify({ format: 1, name: 'split' }));
    const lines = Array.from({ length: 12 }, (_, i) => JSON.stringify({ text: `text ${i}`, label: `c${i % 2}` }));
    await put(`${set}/rows.jsonl`, `${lines.join('\n')}\n`);
    const splits = (value: unknown) => put(`${set}/splits.json`, JSON.stringify(value));
    await splits({ validation: [1, 13], test: [20] });
    await expect(load('split')).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringMatching(/splits\.json names lines 13 and 20 of rows\.jsonl, which has 12 lines\.$/),
      hint: expect.stringContaining('delete it'),
    });
    await splits({ validation: [1, 2], test: [2] });
    await expect(load('split')).rejects.toThrow('names line 2 of rows.jsonl for both validation and test');
    await splits({ validation: [1, 2] });
    expect((await load('split')).validation).toHaveLength(2);
    const past = new Date(Date.now() - 60_000);
    await utimes(join(base, set, 'splits.json'), past, past);
    await expect(load('split')).rejects.toThrow('is older than rows.jsonl');
  });

  it('refuses a newer layout, a folder that is none, a damaged record', async () => {
    await put('.luthier/datasets/newer/dataset.json', '{"format": 99}');
    await expect(load('newer')).rejects.toThrow(
      'was written by a newer version of Luthier (layout 99; this version knows 1)',
    );
    await put('.luthier/datasets/damaged/dataset.json', '{"format": ');
    await expect(load('damaged')).rejects.toMatchObject({ code: 'data-unreadable' });
    await put('folder/x.csv', 'a');
    await expect(load('folder')).rejects.toThrow('is a folder without a dataset.json');
  });

  it('was named on another system: backslashes, a name that macOS decomposed, a drive that is not here', async () => {
    await put('parts/größe.csv'.normalize('NFD'), 'text,label\na,x\nb,y\nc,x\n');
    for (const name of ['parts\\größe.csv', 'parts/größe.csv']) {
      expect((await load(name.normalize('NFC'))).train).toHaveLength(3);
      expect((await load({ train: name.normalize('NFC') })).train).toHaveLength(3);
    }
    await expect(load('C:\\data\\rows.csv')).rejects.toThrow(
      '“C:\\data\\rows.csv” is a path on a Windows machine, and there is no such file here.',
    );
  });

  it('names the nearest where there is none', async () => {
    await put('tickets-2024.csv', 'text,label');
    await expect(load('tickets-2023.csv')).rejects.toThrow('did you mean “tickets-2024.csv”?');
    await expect(load('tikcets')).rejects.toThrow('did you mean “tickets”?');
    await expect(load({ train: 'nothing-like-it-at-all.csv' })).rejects.toMatchObject({ code: 'data-unreadable' });
  });
});

const sst2 = fileURLToPath(new URL('../../../../shared/data/sst2/', import.meta.url));
describe.skipIf(!existsSync(sst2))('SST-2 (skipped: ../shared is not there)', () => {
  it('is read as it is, with what is odd about it', async () => {
    const data = await load(
      { train: 'stsa.binary.train', validation: 'stsa.binary.dev', test: 'stsa.binary.test' },
      { base: sst2 },
    );
    expect([data.train.length, data.validation.length, data.labels]).toEqual([6920, 872, ['0', '1']]);
    expect(data.train[0]).toMatchObject({ line: 1, label: 1, text: expect.stringMatching(/^a stirring , funny/) });
    // two of its test rows are in its training part
    expect(data.test).toHaveLength(1819);
    expect(data.problems.map(({ code, count }) => [code, count])).toEqual([
      ['leak-train', 2],
      ['duplicate-row', 9],
    ]);
    const whole = await loadEvaluation(LABELLED, 'stsa.binary.test', { base: sst2, labels: ['0', '1'], split: 'test' });
    expect(whole.examples).toHaveLength(1821);
  });
});
