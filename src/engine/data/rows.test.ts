import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendRows, undoAppend } from './append.ts';
import { loadDataset } from './dataset.ts';
import { inspectData } from './inspect.ts';
import { LABELLED } from './labelled.ts';
import { rowSource, toRanges } from './row-source.ts';
import { listRows, locateRow } from './rows.ts';
import { createDataset } from './store.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'luthier rows ü-'));
});
afterAll(() => rm(base, { recursive: true }));

const TEXT =
  'label,text\na,first film\nb,"second\nfilm"\n,without a label\na,third film\nb,fourth film\na,fifth film\nb,first film\n';

/** A dataset made of a selection of a person's file: the rows on lines 3 to 8. */
async function selected(name: string): Promise<{ file: string; folder: string; project: string }> {
  const project = join(base, name);
  const file = join(project, 'films.csv');
  await import('node:fs/promises').then(({ mkdir }) => mkdir(project, { recursive: true }));
  await writeFile(file, TEXT);
  const lines = TEXT.split('\n');
  const selection = { text: lines.slice(2, 8).join('\n'), full_text: TEXT, start_line: 3 };
  const made = await createDataset({
    file,
    selection,
    folder: join(project, '.luthier'),
    name: 'films',
    columns: { text: 'text', label: 'label' },
  });
  return { file, folder: made.path, project };
}

it('lines are kept as ranges', () => {
  expect(toRanges([2, 3, 4, 9, 12, 13])).toEqual([
    [2, 3],
    [9, 1],
    [12, 2],
  ]);
  fc.assert(
    fc.property(fc.array(fc.nat(50)), (lines) => {
      expect(rowSource({ file: '/x.csv', lines: toRanges(lines) })!.lines).toEqual(lines);
    }),
  );
  expect(rowSource({ file: 'Untitled-1', lines: [[1, 2]] })).toBeUndefined();
});

describe('a dataset made of a selection speaks of the file that it was taken from', () => {
  it('rows, training data and problems carry its name and lines', async () => {
    const { file, folder, project } = await selected('speaks');
    const { rows } = await listRows({ data: folder, columns: {}, limit: 9 });
    expect(rows.map((row) => [row.file, row.line, row.text])).toEqual([
      [file, 3, 'second\nfilm'],
      [file, 6, 'third film'],
      [file, 7, 'fourth film'],
      [file, 8, 'fifth film'],
    ]);
    const data = await loadDataset(LABELLED, 'films', { base: project, validation_split: 0, seed: 1 });
    expect(data.train.map((example) => [example.file, example.line])).toEqual(rows.map((row) => [row.file, row.line]));

    await writeFile(
      join(folder, 'rows.jsonl'),
      '{"text":"a","label":"x"}\n{"text":"a","label":"y"}\n{"text":"b","label":"y"}\n{"text":"c","label":"y"}\n',
    );
    const summary = await inspectData({ file: folder });
    const conflict = summary.problems.find(({ code }) => code === 'conflicting-labels')!;
    expect(conflict).toMatchObject({ line: 6 });
    expect(conflict.message).toContain('line 3');
    expect(JSON.stringify(summary.problems)).not.toContain('rows.jsonl');
  });

  it('errors name it, and never the copy', async () => {
    const { project, folder } = await selected('errors');
    await writeFile(join(folder, 'rows.jsonl'), '{"text":"a","label":"x"}\n{"text":"b","label":"x"}\n');
    const load = loadDataset(LABELLED, 'films', { base: project, validation_split: 0, seed: 1 });
    await expect(load).rejects.toMatchObject({
      message: expect.stringMatching(/^films\.csv: All 2 rows have the label/),
    });
  });

  it('a row is found in it where it stands today', async () => {
    const { file, folder } = await selected('located');
    const find = () => locateRow({ data: folder, columns: {}, file, line: 6 });
    expect(await find()).toEqual({ state: 'same', file, line: 6 });
    await writeFile(file, TEXT.replace('a,first film\n', 'a,first film\nb,a new one\nb,another\n'));
    expect(await find()).toEqual({ state: 'moved', file, line: 8 });
    await writeFile(file, TEXT.replace('third', 'corrected'));
    const copy = join(folder, 'rows.jsonl');
    expect(await find()).toEqual({ state: 'changed', file: copy, line: 2 });
    await rm(file);
    expect(await find()).toEqual({ state: 'missing', file: copy, line: 2 });
  });

  it('a row added to both stands at its own line in it; without that it keeps its place in the copy', async () => {
    const { file, folder } = await selected('added');
    await appendRows({ data: folder, columns: {}, rows: [{ text: 'in the copy alone', label: 'a' }] });
    const { line } = await appendRows({ data: file, columns: {}, rows: [{ text: 'in both', label: 'b' }] });
    await appendRows({ data: folder, columns: {}, rows: [{ text: 'in both', label: 'b' }], source_line: line });
    const { rows } = await listRows({ data: folder, columns: {}, limit: 9 });
    expect(rows.slice(-2).map((row) => [row.file, row.line])).toEqual([
      [join(folder, 'rows.jsonl'), 5],
      [file, 10],
    ]);
  });
});

it('a row is found by columns that broken rows have no say in', async () => {
  const file = join(base, 'shifted.csv');
  const sound = ['a lovely day', 'a dull evening', 'what a film', 'never again', 'once more', 'not for me'];
  const broken = ['one', 'two', 'three', 'four', 'five', 'six'].map((word) => `it went on, ${word} hours of it,a`);
  await writeFile(file, `${['x1,x2', ...sound.map((text, at) => `${text},${'ab'[at % 2]}`), ...broken].join('\n')}\n`);
  const { guess } = await inspectData({ file });
  expect(guess).toEqual({ text: 'x1', label: 'x2' });
  expect(await locateRow({ data: file, columns: {}, file, line: 3 })).toEqual({ state: 'same', file, line: 3 });
});

describe('appending is undone byte for byte', () => {
  const files: [string, string][] = [
    ['a.csv', 'text,label\none,a\ntwo,b'],
    ['a.tsv', 'text\tlabel\r\none\ta\r\ntwo\tb\r\n'],
    ['a.jsonl', '{"text":"one","label":"a"}\n{"text":"two","label":"b"}\n'],
    ['a.json', '[{"text":"one","label":"a"},{"text":"two","label":"b"}]'],
    ['a.md', '# Films\n\n| text | label |\n|---|---|\n| one | a |\n| two | b |\n\nMore prose.\n'],
  ];
  it.each(files)('%s', async (name, text) => {
    const file = join(base, name);
    await writeFile(file, text);
    const { undo } = await appendRows({ data: file, columns: {}, rows: [{ text: 'two', label: 'b' }] });
    expect(await readFile(file, 'utf8')).not.toBe(text);
    await undoAppend({ undo });
    expect(await readFile(file, 'utf8')).toBe(text);
    await expect(undoAppend({ undo })).rejects.toMatchObject({ code: 'data-invalid' });
  });

  it('of a dataset’s folder with its record', async () => {
    const { folder } = await selected('undone');
    const before = await readFile(join(folder, 'dataset.json'), 'utf8');
    const { undo } = await appendRows({ data: folder, columns: {}, rows: [{ text: 'x', label: 'new' }] });
    expect(JSON.parse(await readFile(join(folder, 'dataset.json'), 'utf8'))).toMatchObject({
      rows: 5,
      labels: ['a', 'b', 'new'],
    });
    await undoAppend({ undo });
    expect(await readFile(join(folder, 'dataset.json'), 'utf8')).toBe(before);
  });

  it('in the encoding that was told', async () => {
    const file = join(base, 'koi8.csv');
    const text = 'text,label\nпривет,a\nмир,b\n';
    await writeFile(file, iconv.encode(text, 'koi8-r'));
    const told = { data: file, columns: {}, encoding: 'koi8-r' };
    expect((await listRows({ ...told, limit: 9 })).rows.map((row) => row.text)).toEqual(['привет', 'мир']);
    const { undo } = await appendRows({ ...told, rows: [{ text: 'земля', label: 'b' }] });
    expect(iconv.decode(await readFile(file), 'koi8-r')).toBe(`${text}земля,b\n`);
    await undoAppend({ undo });
    expect(iconv.decode(await readFile(file), 'koi8-r')).toBe(text);
  });

  it('not where the file has changed since', async () => {
    const file = join(base, 'changed.csv');
    await writeFile(file, 'text,label\none,a\ntwo,b\n');
    const { undo } = await appendRows({ data: file, columns: {}, rows: [{ text: 'x', label: 'b' }] });
    const changed = (await readFile(file, 'utf8')).replace('one', 'eins');
    await writeFile(file, changed);
    await expect(undoAppend({ undo })).rejects.toThrow('changed.csv has changed since the row was added');
    expect(await readFile(file, 'utf8')).toBe(changed);
  });
});

describe('rows are paged and filtered', () => {
  it('without broken rows, whose label is another cell', async () => {
    const file = join(base, 'broken.csv');
    await writeFile(file, 'text,label\na b,x\nc d,e f,y\ng h,y\ni\n');
    const { rows, total } = await listRows({ data: file, columns: { text: 'text', label: 'label' }, limit: 9 });
    expect(rows.map(({ line, ...row }) => [line, 'label' in row && row.label])).toEqual([
      [2, 'x'],
      [4, 'y'],
    ]);
    expect(total).toBe(2);
  });

  it('by text, class and search; lengths are of all that match', async () => {
    const file = join(base, 'many.csv');
    const rows = Array.from({ length: 250 }, (_, i) => `${'word '.repeat(1 + (i % 10))}${i},${i % 2 ? 'odd' : 'even'}`);
    await writeFile(file, `text,label\n${rows.join('\n')}\n`);
    const list = (more: object) => listRows({ data: file, columns: {}, limit: 100, ...more });
    const second = await list({ offset: 100 });
    expect([second.total, second.rows.length, second.rows[0]!.line]).toEqual([250, 100, 102]);
    expect((await list({ offset: 200 })).rows.length).toBe(50);
    expect((await list({ label: 'odd' })).total).toBe(125);
    expect((await list({ search: 'WORD 11', label: 'odd' })).rows.map((row) => row.line)).toEqual([
      13, 113, 115, 117, 119, 121,
    ]);
    expect((await list({ text: '  word 20 ' })).rows.map((row) => row.line)).toEqual([22]);
    const { lengths } = await list({ limit: 1 });
    expect(lengths.counts.reduce((sum, n) => sum + n, 0)).toBe(250);
    expect(lengths).toMatchObject({ min: 6, max: 53 });
    expect((await list({ search: 'nowhere' })).lengths.counts).toEqual([]);
  });

  it('one text of a whole book does not squeeze the others into one bar', async () => {
    const file = join(base, 'book.csv');
    const rows = Array.from({ length: 99 }, (_, i) => `${'x'.repeat(10 + i)},${i % 2 ? 'a' : 'b'}`);
    await writeFile(file, `text,label\n${[...rows, `${'y'.repeat(100_000)},a`].join('\n')}\n`);
    const { lengths } = await listRows({ data: file, columns: {}, limit: 1 });
    expect(lengths.max).toBe(100_000);
    expect(lengths.counts.filter((n) => n > 0).length).toBeGreaterThan(8);
    expect(lengths.counts.length).toBeLessThanOrEqual(22);
  });
});
