import { expect, it } from 'vitest';
import { windowsOf } from './items.ts';

it('windows learn each token but the first once, and a single token at a time is refused', () => {
  const windows = windowsOf(10, 4);
  expect(windows).toEqual([
    { start: 0, end: 4 },
    { start: 3, end: 7 },
    { start: 6, end: 10 },
  ]);
  expect(windowsOf(3, 2)).toHaveLength(2);
  for (const length of [0, 1]) expect(windowsOf(length, 2)).toEqual([{ start: 0, end: length }]);
  for (const most of [1, 0]) expect(() => windowsOf(10, most)).toThrow('which leaves none to learn');
});
