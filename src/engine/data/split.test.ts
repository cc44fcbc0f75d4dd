import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignFolds } from './folds.ts';
import { stratifiedSplit } from './split.ts';

const row = fc.record({ label: fc.nat(4), key: fc.integer({ min: 0, max: 60 }).map(String) });

describe('stratifiedSplit', () => {
  it('keeps its choice for ever: runs are resumed and compared by it', () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({ label: i % 2, key: String(i) }));
    expect(stratifiedSplit(rows, 0.2, 42).held_out).toMatchInlineSnapshot(`
      [
        1,
        10,
        11,
        12,
      ]
    `);
  });

  it('holds out each class in proportion', () => {
    const rows = Array.from({ length: 1000 }, (_, i) => ({ label: i % 10 === 0 ? 1 : 0, key: String(i) }));
    const { held_out } = stratifiedSplit(rows, 0.1, 1);
    expect(held_out).toHaveLength(100);
    expect(held_out.filter((i) => rows[i]!.label === 1)).toHaveLength(10);
  });

  it('puts every row into one part, keeps a text in one, every class in train, and depends on the seed alone', () => {
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 80 }),
        fc.double({ min: 0, max: 0.95, noNaN: true }),
        fc.nat(),
        (rows, share, seed) => {
          const { train, held_out } = stratifiedSplit(rows, share, seed);
          expect([...train, ...held_out].sort((a, b) => a - b)).toEqual(rows.map((_, i) => i));
          const keys = new Set(train.map((i) => rows[i]!.key));
          expect(held_out.filter((i) => keys.has(rows[i]!.key))).toEqual([]);
          const first = new Map<string, number>();
          for (const { key, label } of rows) if (!first.has(key)) first.set(key, label);
          const inTrain = new Set(train.map((i) => first.get(rows[i]!.key)));
          for (const label of first.values()) expect(inTrain.has(label)).toBe(true);
          expect(stratifiedSplit(rows, share, seed)).toEqual({ train, held_out });
        },
      ),
    );
  });

  it('reaches the share as long as classes have rows to give', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }),
        fc.constantFrom(0.1, 0.2, 0.5),
        (sizes, share) => {
          const rows = sizes.flatMap((size, label) =>
            Array.from({ length: size }, (_, i) => ({ label, key: `${label}-${i}` })),
          );
          const { held_out } = stratifiedSplit(rows, share, 3);
          const most = rows.length - sizes.length;
          expect(held_out).toHaveLength(Math.min(Math.round(rows.length * share), most));
        },
      ),
    );
  });

  it('has no text and no group on two sides, folds included, however texts and groups are mixed', () => {
    const grouped = fc.record({
      label: fc.nat(3),
      key: fc.integer({ min: 0, max: 100 }).map(String),
      group: fc.option(fc.integer({ min: 0, max: 30 }).map(String), { nil: undefined, freq: 4 }),
    });
    const property = fc.property(
      fc.array(grouped, { maxLength: 120 }),
      fc.double({ min: 0, max: 0.9, noNaN: true }),
      fc.integer({ min: 2, max: 5 }),
      fc.nat(),
      (rows, share, count, seed) => {
        const { train, held_out } = stratifiedSplit(rows, share, seed);
        expect([...train, ...held_out].sort((a, b) => a - b)).toEqual(rows.map((_, i) => i));
        const held = new Set(held_out);
        const folds = tryFolds(() => assignFolds(rows, count, seed));
        for (const sides of [rows.map((_, i) => Number(held.has(i))), ...(folds ? [[...folds]] : [])]) {
          for (const of of ['key', 'group'] as const) {
            const sideOf = new Map<string, number>();
            for (const [i, row] of rows.entries()) {
              const name = row[of];
              if (name === undefined) continue;
              expect(sides[i]).toBe(sideOf.get(name) ?? sides[i]);
              sideOf.set(name, sides[i]!);
            }
          }
        }
      },
    );
    fc.assert(property);
  });

  it('holds out whole groups of one document each, as many as the share asks for', () => {
    const rows = Array.from({ length: 300 }, (_, i) => ({ label: i % 2, key: String(i), group: `doc ${i % 30}` }));
    const { held_out } = stratifiedSplit(rows, 0.2, 1);
    expect(held_out).toHaveLength(60);
    expect(new Set(held_out.map((i) => rows[i]!.group)).size).toBe(6);
  });

  it('leaves rows whose side is known there, and fills up the share with the others', () => {
    const sided = fc.record({
      label: fc.nat(2),
      key: fc.uuid(),
      side: fc.option(fc.constantFrom('train' as const, 'held_out' as const), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(sided, { maxLength: 80 }), fc.double({ min: 0, max: 0.9, noNaN: true }), (rows, share) => {
        const { train, held_out } = stratifiedSplit(rows, share, 5);
        expect(train.filter((i) => rows[i]!.side === 'held_out')).toEqual([]);
        expect(held_out.filter((i) => rows[i]!.side === 'train')).toEqual([]);
        const known = rows.filter(({ side }) => side === 'held_out').length;
        expect(held_out.length).toBeLessThanOrEqual(Math.max(known, Math.round(rows.length * share)));
      }),
    );
  });
});

/** Undefined where there are fewer texts or groups than folds. */
function tryFolds(make: () => Uint32Array): Uint32Array | undefined {
  try {
    return make();
  } catch (error) {
    expect(String(error)).toMatch(/cannot be divided into/);
    return undefined;
  }
}
