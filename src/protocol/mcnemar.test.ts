import { expect, it } from 'vitest';
import { mcnemar } from './mcnemar.ts';

it.each([
  // By hand: 2 · Σ C(n, i) / 2^n.
  [0, 1, 1],
  [0, 5, 2 / 32],
  [1, 9, (2 * 11) / 1024],
  [3, 9, (2 * 299) / 4096],
  [4, 6, (2 * 386) / 1024],
  // Nothing tells them apart.
  [0, 0, 1],
  [7, 7, 1],
])('%i against %i rows: p = %f', (a, b, p) => {
  expect(mcnemar(a, b)).toBeCloseTo(p, 12);
  expect(mcnemar(b, a)).toBe(mcnemar(a, b));
});

it('is right for many rows, where the normal approximation is, too', () => {
  // z = 10 with the correction for continuity: Φ(−10) is 7.6e-24.
  expect(Math.log10(mcnemar(495_000, 505_001))).toBeCloseTo(Math.log10(2 * 7.62e-24), 1);
  expect(mcnemar(499_999, 500_000)).toBeCloseTo(1, 2);
  expect(mcnemar(0, 5000)).toBe(0);
});
