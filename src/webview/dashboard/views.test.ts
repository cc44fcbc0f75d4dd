import { describe, expect, test } from 'vitest';
import type { ClassificationReport } from '../../protocol/evaluation.ts';
import type { DoneEvent, SolvedEvent } from '../../protocol/events.ts';
import type { RunRecord } from '../../protocol/run.ts';
import type { RunState } from '../../protocol/states.ts';
import { bytes, duration, interval, significant } from '../shared/format.ts';
import { Averages } from './charts.ts';
import { verdict } from './compare-view.ts';
import { buttonsFor } from './header.ts';
import { confusedPairs, matrixOf, shade } from './matrix.ts';
import { recipeRows } from './recipe-rows.ts';
import { intervalText, reportsOf, shownReport } from './reports.ts';
import { howSolved } from './solved-view.ts';
import { record, snapshotOf, step, storeWith } from './testing/runs.ts';
import { tilesFor } from './tiles.ts';
import { INITIAL_VIEW, parseView, toggled } from './view-state.ts';

const report = {
  labels: ['a', 'b', 'c'],
  confusion: [
    [5, 0, 0],
    [1, 3, 4],
    [0, 2, 6],
  ],
} as unknown as ClassificationReport;

describe('confusion matrix', () => {
  test('is whole when it fits', () => {
    expect(matrixOf(report, 20)).toEqual({
      labels: ['a', 'b', 'c'],
      cells: report.confusion,
      totals: [5, 8, 8],
      left: 0,
    });
    expect(matrixOf(report, 0).left).toBe(0);
  });

  test('else keeps the classes with most errors in their order, and counts whole rows', () => {
    expect(matrixOf(report, 2)).toEqual({
      labels: ['b', 'c'],
      cells: [
        [3, 4],
        [2, 6],
      ],
      totals: [8, 8],
      left: 1,
    });
  });

  test('any row at all is seen', () => {
    expect(shade(0, 10)).toBe(0);
    expect(shade(1, 1000)).toBe(1);
    expect(shade(10, 10)).toBe(9);
    expect(shade(0, 0)).toBe(0);
  });

  test('pairs most often confused', () => {
    expect(confusedPairs(report, 2)).toEqual([
      { actual: 'b', predicted: 'c', n: 4, share: 0.5 },
      { actual: 'c', predicted: 'b', n: 2, share: 0.25 },
    ]);
  });
});

describe('kept view', () => {
  test('comes back as it was', () => {
    const view = {
      ...INITIAL_VIEW,
      tab: 'log',
      zoom: { min: 3, max: 8 },
      hidden: ['loss/validation'],
      smoothing: 0.5,
    } as const;
    expect(parseView(JSON.parse(JSON.stringify(view)))).toEqual(view);
  });

  test.each([
    [null],
    [7],
    ['x'],
    [[]],
    [{ tab: 'x', smoothing: 5, zoom: { min: 9, max: 1 }, hidden: [1], cell: { actual: 1 } }],
  ])('of %j is as at first', (kept) => {
    expect(parseView(kept)).toEqual(INITIAL_VIEW);
  });

  test('toggling twice changes nothing', () => {
    expect(toggled(toggled(['a'], 'b'), 'b')).toEqual(['a']);
    expect(toggled(['a'], 'a')).toEqual([]);
  });
});

test('recipes side by side: nested keys dotted, differences marked, absent keys empty', () => {
  expect(
    recipeRows([
      { learning_rate: 2e-5, strategy: { type: 'full' }, seed: 1 },
      { learning_rate: 5e-5, strategy: { type: 'freeze', num_frozen_layers: 2 }, seed: 1 },
    ]),
  ).toEqual([
    { key: 'learning_rate', values: ['2e-5', '5e-5'], differs: true },
    { key: 'strategy.type', values: ['full', 'freeze'], differs: true },
    { key: 'seed', values: ['1', '1'], differs: false },
    { key: 'strategy.num_frozen_layers', values: ['', '2'], differs: true },
  ]);
});

test('numbers as people read them', () => {
  expect([0.2134, 2e-5, 1.25e-7, 0, 12345, 3_200_000, Number.NaN, null].map((v) => significant(v))).toEqual([
    '0.213',
    '2e-5',
    '1.25e-7',
    '0',
    '12,345',
    '3.2e6',
    '–',
    '–',
  ]);
  expect([0, 59.4, 60, 115, 3600, 3900, 200_000, null].map(duration)).toEqual([
    '0 s',
    '59 s',
    '1 min',
    '1 min 55 s',
    '1 h',
    '1 h 5 min',
    '2 d 7 h',
    '–',
  ]);
  expect([0, 999, 1500, 1.36e9].map(bytes)).toEqual(['0 B', '999 B', '1.50 kB', '1.36 GB']);
});

describe('figures of a run', () => {
  const tiles = (...given: Parameters<typeof snapshotOf>) =>
    tilesFor(storeWith(snapshotOf(...given)).store.focused!, { view: INITIAL_VIEW, averages: new Averages() });

  test('one that has not begun says nothing about figures that are not there', () => {
    const waiting = tiles('a');
    expect(waiting).toHaveLength(6);
    expect(waiting.filter(({ detail }) => detail.includes('–') || detail === 'now')).toEqual([]);
    expect(tiles('a', [step(1)]).map(({ detail }) => detail)).toContain('10.0 ms per step');
  });

  test('speed and learning rate of a run that is done are those of most of its steps, not of its last', () => {
    const steps = [100, 90, 110, 105, 2].map((tokens_per_second, i) => ({ ...step(i + 1), tokens_per_second }));
    const speed = (more: object) => tiles('a', steps, more).find(({ name }) => name === 'Tokens per second');
    expect(speed({})).toMatchObject({ value: '2.00', detail: '10.0 ms per step' });
    const done: DoneEvent = {
      ...{ event: 'done', time: 1, run: 'a', model: '', metrics: {}, best_step: 5, step: 5, stopped_early: false },
      ...{ wall_s: 1, time_to_first_step_s: 1, peak_rss_bytes: 1e9 },
    };
    expect(speed({ events: [done] })).toMatchObject({ value: '100', detail: '10.0 ms per step, medians' });
    const rate = (recipe: object, events: DoneEvent[]) =>
      tiles('a', [{ ...step(1), learning_rate: 0 }], {
        record: record('a', { recipe: { learning_rate: 5e-5, lr_scheduler_type: 'linear', ...recipe } as never }),
        events,
      }).find(({ name }) => name === 'Learning rate');
    expect(rate({}, [])).toMatchObject({ value: '0', detail: 'linear' });
    expect(rate({}, [done])).toMatchObject({ value: '5e-5', detail: 'peak, linear' });
    const pairs = { strategy: { type: 'few-shot', body_learning_rate: 2e-5 } };
    expect(rate(pairs, [done])).toMatchObject({ value: '2e-5' });
  });

  test('memory is of now only while there is a process', () => {
    const memory = (state: RunState) =>
      tiles('a', [step(1)], { record: { ...record('a'), state } }).find(({ name }) => name === 'Memory')!.detail;
    expect((['running', 'paused', 'failed', 'interrupted', 'cancelled'] as const).map(memory)).toEqual([
      'now',
      'now',
      'at the last step',
      'at the last step',
      'at the last step',
    ]);
  });

  const measured = (n: number, interval: { low: number; high: number } | null) =>
    tiles('a', [step(1)], {
      record: { ...record('a'), best: { step: 1, metrics: { f1_macro: 1 } } },
      reports: [
        { split: 'validation', n, metrics: { f1_macro: 1 }, intervals: { f1_macro: interval } },
      ] as unknown as ClassificationReport[],
    })[0]!;

  test('a headline says how many rows it is of, and that a few say little', () => {
    expect(measured(4, null)).toEqual({
      name: 'Best macro F1',
      value: '100.0 %',
      detail: '4 rows held out: this says little',
    });
    expect(measured(12, { low: 0.6, high: 1 }).detail).toBe('95 %: 60.0 – 100.0 %, 12 rows held out: this says little');
    expect(measured(1, null).detail).toBe('1 row held out: this says little');
    expect(measured(533, { low: 0.9, high: 1 }).detail).toBe('95 %: 90.0 – 100.0 %, 533\u00a0rows');
    expect(measured(50, null).detail).toBe('step 1, 50\u00a0rows');
  });

  test('an interval says its unit once', () => {
    expect(interval('accuracy', { low: 0.656, high: 0.82 })).toBe('65.6 – 82.0 %');
    expect(interval('mcc', { low: 0.5, high: 0.75 })).toBe('0.500 – 0.750');
  });
});

test('of few rows no interval is known, and it says so', () => {
  const of = (n: number) =>
    ({ n, intervals: { accuracy: { low: 0.5, high: 1 }, mcc: null } }) as unknown as ClassificationReport;
  expect([intervalText(of(4), 'accuracy'), intervalText(of(4), 'mcc'), intervalText(of(10), 'mcc')]).toEqual([
    '50.0 – 100.0 %',
    'too few rows',
    '',
  ]);
});

test('evaluations on files stand beside the run’s own, which come first and are shown first', () => {
  const validation = { split: 'validation' } as ClassificationReport;
  const file = { name: 'march', title: 'march.csv', report: { split: 'test' } as ClassificationReport };
  const { store } = storeWith(snapshotOf('a', [], { reports: [validation], evaluations: [file as never] }));
  const run = store.focused!;
  expect(reportsOf(run).map(({ key, title }) => [key, title])).toEqual([
    ['validation', 'Validation'],
    ['file:march', 'march.csv'],
  ]);
  expect(shownReport(run, null)?.key).toBe('validation');
  expect(shownReport(run, 'file:march')?.report).toBe(file.report);
  expect(shownReport(run, 'file:gone')?.key).toBe('validation');
});

test('two models are called different by McNemar’s test alone', () => {
  expect(verdict('a', 'b', { only_first: 25, only_second: 8 })).toMatch(
    /^a is better \(McNemar’s exact test: p.=.0\.0046\)\.$/,
  );
  expect(verdict('a', 'b', { only_first: 8, only_second: 25 })).toMatch(/^b is better/);
  expect(verdict('a', 'b', { only_first: 5, only_second: 2 })).toMatch(/may well be chance .*p.=.0\.45/);
  expect(verdict('a', 'b', { only_first: 0, only_second: 0 })).toBe('They get the same rows right.');
});

test('rows and labels are called as the task calls them', () => {
  const start = { num_train_rows: 288, num_validation_rows: 32 };
  const of = (recipe: object, labels: string[]) => {
    const { store } = storeWith(snapshotOf('a', [], { record: record('a', { recipe } as never) }));
    const run = { ...store.focused!, start: { ...start, labels } as never };
    const { name, value, detail } = tilesFor(run, { view: INITIAL_VIEW, averages: new Averages() }).at(-1)!;
    return `${name}: ${value} (${detail})`;
  };
  const tags = ['O', 'B-PER', 'I-PER'];
  expect(of({ task: 'token-classification' }, tags)).toBe('Sentences: 288 (3 tags, 32 held out)');
  expect(of({ task: 'conversational' }, [])).toBe('Conversations: 288 (32 held out)');
  expect(of({ task: 'text-classification', problem_type: 'regression' }, ['stars'])).toBe('Rows: 288 (32 held out)');
});

test('figures of a cross-validation are the mean and spread of its folds', () => {
  const results = [0.8, 0.9].map((f1_macro, i) => ({ fold: i + 1, metrics: { f1_macro }, n: 10 }));
  const folds = { count: 2, final: true, results, deviations: { f1_macro: 0.0707 } };
  const of = (more: Partial<RunRecord>) => {
    const { store } = storeWith(snapshotOf('a', [], { record: record('a', more) }));
    return tilesFor(store.focused!, { view: INITIAL_VIEW, averages: new Averages() })[0];
  };
  const best = { step: 9, metrics: { f1_macro: 0.85 } };
  expect(of({ folds, best })).toEqual({ name: 'Mean macro F1', value: '85.0 %', detail: '± 7.1 %, 2\u00a0folds' });
  expect(of({ folds: { ...folds, results: [], deviations: {} } })?.detail).toBe('after the first fold');
});

test('a run that failed before its first checkpoint offers its recipe first, one with a checkpoint to resume', () => {
  const offered = (hasCheckpoint: boolean) =>
    buttonsFor('failed', false, { hasCheckpoint }).map(({ label, primary = false }) => [label, primary]);
  expect(offered(false)).toEqual([
    ['Duplicate and Edit', true],
    ['Resume', false],
  ]);
  expect(offered(true)).toEqual([
    ['Resume', true],
    ['Duplicate and Edit', false],
  ]);
});

test('a classifier that was solved has no rate and no speed, but what it was solved on', () => {
  const strategy = { type: 'head', solver: 'lbfgs' };
  const { store } = storeWith(
    snapshotOf('a', [step(1)], { record: record('a', { state: 'done', recipe: { strategy } as never }) }),
  );
  const tiles = () => tilesFor(store.focused!, { view: INITIAL_VIEW, averages: new Averages() });
  const names = ['Best loss', 'Training loss', 'Features', 'Memory', 'C', 'Rows'];
  expect(tiles().map(({ name }) => name)).toEqual(names);
  expect(tiles()[4]!.value).toBe('–');
  const choices = [0.1, 1, 10].map((C) => ({ C, accuracy: 0.5, loss: 1 }));
  const solved: SolvedEvent = {
    event: 'solved',
    ...{ time: 1, step: 1, epoch: 1, C: 10, choices, folds: 5, validated_rows: 90, rows: 90 },
    ...{ features: 256, iterations: 31, converged: true, loss: 0.2, seconds: 0.4 },
  };
  expect(howSolved(solved)).toContain('on 90 rows of 256 features: 31 iterations');
  expect(howSolved({ ...solved, label_rows: 16 })).toContain('of 256 features and 16 rows of the labels’ names: 31');
  store.apply({ type: 'events', run: 'a', events: [solved] });
  expect(tiles()[2]).toEqual({ name: 'Features', value: '256', detail: 'solved in 31 iterations' });
  expect(tiles()[4]).toEqual({ name: 'C', value: '10', detail: 'best of 3' });
  // It is done again from the checkpoint on.
  const start = { event: 'start', time: 2, run: 'a', total_steps: 1, step: 0, num_train_rows: 90 };
  const more = {
    num_validation_rows: 10,
    num_parameters: 1,
    num_trainable_parameters: 1,
    executor: 'x',
    num_threads: 1,
  };
  store.apply({ type: 'events', run: 'a', events: [{ ...start, ...more, labels: [] } as never] });
  expect(store.focused!.solved).toBeNull();
});
