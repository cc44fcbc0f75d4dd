import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunRecord } from '../../protocol/index.ts';
import { compareRuns } from './compare-runs.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier compare '));
});
afterAll(() => rm(place, { recursive: true, force: true }));

const rowsOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `text ${i},${i % 2 ? 'bad' : 'good'}`);

/** A run whose validation rows stand in a file of their own. */
async function makeRun(id: string, validation: string[], more: object = {}): Promise<string> {
  const folder = join(place, '.luthier', 'runs', id);
  await mkdir(folder, { recursive: true });
  const [train, held] = [join(folder, 'train.csv'), join(folder, 'validation.csv')];
  const training = Array.from({ length: 12 }, (_, i) => `learned ${i},${i % 2 ? 'bad' : 'good'}`);
  await writeFile(train, ['text,label', ...training].join('\n'));
  await writeFile(held, ['text,label', ...validation].join('\n'));
  const record = {
    format: 1,
    id,
    name: `run ${id}`,
    note: '',
    state: 'done',
    recipe: {
      task: 'text-classification',
      model: 'tiny',
      dataset: { train, validation: held },
      columns: { text: 'text', label: 'label' },
      strategy: { type: 'full' },
      validation_split: 0,
      seed: 1,
    },
    recipe_path: null,
    created_at: '2026-01-01T00:00:00.000Z',
    started_at: null,
    finished_at: null,
    step: 1,
    total_steps: 1,
    labels: ['bad', 'good'],
    best: null,
    model: 'model',
    error: null,
    environment: null,
    data_rules: 2,
    ...more,
  } as unknown as RunRecord;
  await writeFile(join(folder, 'run.json'), JSON.stringify(record));
  return folder;
}

/** Answers as a model would that gets every row right but those named. */
const answering = (wrong: Record<string, number[]>) => async (run: string, texts: { text: string }[]) => {
  const mistakes = new Set(
    Object.entries(wrong)
      .find(([id]) => run.endsWith(id))?.[1]
      .map((i) => `text ${i}`),
  );
  return texts.map(({ text }) => ((Number(text.slice(5)) % 2 === 0) !== mistakes.has(text) ? 'good' : 'bad'));
};

it('takes the same rows in another order one by one, and names those that only one gets right', async () => {
  const rows = rowsOf(10);
  const a = await makeRun('a', rows);
  const b = await makeRun('b', rows.toReversed());
  const label = answering({ a: [0, 1, 2], b: [2, 3] });
  const { n, shared, outcome } = await compareRuns({ runs: [a, b], limit: 1, label });
  expect({ n, shared }).toEqual({ n: [10, 10], shared: 10 });
  expect(outcome).toMatchObject({ both: 6, neither: 1, only_first: 1, only_second: 2 });
  // One row each at most, at its line in the first run's file.
  expect(outcome?.rows.map(({ text, line, label, first, second }) => ({ text, line, label, first, second }))).toEqual([
    { text: 'text 3', line: 5, label: 'bad', first: 'bad', second: 'good' },
    { text: 'text 0', line: 2, label: 'good', first: 'bad', second: 'good' },
  ]);
});

it('says how many rows are the same where not all are, and asks no model', async () => {
  const label = () => Promise.reject(new Error('not asked'));
  const a = await makeRun('c', rowsOf(10));
  const b = await makeRun('d', rowsOf(14).slice(6));
  expect(await compareRuns({ runs: [a, b], limit: 5, label })).toEqual({ n: [10, 8], shared: 4, outcome: null });
  // The same text with another class is another row.
  const c = await makeRun(
    'e',
    rowsOf(10).map((row) => row.replace('text 1,bad', 'text 1,good')),
  );
  expect(await compareRuns({ runs: [a, c], limit: 5, label })).toEqual({ n: [10, 10], shared: 9, outcome: null });
});

it('refuses a cross-validation: its folds were measured by several models', async () => {
  const a = await makeRun('f', rowsOf(10), { folds: { count: 5, final: true, results: [], deviations: {} } });
  await expect(compareRuns({ runs: [a, a], limit: 5, label: answering({}) })).rejects.toMatchObject({
    code: 'data-invalid',
    message: 'run f is a cross-validation: each of its folds was measured on other rows by another model.',
  });
});
