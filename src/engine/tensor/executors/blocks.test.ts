import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../data/random.ts';
import { BLOCK, bytesOfNumber, meantBy, quantizeBlocks, quantizeBothWays } from './blocks.ts';

const random = new Random(5);
const normal = (size: number) =>
  Float32Array.from({ length: size }, () => random.float() + random.float() + random.float() - 1.5);

function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [off, all] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    off += (found[i]! - expected[i]!) ** 2;
    all += expected[i]! ** 2;
  }
  return Math.sqrt(off / all);
}

describe('quantizeBlocks', () => {
  it('has the bytes that MatMulNBits reads: around the middle, and of two in 4 bits the first in the lower half', () => {
    const weight = new Float32Array(BLOCK);
    weight.set([-8, 7, 3, -1]);
    const narrow = quantizeBlocks(weight, { n: 1, k: BLOCK, transposed: true, bits: 4 });
    expect(narrow.shape).toEqual([1, 1, 16]);
    expect([...narrow.values.subarray(0, 3)]).toEqual([0xf0, 0x7b, 0x88]);
    expect(narrow.scales).toEqual(Float32Array.of(1));
    const wide = quantizeBlocks(
      weight.map((x) => (x * 127) / 8),
      { n: 1, k: BLOCK, transposed: true },
    );
    expect(wide.shape).toEqual([1, 1, 32]);
    expect([...wide.values.subarray(0, 5)]).toEqual([1, 128 + 111, 128 + 48, 128 - 16, 128]);
  });

  it('takes the end that is largest as far as it goes, whichever sign it has', () => {
    const weight = new Float32Array(BLOCK);
    weight.set([16, -14, 6]);
    const matrix = quantizeBlocks(weight, { n: 1, k: BLOCK, transposed: true, bits: 4 });
    expect(matrix.scales).toEqual(Float32Array.of(-2));
    expect([...meantBy(matrix, { n: 1, k: BLOCK, transposed: true })].map((x) => x + 0)).toEqual([...weight]);
  });

  it('is nearer than a scale by the largest magnitude alone, and than 4 bits are elsewhere', () => {
    const lie = { n: 64, k: 128, transposed: true };
    const weight = normal(64 * 128);
    const plain = weight.map((x, i) => {
      const from = i - (i % BLOCK);
      const scale = weight.subarray(from, from + BLOCK).reduce((most, y) => Math.max(most, Math.abs(y)), 0) / 7;
      return Math.round(x / scale) * scale;
    });
    const error = relativeError(meantBy(quantizeBlocks(weight, { ...lie, bits: 4 }), lie), weight);
    expect(error).toBeLessThan(0.85 * relativeError(plain, weight));
    expect(relativeError(meantBy(quantizeBlocks(weight, lie), lie), weight)).toBeLessThan(0.01);
  });

  it('keeps what it can say: matrices either way, with a part of a block, of zeros', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 70 }),
        fc.boolean(),
        fc.constantFrom(8 as const, 4 as const),
        fc.integer({ min: 0, max: 1000 }),
        (n, k, transposed, bits, seed) => {
          const own = new Random(seed);
          const lie = { n, k, transposed };
          const weight = Float32Array.from({ length: n * k }, () => (own.float() < 0.2 ? 0 : own.float() - 0.5));
          const matrix = quantizeBlocks(weight, { ...lie, bits });
          expect(matrix.values).toHaveLength(n * Math.ceil(k / BLOCK) * 4 * bits);
          const meant = meantBy(matrix, lie);
          // No number is further off than a step and, at an end that is cut, a step more.
          const most = Math.max(...weight.map(Math.abs)) / (bits === 8 ? 127 : 7);
          for (const [i, x] of weight.entries()) expect(Math.abs(meant[i]! - x)).toBeLessThanOrEqual(2 * most);
          // What is said once is said again.
          const again = meantBy(quantizeBlocks(meant, { ...lie, bits }), lie);
          expect(relativeError([...again, 1], [...meant, 1])).toBeLessThan(1e-5);
        },
      ),
    );
  });
});

describe('quantizeBothWays', () => {
  it.each(['rows', 'columns'] as const)('makes the other form of the one that goes forward: %s', (forward) => {
    const [r, c] = [96, 64];
    const weight = normal(r * c);
    const lies = {
      rows: { n: r, k: c, transposed: true },
      columns: { n: c, k: r, transposed: false },
    };
    const both = quantizeBothWays(weight, [r, c], 4, forward);
    const backward = forward === 'rows' ? 'columns' : 'rows';
    const first = meantBy(both[forward], lies[forward]);
    expect(both[forward]).toEqual(quantizeBlocks(weight, { ...lies[forward], bits: 4 }));
    const second = meantBy(both[backward], lies[backward]);
    const apart = meantBy(quantizeBlocks(weight, { ...lies[backward], bits: 4 }), lies[backward]);
    expect(relativeError(second, first)).toBeLessThan(0.85 * relativeError(apart, first));
  });
});

it('a number takes its bits, and its share of a scale', () => {
  expect([bytesOfNumber(8), bytesOfNumber(4)]).toEqual([1.125, 0.625]);
});
