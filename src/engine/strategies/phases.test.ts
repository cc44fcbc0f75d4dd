import { expect, it } from 'vitest';
import { Phases } from './phases.ts';

it('a phase lasts until the next begins, and its steps are counted by themselves', () => {
  const phases = new Phases([0, 3, 5]);
  expect([0, 2, 3, 4, 5, 99].map((done) => phases.at(done))).toEqual([0, 0, 1, 1, 2, 2]);
  expect([1, 3, 4, 9].map((steps) => phases.stepsIn([1, 2], steps))).toEqual([0, 0, 1, 6]);
  // Trained, frozen for a phase, and trained again.
  expect([3, 5, 6, 7].map((steps) => phases.stepsIn([0, 2], steps))).toEqual([3, 3, 4, 5]);
  expect(new Phases().stepsIn([0], 7)).toBe(7);
});
