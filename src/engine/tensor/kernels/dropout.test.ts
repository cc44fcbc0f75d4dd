import { describe, expect, test } from 'vitest';
import { EngineMemory } from './memory.ts';

const memory = EngineMemory.create(64 << 20);
const { kernels } = memory;
const n = 1 << 20;

function mask(options: { rate: number; seed: number; step: number; site: number; first?: number }, size = n) {
  const data = memory.uint8(size);
  kernels.dropoutMask(data, options);
  return data;
}

const zeros = (data: Uint8Array) => data.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);

/** Philox4x32-10 in plain JavaScript, by the paper. */
function philox(counter: [number, number, number, number], key: [number, number]): number[] {
  let [x0, x1, x2, x3] = counter.map((x) => BigInt(x >>> 0)) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map((k) => BigInt(k >>> 0)) as [bigint, bigint];
  const mask32 = 0xffffffffn;
  for (let round = 0; round < 10; round++) {
    const p0 = x0 * 0xd2511f53n;
    const p1 = x2 * 0xcd9e8d57n;
    [x0, x1, x2, x3] = [(p1 >> 32n) ^ x1 ^ k0, p1 & mask32, (p0 >> 32n) ^ x3 ^ k1, p0 & mask32];
    k0 = (k0 + 0x9e3779b9n) & mask32;
    k1 = (k1 + 0xbb67ae85n) & mask32;
  }
  return [x0, x1, x2, x3].map(Number);
}

describe('dropoutMask', () => {
  test('the reference above gives the figures published with Random123', () => {
    const f = 0xffffffff;
    expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    expect(philox([f, f, f, f], [f, f])).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
    expect(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
      0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
    ]);
  });

  test('is Philox4x32-10 of (block, step, site) under the seed, 16 bits an element', () => {
    const [rate, seed, step, site] = [0.3, 2 ** 45 + 12_345_678_901, 4_000_000_000, 77];
    const size = 32 * 9 + 5;
    const expected = new Uint8Array(size);
    for (let i = 0; i < size; i++) {
      const r = i % 32;
      const [word, lane, half] = [r >> 3, (r >> 1) & 3, r & 1];
      const block = 4 * Math.floor(i / 32) + lane;
      const bits = philox([block, step, site, 0], [seed % 2 ** 32, Math.floor(seed / 2 ** 32)])[word]!;
      expected[i] = ((bits >>> (16 * half)) & 0xffff) >= Math.round(rate * 65536) ? 1 : 0;
    }
    expect([...mask({ rate, seed, step, site }, size)]).toEqual([...expected]);
  });

  test.each([0, 0.1, 0.25, 0.5, 0.9])('drops %f of the elements, writing 0 and 1 only', (rate) => {
    const data = mask({ rate, seed: 42, step: 3, site: 1 });
    expect(data.every((value) => value <= 1)).toBe(true);
    // Five standard deviations of a binomial count, and the rate's rounding.
    const tolerance = 5 * Math.sqrt((rate * (1 - rate)) / n) + 0.5 / 65536;
    expect(Math.abs(zeros(data) / n - rate)).toBeLessThanOrEqual(tolerance);
  });

  test('masks of other seeds, steps and sites are uncorrelated, and so are neighbours within one', () => {
    const rate = 0.5;
    const base = { rate, seed: 7, step: 1, site: 0 };
    const first = mask(base);
    const agreement = (a: Uint8Array, b: Uint8Array) => a.reduce((sum, x, i) => sum + (x === b[i] ? 1 : 0), 0) / n;
    const five = (5 * 0.5) / Math.sqrt(n);
    const others = [{ seed: 8 }, { seed: 7 + 2 ** 32 }, { step: 2 }, { step: 0 }, { site: 1 }, { step: 0, site: 1 }];
    for (const change of others) {
      expect(Math.abs(agreement(first, mask({ ...base, ...change })) - 0.5)).toBeLessThan(five);
    }
    for (const lag of [1, 2, 7, 8, 16, 31, 32, 64, 128, 384, 768, 1024]) {
      const shifted = new Uint8Array(n);
      for (let i = 0; i < n; i++) shifted[i] = first[(i + lag) % n]!;
      expect(Math.abs(agreement(first, shifted) - 0.5)).toBeLessThan(five);
    }
  });

  test('every position of a group is dropped at the same rate', () => {
    const data = mask({ rate: 0.1, seed: 5, step: 9, site: 2 });
    const counts = new Array<number>(32).fill(0);
    for (let i = 0; i < n; i++) counts[i % 32]! += 1 - data[i]!;
    // Chi-squared over 32 positions: mean 32, standard deviation 8.
    const expected = (n / 32) * 0.1;
    const chi = counts.reduce((sum, count) => sum + (count - expected) ** 2 / (expected * 0.9), 0);
    expect(chi).toBeLessThan(32 + 5 * 8);
  });

  test('the same whatever the parts, and it writes nowhere else', () => {
    const options = { rate: 0.2, seed: 99, step: 5, site: 3 };
    const whole = mask(options, 1000);
    const parts = memory.uint8(1100).fill(7);
    for (const [from, to] of [
      [0, 32],
      [32, 512],
      [512, 544],
      [544, 1000],
    ] as const) {
      kernels.dropoutMask(parts.subarray(from, to), { ...options, first: from });
    }
    expect([...parts.subarray(0, 1000)]).toEqual([...whole]);
    expect(parts.subarray(1000).every((value) => value === 7)).toBe(true);
    expect(() => kernels.dropoutMask(parts, { ...options, first: 8 })).toThrow('multiple of 32');
    expect(() => kernels.dropoutMask(parts, { ...options, rate: 1 })).toThrow('in [0, 1)');
  });
});
