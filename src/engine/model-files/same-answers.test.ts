import { describe, expect, it } from 'vitest';
import { differenceOf, isSame, saysDifference } from './same-answers.ts';

const same = (actual: number[], expected: number[]) =>
  isSame(differenceOf(Float32Array.from(actual), Float32Array.from(expected)));

describe('differenceOf', () => {
  it('takes rounding in proportion to the largest logit for the same answers', () => {
    // What a LoRA of SmolLM2-135M came to when it was merged; it had failed the run.
    expect(same([44, 3, -2 + 1.26e-4], [44, 3, -2])).toBe(true);
    expect(same([44, 3, -2 + 5e-3], [44, 3, -2])).toBe(false);
  });

  it('is as strict as before where logits are small', () => {
    expect(same([0.5, 0.2 + 0.9e-4], [0.5, 0.2])).toBe(true);
    expect(same([0.5, 0.2 + 1.1e-4], [0.5, 0.2])).toBe(false);
  });

  it('takes no answer that is none', () => {
    expect(same([Number.NaN, 1], [1, 1])).toBe(false);
    expect(same([1, 1], [Number.NaN, 1])).toBe(false);
    expect(same([Number.POSITIVE_INFINITY], [1])).toBe(false);
    expect(same([1], [Number.POSITIVE_INFINITY])).toBe(false);
  });

  it('is told with what would pass', () => {
    const difference = differenceOf(Float32Array.of(30.5), Float32Array.of(30));
    expect(saysDifference(difference)).toBe("differ by 5.00e-1 from the trained model's; at most 3.0e-3 is expected");
  });
});
