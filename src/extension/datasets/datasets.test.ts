import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { slug, uniqueName } from '../../files/names.ts';
import type { DataSummary, TaskName } from '../../protocol/index.ts';
import { temporaryFolder } from '../testing/programs.ts';
import { describeDataset, isDataFile, readMadeDatasets } from './dataset.ts';
import { DatasetStore } from './store.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: string;
beforeEach(() => {
  folder = temporaryFolder();
  home = join(folder.path, '.luthier');
});
afterEach(() => folder.remove());

const made = (name: string, record: unknown) => {
  mkdirSync(join(home, 'datasets', name), { recursive: true });
  writeFileSync(
    join(home, 'datasets', name, 'dataset.json'),
    typeof record === 'string' ? record : JSON.stringify(record),
  );
  writeFileSync(join(home, 'datasets', name, 'rows.jsonl'), '{"text": "a", "label": "b"}\n');
};
const summaryOf = (rows: number) =>
  ({ rows, classes: [{ label: 'a', count: rows }], columns: [], problems: [], guess: {} }) as unknown as DataSummary;

function storeOf(files: string[], rows = () => 3) {
  const request = vi.fn(async () => summaryOf(rows()));
  let added: readonly string[] = [];
  const store = new DatasetStore({
    service: { request } as never,
    homes: () => [home],
    find: async () => files,
    added: {
      get: () => added,
      set: async (paths) => {
        added = paths;
      },
    },
  });
  return { store, request };
}

test('folders that Luthier made are listed, and those that cannot be read beside them with the reason', async () => {
  made('good', { format: 1, name: 'good', rows: 7, labels: ['a', 'b'] });
  made('newer', { format: 99, name: 'newer', rows: 7, labels: [] });
  made('torn', '{"format": 1, "ro');
  mkdirSync(join(home, 'datasets', 'empty'));
  made('rowless', { format: 1, name: 'rowless', rows: 7, labels: ['a'] });
  rmSync(join(home, 'datasets', 'rowless', 'rows.jsonl'));
  made('secret', { format: 1, name: 'secret', rows: 7, labels: ['a'] });
  chmodSync(join(home, 'datasets', 'secret', 'dataset.json'), 0o000);
  made('nothing', 'null');
  made('odd', { format: 1, rows: 1, labels: [{}] });
  const { datasets, broken } = await readMadeDatasets(home);
  chmodSync(join(home, 'datasets', 'secret', 'dataset.json'), 0o600);
  // Nothing is forbidden to root.
  const isRoot = process.getuid?.() === 0;
  const secret = ['secret', 'dataset.json cannot be read: permission denied.'];
  expect(broken.map(({ path, problem }) => [basename(path), problem]).sort()).toEqual([
    ['empty', 'dataset.json is missing.'],
    ['newer', 'dataset.json is from a newer version of Luthier (layout 99; this one knows 1).'],
    ['nothing', 'dataset.json is not a record.'],
    ['odd', 'dataset.json is damaged: one of its labels is not a text.'],
    ['rowless', 'rows.jsonl is missing.'],
    ...(isRoot ? [] : [secret]),
    ['torn', 'dataset.json is damaged: it is not complete JSON.'],
  ]);
  expect(datasets.map(({ name }) => name)).toEqual(isRoot ? ['good', 'secret'] : ['good']);
  expect(describeDataset(datasets[0]!, () => '')).toBe('7 rows · 2 classes');
  const of = (task: TaskName) => ({ ...datasets[0]!, record: { ...datasets[0]!.record!, task } });
  expect(describeDataset(of('multi_label_classification'), () => '')).toBe('7 rows · 2 labels');
  // Numbers and texts that are written are no labels.
  expect(describeDataset(of('regression'), () => '')).toBe('7 rows');
  expect(describeDataset(of('text-generation'), () => '')).toBe('7 texts');
});

test('a list reads no rows; a file is read once for as long as it does not change', async () => {
  const file = join(folder.path, 'tickets.csv');
  writeFileSync(file, 'text,label\n');
  const { store, request } = storeOf([file]);
  const [dataset] = await store.list();
  expect(request).not.toHaveBeenCalled();
  await store.inspect(dataset!);
  await store.inspect(dataset!);
  expect(request).toHaveBeenCalledTimes(1);
  expect(request).toHaveBeenCalledWith('data/inspect', { file }, { onProgress: expect.any(Function) });
  store.refresh();
  const [again] = await store.list();
  expect(describeDataset(again!, () => '')).toBe('3 rows · 1 class');
  writeFileSync(file, 'text,label\nmore,rows\n');
  await store.inspect(again!);
  expect(request).toHaveBeenCalledTimes(2);
});

test('beside a dataset with errors stands how many, and one row is one row', async () => {
  const { store } = storeOf(['/w/a.csv']);
  const [dataset] = await store.list();
  const problems = [{ severity: 'error', code: 'quotes', message: 'The quotes are not closed.' }];
  const described = (rows: number, change: object) =>
    describeDataset({ ...dataset!, summary: { ...summaryOf(rows), ...change } as DataSummary }, () => '');
  expect(described(0, { problems, classes: [] })).toBe('0 rows · 1 error');
  expect(described(1, {})).toBe('1 row · 1 class');
});

test('files are added once and forgotten again', async () => {
  const { store } = storeOf(['/w/a.csv']);
  expect(await store.add(['/w/a.csv', '/x/b.tsv'])).toEqual(['/x/b.tsv']);
  expect((await store.list()).map(({ name, kind }) => `${kind} ${name}`)).toEqual(['found a.csv', 'added b.tsv']);
  await store.forget(['/x/b.tsv']);
  expect((await store.list()).map(({ name }) => name)).toEqual(['a.csv']);
});

test('50 datasets are listed, 10 of them made', async () => {
  for (let i = 0; i < 10; i++) made(`set-${i}`, { format: 1, rows: i, labels: [] });
  const { store } = storeOf(Array.from({ length: 40 }, (_, i) => `/w/file-${i}.csv`));
  expect((await store.list()).length).toBe(50);
});

test('what could be a dataset goes by its name; recipes are none', () => {
  for (const name of ['a.csv', 'A.TSV', 'x.jsonl', 'x.json', 'notes.md', 'lines.txt'])
    expect(isDataFile(`/w/${name}`)).toBe(true);
  for (const name of ['a.recipe.json', 'model.safetensors', 'csv', 'a.png'])
    expect(isDataFile(`/w/${name}`)).toBe(false);
});

test('any text becomes a name that every file system takes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const name = slug(text);
      expect(name).toMatch(/^[\p{L}\p{M}\p{N}][\p{L}\p{M}\p{N}-]*$/u);
      expect([...name].length).toBeLessThanOrEqual(45);
      expect(name).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)$/);
    }),
  );
  expect(slug('Tickets 2026 (final).csv')).toBe('tickets-2026-final-csv');
  expect(slug('отзывы')).toBe('отзывы');
  expect(slug('con')).toBe('data-con');
  expect(slug('…')).toBe('data');
});

test('a taken name is numbered, whatever its case', () => {
  expect(uniqueName('a', [])).toBe('a');
  expect(uniqueName('a', ['A', 'a-2'])).toBe('a-3');
});
