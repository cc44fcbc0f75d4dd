import { describe, expect, it } from 'vitest';
import { Phases } from '../strategies/phases.ts';
import { LossScale } from './loss-scale.ts';

describe('LossScale', () => {
  it('begins at 2^16, is doubled after 2,000 good steps and halved where one is skipped', () => {
    const scale = new LossScale();
    expect(scale.value).toBe(65_536);
    for (let i = 0; i < 1999; i++) scale.keep();
    expect(scale.value).toBe(65_536);
    scale.keep();
    expect(scale.state).toEqual({ scale: 131_072, good_steps: 0, skipped: [] });
    for (let i = 0; i < 1999; i++) scale.keep();
    scale.backOff(3999);
    expect(scale.state).toEqual({ scale: 65_536, good_steps: 0, skipped: [3999] });
    scale.keep();
    expect(scale.state.good_steps).toBe(1);
  });

  it('counts what was skipped for each phase, from a step on', () => {
    const scale = new LossScale();
    for (const step of [1, 12, 13, 25]) scale.backOff(step);
    const phases = new Phases([0, 10]);
    expect(scale.skippedSince(10)).toBe(3);
    const { lossScale, skippedIn } = scale.scaledSince(10, phases);
    expect(lossScale).toBe(4096);
    expect([[0], [1], [0, 1]].map(skippedIn)).toEqual([2, 1, 3]);
  });
});
