import { expect, test } from 'vitest';
import { logRange, logSplits } from './log-scale.ts';

test('a logarithmic axis is hardly wider than what it shows', () => {
  const [low, high] = logRange(0.2, 2);
  expect(low).toBeCloseTo(0.178, 3);
  expect(high).toBeCloseTo(2.244, 3);
  expect(logRange(0.5, 0.5)).toEqual([0.25, 1]);
});

test('what is not above nought does not count', () => {
  expect(logRange(0, 2)[0]).toBeGreaterThan(0);
  expect(logRange(null, null)).toEqual(logRange(1e-3, 1));
  expect(logRange(0, 1e-5)[0]).toBeLessThan(1e-5);
});

test('its labels are round numbers, three to eight of them', () => {
  expect(logSplits(0.001, 100)).toEqual([0.001, 0.01, 0.1, 1, 10, 100]);
  expect(logSplits(0.178, 2.24)).toEqual([0.2, 0.5, 1, 2]);
  expect(logSplits(0.02, 4)).toEqual([0.03, 0.1, 0.3, 1, 3]);
  expect(logSplits(0.31, 0.48)).toEqual([0.35, 0.4, 0.45]);
  for (let i = 0; i < 200; i++) {
    const min = 10 ** ((i % 17) - 9) * (1 + (i % 7));
    const splits = logSplits(...logRange(min, min * (1.01 + i)));
    expect(splits.length).toBeGreaterThanOrEqual(3);
    expect(splits.length).toBeLessThanOrEqual(8);
    expect(splits).toEqual([...new Set(splits)].sort((a, b) => a - b));
  }
});
