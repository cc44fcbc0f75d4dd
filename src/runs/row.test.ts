import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Recipe, RunRecord } from '../protocol/index.ts';
import { NOT_MEASURED, readMeasured, runRow } from './row.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-row ü-'));
});
afterAll(() => rm(folder, { recursive: true }));

const record = (change: Partial<RunRecord> = {}): RunRecord => ({
  ...{ format: 1, id: 'r', name: 'r', note: '', state: 'done', recipe_path: null, labels: [], model: null },
  recipe: {
    ...{ task: 'text-classification', problem_type: 'regression', model: 'starters/bert', dataset: '/data/a.csv' },
    ...{ strategy: { type: 'lora', r: 8, target_modules: ['query', 'value'] }, learning_rate: 2e-5 },
    class_weight: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`c${i}`, 1])),
  } as unknown as Recipe,
  ...{ created_at: '2026-11-27T08:00:00Z', started_at: '2026-11-27T08:00:10Z', finished_at: '2026-11-27T08:01:10Z' },
  ...{ step: 3, total_steps: 4, best: { step: 2, metrics: { pearson: 0.5, mse: 1 } }, error: null, environment: null },
  ...change,
});
const done = { state: 'done', silent: false, problem: null } as const;

test('a record becomes a row: the recipe flat, the task by its problem type, time, progress and the metric that decides', () => {
  const row = runRow('/runs/r', record(), done, NOT_MEASURED);
  expect(row).toMatchObject({
    ...{ run: '/runs/r', task: 'regression', model: 'starters/bert', strategy: 'lora', dataset: 'a.csv', seconds: 60 },
    ...{ progress: 0.75, main: 'pearson', tags: [], folds: null, seeds: null, rows: null },
  });
  expect(row.recipe).toMatchObject({
    ...{ 'strategy.r': 8, 'strategy.target_modules': 'query, value', learning_rate: 2e-5 },
    class_weight: expect.stringContaining('"c29":1'),
  });
  expect(Object.keys(row.recipe)).not.toContain('strategy.type');
});

test('time runs on while a run works, and is not known of one that was interrupted; damaged records make a row', () => {
  const open = record({ finished_at: null });
  const now = Date.parse('2026-11-27T08:00:40Z');
  expect(runRow('r', open, { ...done, state: 'running' }, NOT_MEASURED, now).seconds).toBe(30);
  expect(runRow('r', open, { ...done, state: 'interrupted' }, NOT_MEASURED, now).seconds).toBeNull();
  const damaged = runRow('r', record({ recipe: {} as Recipe, best: null }), done, NOT_MEASURED);
  expect(damaged).toMatchObject({ model: '', strategy: '', dataset: 'unknown data', main: null, recipe: {} });
});

test('rows and intervals come from the folder; a cross-validation’s rows are those of a fold and what it holds out', async () => {
  expect(await readMeasured(folder)).toEqual({ measured: null, rows: null });
  const start = {
    ...{ event: 'start', time: 1, run: folder, total_steps: 4, step: 0, num_train_rows: 80, num_validation_rows: 20 },
    ...{ labels: [], num_parameters: 1, num_trainable_parameters: 1, executor: 'wasm', num_threads: 1 },
  };
  const lines = (more: object) => `not json\n${JSON.stringify({ ...start, ...more })}\n{"event":"step"`;
  await writeFile(join(folder, 'metrics.jsonl'), lines({}));
  expect((await readMeasured(folder)).rows).toBe(80);
  await writeFile(join(folder, 'metrics.jsonl'), lines({ fold: 1 }));
  expect((await readMeasured(folder)).rows).toBe(100);
  const report = {
    ...{
      task: 'regression',
      split: 'validation',
      n: 20,
      labels: ['y'],
      mean: { value: 1, mse: 2 },
      points: [],
      worst: [],
    },
    metrics: { pearson: 0.5, spearmanr: 0.4, mse: 1, loss: 1 },
    intervals: { pearson: { low: 0.2, high: 0.7 }, mse: null },
  };
  await writeFile(join(folder, 'evaluation.json'), JSON.stringify({ validation: report }));
  expect((await readMeasured(folder)).measured).toEqual({ n: 20, intervals: report.intervals });
  await writeFile(join(folder, 'evaluation.json'), '{');
  expect((await readMeasured(folder)).measured).toBeNull();
});

test('a run with several seeds is a row of means, which one seed’s interval is not around', () => {
  const result = { metrics: { pearson: 0.5 }, n: 20 };
  const seeds = { values: [1, 2, 3], results: [{ seed: 1, ...result }], deviations: {} };
  const measured = { measured: { n: 20, intervals: { pearson: { low: 0.2, high: 0.7 } } }, rows: 80 };
  expect(runRow('r', record({ seeds }), done, measured)).toMatchObject({
    seeds: 3,
    measured: { n: 20, intervals: {} },
  });
  expect(runRow('r', record(), done, measured).measured).toEqual(measured.measured);
});
