import { describe, expect, it } from 'vitest';
import { trainingOperations } from './arithmetic.ts';

/** Two layers of width 2, 8 inside, and one text of 3 tokens, counted by hand: m·k·n multiplications, twice. */
const shape = { layers: 2, hidden: 2, inner: 8 };
const whole = 2 * 3 * (4 * 2 * 2 + 2 * 2 * 8) + 2 * 2 * (3 * 3 * 2);
const last = 2 * 3 * (2 * 2 * 2) + 2 * 1 * (2 * 2 * 2 + 2 * 2 * 8) + 2 * 2 * (3 * 2);

describe('trainingOperations', () => {
  it('counts all layers forward, of the last one what the first token needs', () => {
    expect(trainingOperations(shape, [3], 'nothing')).toBe(whole + last);
  });

  it('counts trained layers three times, frozen ones once', () => {
    expect(trainingOperations(shape, [3], 0)).toBe(3 * (whole + last));
    expect(trainingOperations(shape, [3], 1)).toBe(whole + 3 * last);
    expect(trainingOperations(shape, [3], 2)).toBe(whole + last);
  });

  it('adds texts up, each attending to itself alone', () => {
    const one = trainingOperations(shape, [3], 0);
    expect(trainingOperations(shape, [3, 3], 0)).toBe(2 * one);
    expect(trainingOperations(shape, [6], 0)).toBeGreaterThan(2 * one - 2 * 3 * (2 * 2 * 2 + 2 * 2 * 8));
  });
});
