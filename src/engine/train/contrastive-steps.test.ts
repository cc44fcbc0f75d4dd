import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOST_PAIRED_ROWS } from '../strategies/kind.ts';
import { contrastiveSteps, refuseMany } from './contrastive-steps.ts';

/** Rows of at least two classes, one of which has two. */
const rows = fc
  .array(fc.integer({ min: 0, max: 6 }), { minLength: 3, maxLength: 40 })
  .filter((labels) => new Set(labels).size > 1 && new Set(labels).size < labels.length);
const settings = fc.record({
  batch_size: fc.integer({ min: 4, max: 20 }),
  num_iterations: fc.integer({ min: 1, max: 8 }),
  max_steps: fc.constantFrom(-1, 3),
});
const seeds = fc.nat(2 ** 32 - 1);

const stepsOf = (dealt: { size: number; rows: Uint32Array }): number[][] =>
  Array.from({ length: dealt.rows.length / dealt.size }, (_, step) => [
    ...dealt.rows.subarray(step * dealt.size, (step + 1) * dealt.size),
  ]);
const pairsOf = (step: readonly number[], labels: readonly number[]) => {
  const pairs = step.flatMap((a, i) => step.slice(0, i).map((b) => labels[a] === labels[b]));
  return { alike: pairs.filter((same) => same).length, different: pairs.filter((same) => !same).length };
};

describe('the rows of a step', () => {
  it('are different ones, as many as were asked for or as there are, with pairs of both kinds', () => {
    fc.assert(
      fc.property(rows, settings, seeds, (labels, how, seed) => {
        const dealt = contrastiveSteps(labels, how, seed);
        expect(dealt.size).toBe(Math.min(how.batch_size, labels.length));
        let [alike, different] = [0, 0];
        for (const step of stepsOf(dealt)) {
          expect(new Set(step).size).toBe(dealt.size);
          const pairs = pairsOf(step, labels);
          expect(pairs.alike).toBeGreaterThan(0);
          alike += pairs.alike;
          different += pairs.different;
        }
        expect({ alike: dealt.alike, different: dealt.different }).toEqual({ alike, different });
      }),
    );
  });

  it('make as many steps as each row takes part in, or as there may be at most', () => {
    fc.assert(
      fc.property(rows, settings, seeds, (labels, how, seed) => {
        const dealt = contrastiveSteps(labels, how, seed);
        const enough = Math.ceil((how.num_iterations * labels.length) / dealt.size);
        expect(dealt.rows.length / dealt.size).toBe(how.max_steps > 0 ? Math.min(how.max_steps, enough) : enough);
      }),
    );
  });

  it('of equal classes take part equally often, and so do the classes', () => {
    // 8 classes of 8 rows, 16 in a step: 4 of each of 4 classes.
    const labels = Array.from({ length: 64 }, (_, i) => i % 8);
    const dealt = contrastiveSteps(labels, { batch_size: 16, num_iterations: 20, max_steps: -1 }, 5);
    const times = new Array<number>(64).fill(0);
    for (const row of dealt.rows) times[row]!++;
    expect([Math.min(...times), Math.max(...times)]).toEqual([20, 20]);
    for (const step of stepsOf(dealt)) {
      const own = step.map((row) => labels[row]!);
      expect([...new Set(own)].map((label) => own.filter((other) => other === label).length)).toEqual([4, 4, 4, 4]);
    }
    // 6 pairs of each of 4 classes, 16 of each two of them.
    expect([dealt.alike, dealt.different]).toEqual([80 * 24, 80 * 96]);
  });

  it('of unequal classes follow their sizes, and rare ones still meet others', () => {
    const labels = [...Array<number>(60).fill(0), ...Array<number>(12).fill(1), 2];
    const dealt = contrastiveSteps(labels, { batch_size: 16, num_iterations: 10, max_steps: -1 }, 7);
    const times = new Array<number>(73).fill(0);
    for (const row of dealt.rows) times[row]!++;
    const each = (from: number, to: number) => times.slice(from, to).reduce((a, b) => a + b, 0) / (to - from);
    for (const mean of [each(0, 60), each(60, 72)]) expect(Math.abs(mean - 10)).toBeLessThan(3);
    for (const step of stepsOf(dealt)) expect(pairsOf(step, labels).different).toBeGreaterThan(0);
  });

  it('follow from the seed alone', () => {
    fc.assert(
      fc.property(rows, settings, seeds, (labels, how, seed) => {
        expect(contrastiveSteps(labels, how, seed)).toEqual(contrastiveSteps(labels, how, seed));
      }),
    );
    const labels = Array.from({ length: 64 }, (_, i) => i % 8);
    const how = { batch_size: 16, num_iterations: 2, max_steps: -1 };
    expect(contrastiveSteps(labels, how, 1).rows).not.toEqual(contrastiveSteps(labels, how, 2).rows);
  });
});

describe('rows that cannot be compared', () => {
  const how = { batch_size: 16, num_iterations: 20, max_steps: 64 };
  it('are refused with the reason', () => {
    expect(() => contrastiveSteps([0, 1, 2], how, 1)).toThrow(/no class has two training rows/);
    expect(() => contrastiveSteps([1, 1, 1], how, 1)).toThrow(/all training rows are of one/);
    refuseMany(MOST_PAIRED_ROWS);
    expect(() => refuseMany(MOST_PAIRED_ROWS + 1)).toThrow(/at most 1,000 training rows; there are 1,001/);
  });
});
