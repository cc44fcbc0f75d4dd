import { expect, test } from 'vitest';
import { countFitting, endingOf, expectedAfter, shareOf } from './budget.ts';

test.each([
  [[10, 20, 60], 90, 3],
  [[10, 20, 60], 89, 2],
  [[10, 20, 60], 9, 0],
  [[10, 20, 60], null, 3],
  [[], 10, 0],
])('of %j, %s seconds fit %i', (estimates, budget, count) => {
  expect(countFitting(estimates, budget)).toBe(count);
});

test('what is left is divided as the estimates are, and what one does not use goes to the next', () => {
  expect(shareOf(300, [20, 40, 40])).toBe(60);
  expect(shareOf(290, [40, 40])).toBe(145);
  expect(shareOf(200, [40])).toBe(200);
});

test('a share is long enough to begin and to end in, and never longer than what is left', () => {
  expect(shareOf(100, [1, 99])).toBe(15);
  expect(shareOf(8, [1, 99])).toBe(8);
});

test('a run is asked to stop early enough to be measured within its share', () => {
  expect(endingOf(100)).toBe(10);
  expect(endingOf(3)).toBe(1.5);
  expect(endingOf(10)).toBe(2);
  expect(endingOf(3600)).toBe(60);
});

test('what was expected to take too long is expected to be as much faster or slower as the slowest of the others was', () => {
  expect(expectedAfter(40, [0.6, 0.8])).toBe(32);
  expect(expectedAfter(40, [0.8, 1.5])).toBe(60);
  expect(expectedAfter(40, [0.1])).toBe(20);
  expect(expectedAfter(40, [])).toBe(40);
});
