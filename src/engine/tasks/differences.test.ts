import { expect, it } from 'vitest';
import { classDifferences, labelDifferences } from './differences.ts';
import { IGNORED, type LabelledItem } from './task.ts';

const item = (...labels: number[]): LabelledItem => ({
  ids: new Int32Array(labels.length),
  typeIds: null,
  labels: Int32Array.from(labels),
});

it('classes: rows with another label, and how far a probability is at most', () => {
  // Probabilities 0.5 and 0.5 in the first row, against 0.475 and 0.525: Δlogit 0.1 → 1/(1+e^-0.1) = 0.52498.
  const a = Float32Array.of(0, 0, 3, 0);
  const b = Float32Array.of(0, 0.1, 3, 0);
  const found = classDifferences([item(0), item(1)], a, b, 2);
  expect(found.changed).toBe(1);
  expect(found.largest).toBeCloseTo(0.024979, 6);
  expect(classDifferences([item(0), item(1)], a, a, 2)).toEqual({ changed: 0, largest: 0 });
});

it('tokens: those without a label count for nothing, and an item with two other labels is one', () => {
  const items = [item(0, IGNORED), item(1, 0)];
  const a = Float32Array.of(1, 0, 1, 0, 1, 0, 1, 0);
  const b = Float32Array.of(1, 0, 0, 9, 0, 1, 0, 1);
  const found = classDifferences(items, a, b, 2);
  expect(found.changed).toBe(1);
  // 1/(1+e^-1) and 1/(1+e): 0.731059 - 0.268941.
  expect(found.largest).toBeCloseTo(0.462117, 6);
});

it('several labels: each by its own threshold’s side', () => {
  const items = [item(0), item(0)];
  // Probabilities 0.5 and 0.622459.
  const a = Float32Array.of(0, 0.5, 0, 0.5);
  const b = Float32Array.of(0, 0.5, 0.5, 0.5);
  const at = (threshold: number) => labelDifferences(items, a, b, { labels: 2, threshold });
  expect(at(0.5).changed).toBe(0);
  expect(at(0.6).changed).toBe(1);
  expect(at(0.6).largest).toBeCloseTo(0.122459, 6);
});

it('what is not finite is as far away as can be', () => {
  expect(classDifferences([item(0)], Float32Array.of(0, 1), Float32Array.of(Number.NaN, 1), 2)).toEqual({
    changed: 1,
    largest: 1,
  });
});
