import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOST_PAIRED_ROWS } from '../strategies/kind.ts';
import { countPairs, type PairSettings, pairOrder, samplePairs } from './contrastive-pairs.ts';

const EIGHT = [0, 0, 0, 1, 1, 1, 1, 2];
const strategy = (sampling_strategy: PairSettings['sampling_strategy']): PairSettings => ({ sampling_strategy });
const over = strategy('oversampling');

describe('how many pairs there are', () => {
  it('follows from the sampling strategy, as in setfit', () => {
    // 3 + 6 of one class; 28 in all.
    expect(countPairs(EIGHT, strategy('unique'))).toEqual({ alike: 9, different: 19 });
    expect(countPairs(EIGHT, over)).toEqual({ alike: 19, different: 19 });
    expect(countPairs(EIGHT, strategy('undersampling'))).toEqual({ alike: 9, different: 9 });
  });

  it('follows from num_iterations alone where it is given', () => {
    expect(countPairs(EIGHT, { ...strategy('unique'), num_iterations: 5 })).toEqual({ alike: 40, different: 40 });
  });

  it('is none where rows cannot be compared, which is said', () => {
    expect(() => countPairs([0, 1, 2], over)).toThrow(/no class has two training rows/);
    expect(() => countPairs([1, 1, 1], over)).toThrow(/all training rows are of one/);
    const many = Array.from({ length: MOST_PAIRED_ROWS + 1 }, (_, i) => i % 2);
    expect(() => samplePairs(many, over, 1)).toThrow(/at most 1,000 training rows; there are 1,001/);
  });
});

/** Rows of at least two classes, one of which has two. */
const rows = fc
  .array(fc.integer({ min: 0, max: 4 }), { minLength: 3, maxLength: 16 })
  .filter((labels) => new Set(labels).size > 1 && new Set(labels).size < labels.length);
const settings = fc.record({
  sampling_strategy: fc.constantFrom('oversampling' as const, 'undersampling' as const, 'unique' as const),
  num_iterations: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
});
const seeds = fc.nat(2 ** 32 - 1);

describe('pairs', () => {
  it('compare two different rows, and say whether these are of one class', () => {
    fc.assert(
      fc.property(rows, settings, seeds, (labels, how, seed) => {
        const { rows: drawn, targets } = samplePairs(labels, how, seed);
        expect(drawn).toHaveLength(2 * targets.length);
        const wrong = [...targets].filter((target, i) => {
          const [a, b] = [drawn[2 * i]!, drawn[2 * i + 1]!];
          return a >= b || b >= labels.length || target !== (labels[a] === labels[b] ? 1 : 0);
        });
        expect(wrong).toEqual([]);
      }),
    );
  });

  it('are as many as was said before, each pair of a kind as often as any other or once more', () => {
    fc.assert(
      fc.property(rows, settings, seeds, (labels, how, seed) => {
        const { rows: drawn, targets } = samplePairs(labels, how, seed);
        const { alike, different } = countPairs(labels, how);
        expect(targets.filter((target) => target === 1)).toHaveLength(alike);
        expect(targets.filter((target) => target === 0)).toHaveLength(different);
        for (const [kind, drawnOfIt] of [
          [1, alike],
          [0, different],
        ] as const) {
          const times = new Map<string, number>();
          targets.forEach((target, i) => {
            const pair = `${drawn[2 * i]} ${drawn[2 * i + 1]}`;
            if (target === kind) times.set(pair, (times.get(pair) ?? 0) + 1);
          });
          const there = countPairs(labels, strategy('unique'))[kind === 1 ? 'alike' : 'different'];
          expect(times.size).toBe(Math.min(there, drawnOfIt));
          expect(Math.max(...times.values()) - Math.min(...times.values())).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('take turns: of the first pairs half are alike', () => {
    const { targets } = samplePairs(EIGHT, over, 3);
    expect([...targets.slice(0, 6)]).toEqual([1, 0, 1, 0, 1, 0]);
  });

  it('follow from the seed', () => {
    fc.assert(
      fc.property(rows, settings, seeds, (labels, how, seed) => {
        const [once, again] = [samplePairs(labels, how, seed), samplePairs(labels, how, seed)];
        expect(`${again.rows} ${again.targets}`).toBe(`${once.rows} ${once.targets}`);
      }),
    );
    expect(samplePairs(EIGHT, over, 1).rows).not.toEqual(samplePairs(EIGHT, over, 2).rows);
  });
});

it('each epoch passes over all pairs in an order of its own', () => {
  const [first, second] = [pairOrder(50, 7, 0), pairOrder(50, 7, 1)];
  expect(first).not.toEqual(second);
  expect(pairOrder(50, 7, 1)).toEqual(second);
  expect([...first].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
});
