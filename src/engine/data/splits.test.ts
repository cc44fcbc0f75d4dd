import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatasetReference } from '../../protocol/index.ts';
import { hashDataset } from '../runs/data-hash.ts';
import { appendRows } from './append.ts';
import { type LoadOptions, loadDataset } from './dataset.ts';
import { LABELLED } from './labelled.ts';
import { createDataset } from './store.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'luthier splits ü-'));
});
afterAll(() => rm(base, { recursive: true }));

const load = (reference: DatasetReference, options: Partial<LoadOptions> = {}) =>
  loadDataset(LABELLED, reference, { base, validation_split: 0.2, seed: 7, ...options });

const texts = (rows: readonly { text: string }[]) => rows.map(({ text }) => text);

const csv = (n: number) =>
  `text,label\n${Array.from({ length: n }, (_, i) => `text number ${i},c${i % 3}`).join('\n')}\n`;

/** A dataset's folder with rows of a table. */
async function stored(name: string, text = csv(60)): Promise<string> {
  const columns = { text: 'text', label: 'label' };
  return (await createDataset({ file: `${name}.csv`, text, folder: join(base, '.luthier'), name, columns })).path;
}

const splitsOf = async (folder: string) => JSON.parse(await readFile(join(folder, 'splits.json'), 'utf8'));

describe('a split that a run makes of a dataset', () => {
  it('is the one that seed and rows decide, and is kept with the rows’ ids', async () => {
    const folder = await stored('kept');
    await writeFile(join(base, 'kept.csv'), csv(60));
    const plain = await load('kept.csv');
    const first = await load('kept', { keepsSplit: true });
    expect(texts(first.validation)).toEqual(texts(plain.validation));
    expect(texts(first.train)).toEqual(texts(plain.train));
    const rows = (await readFile(join(folder, 'rows.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row));
    const [made, ...others] = (await splitsOf(folder)).made;
    expect(others).toEqual([]);
    expect(made).toMatchObject({ seed: 7, validation_split: 0.2 });
    const idOf = (text: string) => rows.find((row) => row.text === text).id;
    expect(made.validation).toEqual(texts(first.validation).map(idOf));
    expect(made.train).toEqual(texts(first.train).map(idOf));
    expect(texts((await load('kept')).validation)).toEqual(texts(first.validation));
  });

  it('leaves every row on its side when a line is inserted by hand or rows are added, which fill up the share', async () => {
    const folder = await stored('grows');
    const before = await load('grows', { keepsSplit: true });
    const file = join(folder, 'rows.jsonl');
    const lines = (await readFile(file, 'utf8')).split('\n');
    lines.splice(3, 0, JSON.stringify({ text: 'inserted by hand', label: 'c1' }));
    await writeFile(file, lines.join('\n'));
    const rows = Array.from({ length: 39 }, (_, i) => ({ text: `added ${i}`, label: `c${i % 3}` }));
    await appendRows({ data: folder, columns: {}, rows });
    const after = await load('grows', { keepsSplit: true });
    const old = (all: string[]) => all.filter((text) => text.startsWith('text number'));
    expect(old(texts(after.validation))).toEqual(texts(before.validation));
    expect(old(texts(after.train))).toEqual(texts(before.train));
    expect([after.train.length, after.validation.length]).toEqual([80, 20]);
    // The rows that came since stay where they were put now.
    await appendRows({ data: folder, columns: {}, rows: [{ text: 'and one more', label: 'c0' }] });
    const last = await load('grows');
    expect(texts(last.validation)).toEqual(texts(after.validation));
  });

  it('is made for rows of 0.1.0, too, which have no ids', async () => {
    const folder = join(base, '.luthier/datasets/old');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'dataset.json'), JSON.stringify({ format: 1, name: 'old' }));
    const row = (text: string, i: number) => JSON.stringify({ text, label: `c${i % 2}` });
    const lines = Array.from({ length: 30 }, (_, i) => row(`text number ${i % 28}`, i));
    await writeFile(join(folder, 'rows.jsonl'), `${lines.join('\n')}\n`);
    const before = await load('old', { keepsSplit: true });
    await writeFile(join(folder, 'rows.jsonl'), `${[row('new', 0), ...lines].join('\n')}\n`);
    const after = await load('old');
    const isOld = (text: string) => text !== 'new';
    expect(texts(after.validation).filter(isOld)).toEqual(texts(before.validation));
    expect(texts(after.train).filter(isOld)).toEqual(texts(before.train));
  });

  it('is one for each seed and share, and none is made for a look at the data or by rules of 0.1.0', async () => {
    const folder = await stored('several');
    await load('several');
    await load('several', { keepsSplit: true, rules: 1 });
    await expect(splitsOf(folder)).rejects.toThrow('ENOENT');
    for (const seed of [1, 2, 1]) await load('several', { keepsSplit: true, seed });
    await load('several', { keepsSplit: true, seed: 1, validation_split: 0.3 });
    const { made } = await splitsOf(folder);
    expect(made.map((split: LoadOptions) => [split.seed, split.validation_split])).toEqual([
      [1, 0.2],
      [2, 0.2],
      [1, 0.3],
    ]);
    for (let seed = 0; seed < 30; seed++) await load('several', { keepsSplit: true, seed });
    expect((await splitsOf(folder)).made).toHaveLength(16);
  });

  it('is no other data for a run that was paused before', async () => {
    const folder = await stored('paused');
    const before = await hashDataset(folder);
    await load('paused', { keepsSplit: true });
    expect(await hashDataset(folder)).toBe(before);
    await writeFile(join(folder, 'splits.json'), JSON.stringify({ validation: [1] }));
    expect(await hashDataset(folder)).not.toBe(before);
  });

  it('that cannot be written down is said, and the run goes on', async () => {
    const folder = await stored('unwritable');
    await mkdir(join(folder, 'splits.json'));
    const { problems, validation } = await load('unwritable', { keepsSplit: true });
    expect(validation).toHaveLength(12);
    expect(problems.map(({ code }) => code)).toContain('split-not-kept');
  });
});

describe('splits that a person names', () => {
  it('are by id, wherever the rows stand', async () => {
    const folder = await stored('named');
    const file = join(folder, 'rows.jsonl');
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    const ids = lines.map((line) => JSON.parse(line).id);
    await writeFile(join(folder, 'splits.json'), JSON.stringify({ validation: [ids[4], 'gone'], test: [ids[9]] }));
    await writeFile(file, `${lines.reverse().join('\n')}\n`);
    const data = await load('named');
    expect([data.train.length, texts(data.validation), texts(data.test)]).toEqual([
      58,
      ['text number 4'],
      ['text number 9'],
    ]);
    expect(data.problems.map(({ message }) => message)).toContain(
      'validation: 1 row that splits.json holds out as validation rows is no longer in the dataset.',
    );
    await writeFile(join(folder, 'splits.json'), JSON.stringify({ validation: [ids[4]], test: [ids[4]] }));
    await expect(load('named')).rejects.toThrow(`names the row “${ids[4]}” for both validation and test`);
  });

  it('keep a test part beside the split that is made of the rest', async () => {
    const folder = await stored('tested');
    const ids = (await readFile(join(folder, 'rows.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).id);
    await writeFile(join(folder, 'splits.json'), JSON.stringify({ test: ids.slice(0, 10) }));
    const first = await load('tested', { keepsSplit: true });
    expect([first.train.length, first.validation.length, first.test.length]).toEqual([40, 10, 10]);
    expect(await splitsOf(folder)).toMatchObject({ test: ids.slice(0, 10), made: [{ seed: 7 }] });
    expect(texts((await load('tested')).validation)).toEqual(texts(first.validation));
  });
});

describe('a column of groups', () => {
  const rows = (n: number, from = 0) =>
    `text,label,customer\n${Array.from({ length: n }, (_, i) => `row ${from + i},c${i % 2},${i % 7 === 6 ? '' : `customer ${(from + i) % 9}`}`).join('\n')}\n`;
  const columns = { group: 'customer' };

  it('is never divided by a split; rows without a value stand for themselves, which is said', async () => {
    await writeFile(join(base, 'orders.csv'), rows(120));
    const data = await load('orders.csv', { columns });
    expect(data.columns).toEqual({ text: 'text', label: 'label', group: 'customer' });
    expect(data.columns_reason).toContain('the group is “customer” (given)');
    const groups = (of: typeof data.train) => new Set(of.flatMap(({ group }) => group ?? []));
    expect([...groups(data.validation)].filter((group) => groups(data.train).has(group))).toEqual([]);
    expect(data.train.length + data.validation.length).toBe(120);
    expect(data.validation.length).toBeGreaterThan(10);
    expect(data.problems.find(({ code }) => code === 'empty-group')?.message).toBe(
      '17 rows without a group in “customer” (lines 8, 15, 22, 29, 36 and 12 more) count as groups of one row each.',
    );
  });

  it('is measured by rows of other groups where the parts are files', async () => {
    await writeFile(join(base, 'g-train.csv'), 'text,label,customer\na,x,1\nb,y,2\n');
    await writeFile(join(base, 'g-valid.csv'), 'text,label,customer\nc,x,1\nd,y,3\na,x,4\n');
    const parts = { train: 'g-train.csv', validation: 'g-valid.csv' };
    const data = await load(parts, { columns });
    expect(texts(data.validation)).toEqual(['d']);
    expect(data.problems.filter(({ code }) => code === 'leak-train').map(({ message }) => message)).toEqual([
      'g-valid.csv: 1 validation row (line 4) is also a training row and is left out of validation.',
      'g-valid.csv: 1 validation row (line 2) is of a group that training rows have too and is left out of validation (“customer”).',
    ]);
    expect(texts((await load(parts)).validation)).toEqual(['c', 'd']);
  });

  it('comes into a dataset’s folder, and its split is kept by it', async () => {
    const folder = join(base, '.luthier');
    const given = { text: 'text', label: 'label', group: 'customer' };
    const made = await createDataset({ file: 'o.csv', text: rows(90), folder, name: 'orders', columns: given });
    expect(JSON.parse((await readFile(join(made.path, 'rows.jsonl'), 'utf8')).split('\n')[1]!)).toEqual({
      id: expect.any(String),
      text: 'row 1',
      label: 'c1',
      group: 'customer 1',
    });
    const before = await load('orders', { keepsSplit: true });
    expect((await splitsOf(made.path)).made[0]).toMatchObject({ group: 'group' });
    const held = before.validation.find(({ group }) => group !== undefined)!;
    const added = { text: 'of a customer that is held out', label: 'c0', group: held.group };
    const file = join(made.path, 'rows.jsonl');
    await writeFile(file, `${JSON.stringify(added)}\n${await readFile(file, 'utf8')}`);
    const after = await load('orders');
    expect(texts(after.validation)).toEqual([added.text, ...texts(before.validation)]);
  });

  it('of too few groups cannot be split', async () => {
    await writeFile(join(base, 'one.csv'), 'text,label,customer\na,x,1\nb,y,1\nc,x,1\nd,y,1\n');
    await expect(load('one.csv', { columns })).rejects.toThrow(
      '4 rows in 1 group are too few to hold out a share of 0.2 for validation.',
    );
  });
});
