import { expect, it } from 'vitest';
import { append, largest, smallest } from './arrays.ts';

it('a million values have a largest, a smallest and a place at the end of a list', () => {
  const values = Float64Array.from({ length: 1_000_000 }, (_, i) => (i * 7919) % 1_000_003);
  expect(largest(values)).toBe(1_000_002);
  expect(smallest(values)).toBe(0);
  const list = [5];
  append(list, values);
  expect([list.length, list[0], list[2]]).toEqual([1_000_001, 5, 7919]);
});

it('none, negatives and NaN are as Math.max has them', () => {
  expect(largest([])).toBe(Number.NEGATIVE_INFINITY);
  expect(largest([], undefined, 0)).toBe(0);
  expect(smallest([])).toBe(Number.POSITIVE_INFINITY);
  expect(largest([-3, -1, -2])).toBe(-1);
  expect(largest(['a', 'abc'], (text) => text.length)).toBe(3);
  expect(largest([1, Number.NaN, 2])).toBeNaN();
  expect(smallest([1, Number.NaN, 2])).toBeNaN();
});
