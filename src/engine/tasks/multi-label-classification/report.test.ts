import { expect, it } from 'vitest';
import { labelsFrom } from './decode.ts';
import { bestThreshold, labelsReport, pooledLabels } from './report.ts';

const LABELS = ['late', 'price', 'rude'];
const TARGETS = [
  [1, 0, 1],
  [0, 0, 0],
  [0, 1, 0],
  [1, 1, 0],
  [0, 0, 1],
  [1, 0, 0],
];
const LOGITS = [
  [2, -1, 0.5],
  [-1, -2, 0.25],
  [0.5, 1, -1],
  [1, -0.5, -2],
  [-1, -1, -0.25],
  [3, -2, -3],
];
const rows = TARGETS.map((targets, i) => ({
  text: `text ${i}`,
  targets: Float32Array.from(targets),
  stratum: 0,
  file: '/data/rows.csv',
  line: i + 2,
}));
const items = rows.map(({ targets }) => ({ ids: new Int32Array(2), typeIds: null, labels: targets }));
const options = { split: 'validation' as const, labels: LABELS, rows, items, logits: Float32Array.from(LOGITS.flat()) };

it('metrics are scikit-learn’s and the loss torch’s, on the same answers', () => {
  const report = labelsReport({ ...options, base: '/data' });
  expect(report.metrics.accuracy).toBeCloseTo(0.3333333333, 9);
  expect(report.metrics.f1_macro).toBeCloseTo(0.6746031746, 9);
  expect(report.metrics.f1_micro).toBeCloseTo(0.7142857143, 9);
  expect(report.metrics.precision).toBeCloseTo(0.7142857143, 9);
  expect(report.metrics.recall).toBeCloseTo(0.7142857143, 9);
  expect(report.metrics.loss).toBeCloseTo(0.3817682418, 7);
  expect(report.per_class.map(({ f1 }) => f1)).toEqual([
    expect.closeTo(0.857142857, 8),
    expect.closeTo(0.666666667, 8),
    expect.closeTo(0.5, 8),
  ]);
  // Of six rows only the exact interval says something.
  expect(report.intervals.f1_micro).toBeNull();
  expect(report.intervals.accuracy).toEqual({ low: expect.closeTo(0.0433, 3), high: expect.closeTo(0.7772, 3) });
  expect(report.worst.map(({ line, file }) => [file, line])).toHaveLength(4);
  expect(report.worst[0]).toMatchObject({ file: 'rows.csv', labels: ['price'], predicted: ['late', 'price'] });
});

it('intervals hold the values, of each label too, and are the same each time', () => {
  const many = (n: number) => Array.from({ length: n }, (_, i) => i % rows.length);
  const of = many(60);
  const larger = {
    ...options,
    rows: of.map((i) => rows[i]!),
    items: of.map((i) => items[i]!),
    logits: Float32Array.from(of.flatMap((i) => LOGITS[i]!)),
  };
  const report = labelsReport(larger);
  for (const key of ['f1_micro', 'f1_macro', 'precision', 'recall', 'loss', 'accuracy'] as const) {
    expect(report.intervals[key]!.low).toBeLessThan(report.metrics[key]);
    expect(report.intervals[key]!.high).toBeGreaterThan(report.metrics[key]);
  }
  for (const { f1, f1_interval } of report.per_class) {
    expect(f1_interval!.low).toBeLessThan(f1!);
    expect(f1_interval!.high).toBeGreaterThan(f1!);
  }
  expect(labelsReport(larger)).toEqual(report);
  const pooled = pooledLabels([report, report]);
  expect([pooled.n, pooled.folds, pooled.metrics.f1_micro]).toEqual([
    120,
    2,
    expect.closeTo(report.metrics.f1_micro, 9),
  ]);
});

it('the threshold is the one of the highest micro F1, a half where that is as good, and decides the answers', () => {
  const low = { targets: [1, 1, 0, 0], logits: [-1, -1.5, -3, -4] };
  const one = low.targets.map((target) => ({ ids: new Int32Array(2), typeIds: null, labels: Float32Array.of(target) }));
  const threshold = bestThreshold(one, Float32Array.from(low.logits));
  const p = (x: number) => 1 / (1 + Math.exp(-x));
  expect(threshold).toBeCloseTo((p(-1.5) + p(-3)) / 2, 6);
  expect(bestThreshold(one, Float32Array.of(2, 1, -1, -2))).toBe(0.5);
  expect(bestThreshold([], new Float32Array())).toBe(0.5);
  expect(bestThreshold(one.slice(2), Float32Array.of(1, 2))).toBe(0.5);
  const asked = { texts: ['a'], items: [], logits: Float32Array.of(-1, -3, 0.1), labels: LABELS, model: 'm' };
  expect(labelsFrom(asked)[0]!.labels).toEqual(['rude']);
  const [answer] = labelsFrom({ ...asked, settings: { threshold } });
  expect(answer!.labels).toEqual(['late', 'rude']);
  expect(answer!.scores.price).toBeCloseTo(p(-3), 6);
});

it('is not sure of labels that are all right: of a label by its own rows, of folds by all', () => {
  const perfect = (n: number) => {
    const targets = Array.from({ length: n }, (_, i) => [Number(i % 2 === 0), Number(i % 2 === 1), Number(i < 3)]);
    return labelsReport({
      ...{ split: 'validation', labels: LABELS, base: '/data' },
      rows: targets.map((of, i) => ({ ...rows[0]!, line: i + 2, targets: Float32Array.from(of) })),
      items: targets.map((of) => ({ ids: new Int32Array(2), typeIds: null, labels: Float32Array.from(of) })),
      logits: Float32Array.from(targets.flat(), (of) => (of === 1 ? 3 : -3)),
    });
  };
  const least = (n: number) => expect.closeTo(0.025 ** (1 / n), 6);
  const { metrics, intervals, per_class } = perfect(14);
  for (const key of ['f1_micro', 'precision', 'recall', 'accuracy'] as const) {
    expect(metrics[key]).toBe(1);
    expect(intervals[key]).toEqual({ low: least(14), high: 1 });
  }
  expect(per_class.map(({ f1_interval }) => f1_interval)).toEqual([7, 7, 3].map((n) => ({ low: least(n), high: 1 })));
  // Of labels with fewer rows each, their mean is known less well than all rows are.
  expect(intervals.f1_macro!.low).toBeLessThan(intervals.f1_micro!.low);
  expect(intervals.f1_macro!.low).toBeGreaterThan(0.5);
  const pooled = pooledLabels([perfect(14), perfect(16), perfect(40)]);
  for (const key of ['f1_micro', 'precision', 'recall'] as const)
    expect(pooled.intervals[key]).toEqual({ low: least(70), high: 1 });
  expect(pooled.per_class.map(({ f1_interval }) => f1_interval)).toEqual(
    [35, 35, 9].map((n) => ({ low: least(n), high: 1 })),
  );
  expect(pooled.intervals.f1_macro!.low).toBeGreaterThan(intervals.f1_macro!.low);
});
