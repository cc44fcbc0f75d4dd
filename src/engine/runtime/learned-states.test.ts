import { describe, expect, it } from 'vitest';
import { IGNORED } from '../tasks/task.ts';
import { learnedStates } from './learned-states.ts';

const X = IGNORED;

describe('learned states', () => {
  it('are those with a label and a weight, in their order, in a room of a quarter of all or several', () => {
    const labels = Int32Array.of(X, 5, X, 0, 7, X, 0, 0);
    const weights = Float32Array.of(1, 0.5, 1, 0.25, 0.5, 0, 0, 0);
    expect(learnedStates(labels, weights)).toEqual({
      states: Int32Array.of(1, 3, 4, 0),
      labels: Int32Array.of(5, 0, 7, 0),
      weights: Float32Array.of(0.5, 0.25, 0.5, 0),
    });
  });

  it('have room for one where there is none', () => {
    expect(learnedStates(new Int32Array(8).fill(X), new Float32Array(8).fill(1))).toEqual({
      ...{ states: new Int32Array(2), labels: new Int32Array(2), weights: new Float32Array(2) },
    });
  });

  it('are not told apart where they are nearly all', () => {
    const labels = Int32Array.from({ length: 16 }, (_, i) => (i < 13 ? i : X));
    expect(learnedStates(labels, new Float32Array(16).fill(1))).toBeUndefined();
    expect(learnedStates(labels.fill(X, 12), new Float32Array(16).fill(1))?.states).toHaveLength(12);
  });
});
