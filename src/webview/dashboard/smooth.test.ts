import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Smoother } from './smooth.ts';

test('weight 0 changes nothing', () => {
  const y = Float64Array.of(1, 5, 2);
  expect(new Smoother().smooth(y, 0, 0)).toBe(y);
});

test('the first value stands alone and a constant stays constant: the start has no bias', () => {
  const smooth = new Smoother().smooth(new Float64Array(200).fill(3), 0.99, 0);
  for (const value of smooth) expect(value).toBeCloseTo(3, 10);
});

test('weights by hand: s2 = (w(1-w)a + (1-w)b) / (1 - w²)', () => {
  const [first, second] = new Smoother().smooth(Float64Array.of(2, 8), 0.6, 0);
  expect(first).toBeCloseTo(2);
  expect(second).toBeCloseTo((0.6 * 0.4 * 2 + 0.4 * 8) / (1 - 0.36));
});

test('grown piece by piece it is the same as at once', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { maxLength: 3000 }), fc.nat(), (values, cut) => {
      const y = Float64Array.from(values);
      const piecewise = new Smoother();
      piecewise.smooth(y.subarray(0, y.length === 0 ? 0 : cut % y.length), 0.9, 0);
      expect([...piecewise.smooth(y, 0.9, 0)]).toEqual([...new Smoother().smooth(y, 0.9, 0)]);
    }),
  );
});

test('values that changed, or another weight, are computed again', () => {
  const smoother = new Smoother();
  smoother.smooth(Float64Array.of(1, 2, 3), 0.5, 0);
  expect([...smoother.smooth(Float64Array.of(9, 9, 9), 0.5, 1)]).toEqual([9, 9, 9]);
  expect(smoother.smooth(Float64Array.of(9, 9, 0), 0.9, 2)[2]).toBeGreaterThan(5);
});

test('not-a-number repeats the average before it and poisons nothing after it', () => {
  const smooth = new Smoother().smooth(Float64Array.of(4, Number.NaN, 4), 0.5, 0);
  expect([...smooth]).toEqual([4, 4, 4]);
});
