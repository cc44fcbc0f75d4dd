import { describe, expect, it } from 'vitest';
import { countsOf } from './card-counts.ts';
import { CASES, type StepCase } from './cases.ts';

const modelOf = (name: string) => (CASES[name] as StepCase).model;

describe('a step on a graphics card', () => {
  it('updates BERT-base in at most 60 nodes, whatever the batch', () => {
    const { update, spread } = countsOf(modelOf('bert-base'));
    expect(update.nodes).toBeLessThanOrEqual(60);
    // 199 parameters, of which three are cut, and put together again.
    expect(spread.nodes).toBe(201 + 2 * 3);
    const larger = countsOf({ ...modelOf('bert-base'), batch: 32 });
    expect(larger.update).toEqual(update);
  });
});
