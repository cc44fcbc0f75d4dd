import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { bestRuns, type RunRow, runColumn, runsCsv, stateText } from './run-row.ts';
import { cleanTags, tagProblem, tagsProblem } from './tags.ts';

const row = (run: string, change: Partial<RunRow> = {}): RunRow => ({
  ...{ run, name: run, note: '', tags: [], state: 'done', silent: false, problem: null, error: null },
  ...{ task: 'text-classification', model: 'starters/bert', dataset: 'a.csv', data: '"/a.csv"', strategy: 'full' },
  ...{ created_at: '2026-11-27T08:00:00.000Z', seconds: 12.5, progress: 1, folds: null, seeds: null, rows: 80 },
  ...{ metrics: { accuracy: 0.5, loss: 1 }, main: 'accuracy', measured: null, recipe: { learning_rate: 2e-5 } },
  ...change,
});

test('the best is marked among runs of the same task, data and metric, where there are several; ties are all best', () => {
  const rows = [
    row('a', { metrics: { accuracy: 0.7 } }),
    row('b', { metrics: { accuracy: 0.9 } }),
    row('c', { metrics: { accuracy: 0.9 } }),
    row('broken', { metrics: { accuracy: 1 }, problem: 'This run cannot be read.' }),
    row('unmeasured', { metrics: {}, main: null }),
    row('alone', { data: '"/b.csv"' }),
    row('p1', { task: 'text-generation', main: 'perplexity', metrics: { perplexity: 9 } }),
    row('p2', { task: 'text-generation', main: 'perplexity', metrics: { perplexity: 7 } }),
  ];
  expect([...bestRuns(rows)].sort()).toEqual(['b', 'c', 'p2']);
});

test('CSV has plain numbers, an interval in columns of its own, and what is not known as nothing', () => {
  const columns = ['name', 'state', 'best', 'metric.loss', 'recipe.learning_rate', 'seconds', 'tags'].map(
    (id) => runColumn(id)!,
  );
  const text = runsCsv(
    [
      row('a, "b"', { measured: { n: 40, intervals: { accuracy: { low: 0.4, high: 0.6 } } }, tags: ['x', 'y'] }),
      row('=SUM(1)', { metrics: {}, main: null, seconds: null, recipe: {} }),
    ],
    columns,
  );
  expect(parse(text, { columns: true })).toEqual([
    {
      ...{ name: 'a, "b"', state: 'done', metric: 'accuracy', best: '0.5', best_low: '0.4', best_high: '0.6' },
      ...{ loss: '1', loss_low: '', loss_high: '', learning_rate: '0.00002', seconds: '12.5', tags: 'x, y' },
    },
    {
      ...{ name: "'=SUM(1)", state: 'done', metric: '', best: '', best_low: '', best_high: '' },
      ...{ loss: '', loss_low: '', loss_high: '', learning_rate: '', seconds: '', tags: '' },
    },
  ]);
});

test('a state says how far it is where that says something', () => {
  expect(stateText({ state: 'running', silent: false, progress: 0.427 })).toBe('training, 42 %');
  expect(stateText({ state: 'running', silent: true, progress: 0.4 })).toBe('not answering');
  expect(stateText({ state: 'done', silent: false, progress: 1 })).toBe('done');
});

test('columns of another version are none', () => {
  expect(runColumn('metric.accuracy')?.title).toBe('accuracy');
  expect(runColumn('metric.fame')).toBeUndefined();
  expect(runColumn('fame')).toBeUndefined();
});

test('tags are clean, each once, and none that CSV or a command line would take apart', () => {
  expect(cleanTags(['  b  c ', 'a', 'b c'])).toEqual(['a', 'b c']);
  expect([' ', 'a,b', 'a;b', 'x'.repeat(41), 'ok', 'two words'].map((tag) => tagProblem(tag) === null)).toEqual([
    ...[false, false, false, false, true, true],
  ]);
  expect(tagsProblem(['a', 1])).toMatch(/list of texts/);
  expect(tagsProblem(Array.from({ length: 21 }, (_, i) => `t${i}`))).toMatch(/at most 20/);
  expect(tagsProblem(['a', 'b'])).toBeNull();
});
