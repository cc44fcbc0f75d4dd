import { expect, test } from 'vitest';
import type { StartEvent } from '../../protocol/events.ts';
import { chartCsv, summary } from './chart-text.ts';
import { Averages, chartsFor, draw, nearest } from './charts.ts';
import { snapshotOf, step, storeWith } from './testing/runs.ts';

const steps = (n: number) => Array.from({ length: n }, (_, i) => step(i + 1));
const at = { axis: 'step', zoom: null, smoothing: 0, hidden: [], hiddenRuns: [], width: 300 } as const;
const evaluated = (n: number, loss: number) =>
  ({
    event: 'eval',
    time: 1000 + n,
    step: n,
    epoch: n / 10,
    split: 'validation',
    metrics: { loss },
    n: 9,
    best: true,
  }) as const;

test('one run: training loss raw and smoothed, validation loss as points on the same x', () => {
  const { store } = storeWith(snapshotOf('a', steps(4), { events: [evaluated(2, 0.9)] }));
  const drawing = draw(
    { ...at, chart: chartsFor([store.focused!])[0]!, runs: [store.focused!], smoothing: 0.5 },
    new Averages(),
  );
  expect(drawing.lines.map((line) => line.kind)).toEqual(['raw', 'smooth', 'points']);
  expect(drawing.data[0]).toEqual([1, 2, 3, 4]);
  expect(drawing.data[1]).toEqual([1, 1 / 2, 1 / 3, 1 / 4]);
  expect(drawing.data[3]).toEqual([null, 0.9, null, null]);
  expect(drawing.x).toEqual({ min: 0, max: 4 });
});

test('the charts of a run are the same objects at each look: a legend finds its values by the line that was drawn', () => {
  const { store } = storeWith(snapshotOf('a', steps(4)));
  const [first, again] = [chartsFor([store.focused!]), chartsFor([store.focused!])];
  expect(again.map((chart, i) => chart === first[i])).not.toContain(false);
  expect(again.length).toBeGreaterThan(2);
});

test('where the steps learn pairs, their loss has a chart of its own, and says so; beside other runs, too', () => {
  const start: StartEvent = {
    event: 'start',
    ...{ time: 999, run: '/r', total_steps: 4, step: 0, num_train_rows: 9, num_validation_rows: 9 },
    ...{ labels: ['a', 'b'], num_parameters: 9, num_trainable_parameters: 9, executor: 'wasm', num_threads: 1 },
  };
  const pairs = snapshotOf('a', steps(4), { events: [{ ...start, loss_of: 'pairs' }, evaluated(4, 0.9)] });
  const { store } = storeWith(pairs, snapshotOf('b', steps(4), { events: [start] }));
  const [a, b] = [...store.runs.values()];
  const titles = (...runs: (typeof a)[]) => chartsFor(runs as NonNullable<typeof a>[]).map(({ title }) => title);
  expect(titles(a).slice(0, 2)).toEqual(['Loss of pairs', 'Validation loss']);
  expect(titles(b)[0]).toBe('Loss');
  expect(titles(a, b)[0]).toBe('Training loss (few-shot: of pairs)');
  const drawing = draw({ ...at, chart: chartsFor([a!])[0]!, runs: [a!] }, new Averages());
  expect(drawing.lines.map(({ line }) => line.name)).toEqual(['Loss of pairs']);
});

test('where a prompt is pre-trained, the chart of the loss says up to which step its loss is that', () => {
  const start: StartEvent = {
    event: 'start',
    ...{ time: 999, run: '/r', total_steps: 4, step: 0, num_train_rows: 9, num_validation_rows: 9 },
    ...{ labels: ['a', 'b'], num_parameters: 9, num_trainable_parameters: 9, executor: 'wasm', num_threads: 1 },
    pretraining: { steps: 2, rows: 8, held_out: 1 },
  };
  const { store } = storeWith(snapshotOf('a', steps(4), { events: [start] }), snapshotOf('b', steps(4)));
  const [a, b] = [...store.runs.values()];
  expect(chartsFor([a!])[0]!.title).toBe('Loss (of pre-training up to step 2)');
  expect(chartsFor([b!])[0]!.title).toBe('Loss');
  expect(chartsFor([a!, b!])[0]!.title).toBe('Training loss (of pre-training up to step 2)');
});

test('100,000 steps are drawn as about two points a pixel, zoomed in all of those in range', () => {
  const { store } = storeWith(snapshotOf('a', steps(100_000)));
  const chart = chartsFor([store.focused!])[0]!;
  const all = draw({ ...at, chart, runs: [store.focused!] }, new Averages());
  expect(all.data[0].length).toBeLessThan(610);
  const zoomed = draw({ ...at, chart, runs: [store.focused!], zoom: { min: 500, max: 520 } }, new Averages());
  expect(Array.from(zoomed.data[0])).toEqual(Array.from({ length: 23 }, (_, i) => 499 + i));
  expect(zoomed.x).toEqual({ min: 500, max: 520 });
});

test('several runs: one line each in colours of their own; hidden ones leave the colours alone', () => {
  const { store } = storeWith(snapshotOf('a', steps(3)), snapshotOf('b', steps(5)), snapshotOf('c', steps(2)));
  const runs = [...store.runs.values()];
  const chart = chartsFor(runs)[0]!;
  const all = draw({ ...at, chart, runs }, new Averages());
  expect(all.lines.map((line) => [line.run.id, line.color])).toEqual([
    ['a', 'charts-blue'],
    ['b', 'charts-orange'],
    ['c', 'charts-green'],
  ]);
  const some = draw({ ...at, chart, runs, hiddenRuns: ['b'] }, new Averages());
  expect(some.lines.map((line) => [line.run.id, line.color])).toEqual([
    ['a', 'charts-blue'],
    ['c', 'charts-green'],
  ]);
});

test('other axes: epochs, and minutes since the first event', () => {
  const { store } = storeWith(
    snapshotOf('a', steps(3), { events: [{ event: 'state', time: 1000, state: 'running' }] }),
  );
  const chart = chartsFor([store.focused!])[0]!;
  const runs = [store.focused!];
  expect(draw({ ...at, chart, runs, axis: 'epoch' }, new Averages()).data[0]).toEqual([0.1, 0.2, 0.3]);
  expect(draw({ ...at, chart, runs, axis: 'time' }, new Averages()).data[0]).toEqual([1 / 60, 2 / 60, 3 / 60]);
});

test('a run without a step draws nothing and breaks nothing', () => {
  const { store } = storeWith(snapshotOf('a'));
  for (const chart of chartsFor([store.focused!])) {
    const drawing = draw({ ...at, chart, runs: [store.focused!], smoothing: 0.9 }, new Averages());
    expect(drawing.data[0]).toEqual([]);
    expect(drawing.x).toBeNull();
    expect(summary(chart, [store.focused!], 'step')).toContain('no points yet');
  }
});

test('a line’s value where it has no point of its own is the one before, else the next', () => {
  expect(nearest([null, 5, null, null, 7], 3)).toBe(7);
  expect(nearest([null, 5, null, 7], 2)).toBe(5);
  expect(nearest([null, 5], 0)).toBe(5);
  expect(nearest([null, null], 1)).toBeNull();
});

test('the text alternative gives range and best', () => {
  const { store } = storeWith(snapshotOf('a', [step(1, 2), step(2, 0.5), step(3, 0.75)]));
  expect(summary(chartsFor([store.focused!])[0]!, [store.focused!], 'step')).toBe(
    'Loss. Training: 3 points from 2.00 to 0.750, lowest 0.500 at step 2. Validation: no points yet.',
  );
});

test('the CSV holds every point, not only the drawn ones', () => {
  const { store } = storeWith(snapshotOf('a', steps(5000), { events: [evaluated(10, 0.25)] }));
  const lines = chartCsv(chartsFor([store.focused!])[0]!, [store.focused!])
    .trimEnd()
    .split('\r\n');
  expect(lines).toHaveLength(5002);
  expect(lines.slice(0, 3)).toEqual(['run,series,step,value', 'Run a,Training,1,1', 'Run a,Training,2,0.5']);
  expect(lines.at(-1)).toBe('Run a,Validation,10,0.25');
});
