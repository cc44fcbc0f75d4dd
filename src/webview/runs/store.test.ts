import { expect, test } from 'vitest';
import type { RunRow } from '../../protocol/run-row.ts';
import { runColumn } from '../../protocol/run-row.ts';
import { parseRunsMessage, parseRunsRequest } from '../../protocol/runs-page.ts';
import { axisOf } from './parallel.ts';
import { RunsStore } from './store.ts';
import { scrolledTo, windowOf } from './window.ts';

const row = (run: string, change: Partial<RunRow> = {}): RunRow => ({
  ...{ run, name: run, note: '', tags: [], state: 'done', silent: false, problem: null, error: null },
  ...{ task: 'text-classification', model: 'starters/bert', dataset: 'a.csv', data: '"/a.csv"', strategy: 'full' },
  ...{ created_at: `2026-11-27T08:00:0${run.length}Z`, seconds: 12, progress: 1, folds: null, seeds: null, rows: 80 },
  ...{ metrics: { accuracy: 0.5, loss: 1 }, main: 'accuracy', measured: null, recipe: { learning_rate: 2e-5 } },
  ...change,
});
const filled = (...rows: RunRow[]): RunsStore => {
  const store = new RunsStore();
  store.apply({ type: 'snapshot', rows, broken: [], changeable: true });
  return store;
};
const names = (store: RunsStore): string[] => store.rows.map(({ name }) => name);

test('rows are sorted by any column, the best first, names by their numbers; what has no value is last either way', () => {
  const store = filled(
    row('run 10', { metrics: { accuracy: 0.6 } }),
    row('run 9', { metrics: { accuracy: 0.9 } }),
    row('run 11', { metrics: {}, main: null }),
  );
  store.sortBy(runColumn('best')!);
  expect(names(store)).toEqual(['run 9', 'run 10', 'run 11']);
  store.sortBy(runColumn('best')!);
  expect(names(store)).toEqual(['run 10', 'run 9', 'run 11']);
  store.sortBy(runColumn('name')!);
  expect(names(store)).toEqual(['run 9', 'run 10', 'run 11']);
  store.sortBy(runColumn('metric.loss')!);
  expect(store.state.sort.descending).toBe(false);
});

test('a filter takes words from anywhere in a run, and its state, task and tag; what changes falls in and out', () => {
  const store = filled(
    row('first', { tags: ['Baseline'], note: 'cleaned labels' }),
    row('second', { state: 'failed', error: 'no space', task: 'regression' }),
  );
  store.change({ text: 'LABELS first' });
  expect(names(store)).toEqual(['first']);
  store.change({ text: 'space' });
  expect(names(store)).toEqual(['second']);
  store.change({ text: '', tag: 'Baseline' });
  expect(names(store)).toEqual(['first']);
  store.apply({ type: 'changed', rows: [row('first', { tags: [] })], removed: [] });
  expect(names(store)).toEqual([]);
  // The tag that is looked for stays among the choices, so that it can be seen and changed.
  expect(store.tagChoices).toEqual([{ value: 'Baseline', title: 'Baseline', n: 0 }]);
  store.clearFilter();
  expect(store.isFiltered).toBe(false);
  expect(store.stateChoices.map(({ value }) => value)).toEqual(['done', 'failed']);
});

test('runs that are gone are no longer selected; a range is that of the rows as they stand', () => {
  const store = filled(row('a'), row('bb'), row('ccc'), row('dddd'));
  store.sortBy(runColumn('name')!);
  store.selectRange('ccc', 'a');
  expect([...store.selected]).toEqual(['a', 'bb', 'ccc']);
  store.apply({ type: 'changed', rows: [], removed: ['bb'] });
  expect([...store.selected]).toEqual(['a', 'ccc']);
});

test('columns of recipe values that differ are offered first; the name always stays; a choice outlives a reload', () => {
  const store = filled(row('a'), row('b', { recipe: { learning_rate: 5e-5, seed: 1 } }));
  expect(store.choices.map(({ title, columns }) => [title, columns.length])).toEqual([
    ['Run', 16],
    ['Recipe, different among these runs', 2],
    ['Metrics on the validation rows', 2],
  ]);
  store.toggleColumn('recipe.learning_rate');
  store.toggleColumn('name');
  expect(store.columns.map(({ id }) => id)).toEqual([
    ...['name', 'state', 'task', 'model', 'strategy', 'rows', 'best', 'seconds', 'created_at'],
    'recipe.learning_rate',
  ]);
  const again = new RunsStore();
  again.restore(store.kept());
  expect(again.kept()).toEqual(store.kept());
  again.restore({ version: 2 });
  expect(again.kept()).toEqual(store.kept());
  expect(store.csv().split('\r\n')[0]).toContain('best,best_low,best_high,seconds,created_at,learning_rate');
});

test('the plot has what differs, the metric of most runs, and the best run last', () => {
  const store = filled(
    row('a', { metrics: { accuracy: 0.9, loss: 1 }, strategy: 'lora' }),
    row('b', { metrics: { accuracy: 0.7, loss: 2 }, recipe: { learning_rate: 5e-5, seed: 7 } }),
    row('c', { metrics: {}, main: null }),
  );
  expect(store.axisChoices.map(({ id }) => id)).toEqual(['strategy', 'recipe.learning_rate']);
  expect(store.plotMetric?.id).toBe('metric.accuracy');
  expect(store.plotted.map(({ name }) => name)).toEqual(['b', 'a']);
  store.change({ plot: { shown: true, axes: ['strategy'], metric: 'metric.loss' } });
  expect(store.axes.map(({ id }) => id)).toEqual(['strategy']);
  expect(store.plotted.map(({ name }) => name)).toEqual(['b', 'a']);
});

test('an axis places numbers by size, by their logarithm over a wide range, words evenly, and nothing where there is none', () => {
  const rates = [1e-5, 1e-4, 1e-3].map((learning_rate) => row('r', { recipe: { learning_rate } }));
  const rate = axisOf(runColumn('recipe.learning_rate')!, rates);
  expect(rates.map((one) => Number(rate.at(one)?.toFixed(6)))).toEqual([0, 0.5, 1]);
  expect(rate.ticks.map(({ value }) => value)).toEqual([1e-5, 1e-4, 1e-3]);
  const linear = axisOf(runColumn('rows')!, [row('a', { rows: 10 }), row('b', { rows: 30 }), row('c', { rows: 15 })]);
  expect(linear.at(row('d', { rows: 15 }))).toBe(0.25);
  expect(linear.at(row('d', { rows: null }))).toBeNull();
  const words = axisOf(
    runColumn('strategy')!,
    ['lora', 'full', 'head'].map((strategy) => row('s', { strategy })),
  );
  expect(words.ticks).toEqual([
    { at: 0, value: 'full' },
    { at: 0.5, value: 'head' },
    { at: 1, value: 'lora' },
  ]);
});

test('of a thousand rows those in sight are drawn, with the height of the others before and behind', () => {
  expect(windowOf(1000, 0, 560)).toEqual({ first: 0, end: 32, before: 0, after: 968 * 28 });
  const { first, end, before, after } = windowOf(1000, 5600, 560);
  expect([first, end, before + (end - first) * 28 + after]).toEqual([188, 232, 28_000]);
  expect(windowOf(3, 5600, 560)).toEqual({ first: 3, end: 3, before: 84, after: 0 });
  expect([scrolledTo(0, 100, 500, 28), scrolledTo(5, 100, 500, 28), scrolledTo(50, 100, 500, 28)]).toEqual([
    ...[0, 100, 956],
  ]);
});

test('what does not fit the wire is refused', () => {
  const message = (change: object) => ({ type: 'changed', rows: [{ ...row('a'), ...change }], removed: [] });
  expect(parseRunsMessage(message({})).ok).toBe(true);
  for (const change of [
    { state: 'lost' },
    { metrics: { accuracy: 'much' } },
    { recipe: { a: {} } },
    { main: 'toString' },
  ])
    expect(parseRunsMessage(message(change)).ok, JSON.stringify(change)).toBe(false);
  expect(parseRunsRequest({ type: 'compare', runs: ['a'] }).ok).toBe(true);
  expect(parseRunsRequest({ type: 'compare', runs: [1] }).ok).toBe(false);
});
