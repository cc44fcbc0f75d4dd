import { expect, it } from 'vitest';
import { pearson, pooledValues, ranks, valueReport } from './report.ts';

const VALUES = [0, 1.5, 2, 2, 4.5, 5];
const PREDICTED = [0.5, 1, 2.5, 1.5, 4, 4.75];
const rows = VALUES.map((value, i) => ({ text: `text ${i}`, value, file: '/data/rows.csv', line: i + 2 }));
const options = {
  split: 'test' as const,
  labels: ['LABEL_0'],
  rows,
  items: rows.map(({ value }) => ({ ids: new Int32Array(2), typeIds: null, labels: Float32Array.of(value) })),
  logits: Float32Array.from(PREDICTED),
};

it('correlations are scipy’s, ties included, and the error numpy’s', () => {
  const { metrics, mean, worst, points } = valueReport({ ...options, base: '/data' });
  expect(metrics.pearson).toBeCloseTo(0.968207109042, 10);
  expect(metrics.spearmanr).toBeCloseTo(0.985610760609, 10);
  expect(metrics.mse).toBeCloseTo(0.21875, 10);
  expect(metrics.loss).toBe(metrics.mse);
  expect(mean.value).toBe(2.5);
  expect(points).toHaveLength(6);
  expect(worst[0]).toMatchObject({ file: 'rows.csv' });
});

it('ranks are shared by equal values; where a side is the same everywhere nothing correlates', () => {
  expect([...ranks([3, 1, 3, 2, 3])]).toEqual([4, 1, 4, 2, 4]);
  expect(pearson([1, 2, 3], [5, 5, 5])).toBe(0);
});

it('a mean of the training rows is what a model has to be better than; folds are pooled', () => {
  const trainRows = [
    { ...rows[0]!, value: 1 },
    { ...rows[1]!, value: 2 },
  ];
  const report = valueReport({ ...options, trainRows });
  expect(report.mean).toEqual({ value: 1.5, mse: 4 });
  const pooled = pooledValues([report, report]);
  expect([pooled.n, pooled.folds, pooled.points.length]).toEqual([12, 2, 12]);
  expect(pooled.metrics.mse).toBeCloseTo(report.metrics.mse, 12);
});
