import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EngineMemory, sizeFor } from './memory.ts';

const memory = EngineMemory.create(64 << 20);
const { kernels } = memory;

/** A view in the engine's memory, at an address that is a multiple of 4 only, with a canary after it. */
function view(values: ArrayLike<number>): { data: Float32Array; intact: () => boolean } {
  const whole = memory.float32(values.length + 2);
  whole[values.length + 1] = 12345;
  const data = whole.subarray(1, values.length + 1);
  data.set(values);
  return { data, intact: () => whole[0] === 0 && whole[values.length + 1] === 12345 };
}

const bytes = (values: number[]): Uint8Array => {
  const data = memory.uint8(values.length);
  data.set(values);
  return data;
};

const float = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 });
const vector = fc.array(float, { minLength: 0, maxLength: 41 });
const runs = { numRuns: 60 };

interface AdamWCase {
  lr: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weight_decay: number;
  max_norm: number | null;
  start: number[];
  steps: { gradient: number[]; norm: number | null; weights: number[]; exp_avg: number[]; exp_avg_sq: number[] }[];
}
const { cases } = JSON.parse(
  readFileSync(new URL('../../../../test/parity/figures/adamw.json', import.meta.url), 'utf8'),
) as { cases: AdamWCase[] };

/** AdamW in double on one weight: the formula, written once more. */
function adamwReference(
  [w, g, m, v]: [number, number, number, number],
  o: { lr: number; beta1: number; beta2: number; epsilon: number; weight_decay: number; step: number },
): [number, number, number] {
  const first = o.beta1 * m + (1 - o.beta1) * g;
  const second = o.beta2 * v + (1 - o.beta2) * g * g;
  const mHat = first / (1 - o.beta1 ** o.step);
  const vHat = second / (1 - o.beta2 ** o.step);
  return [w - o.lr * o.weight_decay * w - (o.lr * mHat) / (Math.sqrt(vHat) + o.epsilon), first, second];
}

describe('adamw', () => {
  test.each(cases)('follows torch.optim.AdamW (max_norm $max_norm, weight_decay $weight_decay)', (figures) => {
    const w = view(figures.start);
    const m = view(figures.start.map(() => 0));
    const v = view(figures.start.map(() => 0));
    const largest = (k: number) => Math.max(...figures.steps.map((step) => Math.abs(step.gradient[k]!)));
    for (const [i, expected] of figures.steps.entries()) {
      const g = view(expected.gradient);
      let gradScale = 1;
      if (figures.max_norm !== null) {
        const norm = Math.sqrt(kernels.sumOfSquares(g.data));
        expect(Math.abs(norm / expected.norm! - 1)).toBeLessThan(1e-6);
        gradScale = Math.min(1, figures.max_norm / (norm + 1e-6));
      }
      kernels.adamw(w.data, g.data, m.data, v.data, { ...figures, step: i + 1, gradScale });
      for (let k = 0; k < w.data.length; k++) {
        expect(Math.abs(w.data[k]! - expected.weights[k]!)).toBeLessThan(3e-7 * Math.max(1, Math.abs(w.data[k]!)));
        // Each step rounds anew, and sums of opposite signs cancel: relative to the largest gradient.
        expect(Math.abs(m.data[k]! - expected.exp_avg[k]!)).toBeLessThan(2e-7 * largest(k) + 1e-30);
        expect(Math.abs(v.data[k]! - expected.exp_avg_sq[k]!)).toBeLessThan(2e-6 * expected.exp_avg_sq[k]! + 1e-30);
      }
    }
    expect([w, m, v].every((x) => x.intact())).toBe(true);
  });

  test('every length and alignment, against double precision', () => {
    fc.assert(
      fc.property(
        vector,
        fc.integer({ min: 1, max: 3000 }),
        fc.float({ min: 0, max: 1, noNaN: true }),
        (ws, step, s) => {
          const n = ws.length;
          const g = view(ws.map((x, i) => x * 0.01 + i));
          const m = view(ws.map((x) => x * 0.1));
          const v = view(ws.map((x) => Math.abs(x)));
          const w = view(ws);
          const o = { lr: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.1, step };
          const expected = ws.map((_, i) => adamwReference([w.data[i]!, g.data[i]! * s, m.data[i]!, v.data[i]!], o));
          kernels.adamw(w.data, g.data, m.data, v.data, { ...o, gradScale: s });
          for (let i = 0; i < n; i++) {
            for (const [k, data] of [w.data, m.data, v.data].entries()) {
              const value = expected[i]![k]!;
              expect(Math.abs(data[i]! - value)).toBeLessThan(2e-6 * Math.max(1, Math.abs(value)));
            }
          }
          expect([w, m, v].every((x) => x.intact())).toBe(true);
        },
      ),
      runs,
    );
  });

  test('moments of unseen rows end as zero, not as denormals', () => {
    const n = 7;
    const w = view(new Float32Array(n).fill(1));
    const g = view(new Float32Array(n));
    const m = view(new Float32Array(n).fill(1e-3));
    const v = view(new Float32Array(n).fill(1e-30));
    for (let step = 1; step <= 700; step++) {
      kernels.adamw(w.data, g.data, m.data, v.data, {
        ...{ lr: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0, step, gradScale: 1 },
      });
    }
    expect([...m.data, ...v.data]).toEqual(new Array(2 * n).fill(0));
    expect([...w.data]).toEqual(new Array(n).fill(1));
  });

  test('a gradient that is NaN shows in vector and tail alike', () => {
    for (const at of [0, 3, 4, 5]) {
      const g = view([1, 1, 1, 1, 1, 1].map((x, i) => (i === at ? Number.NaN : x)));
      const [w, m, v] = [view([1, 1, 1, 1, 1, 1]), view([0, 0, 0, 0, 0, 0]), view([0, 0, 0, 0, 0, 0])];
      kernels.adamw(w.data, g.data, m.data, v.data, {
        ...{ lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0, step: 1, gradScale: 1 },
      });
      expect([...w.data].map(Number.isNaN)).toEqual([0, 1, 2, 3, 4, 5].map((i) => i === at));
    }
  });
});

describe('sumOfSquares', () => {
  test('eight million ones over a thousand make 8', () => {
    const x = EngineMemory.create(sizeFor({ float32: [8_000_000] }));
    const data = x.float32(8_000_000);
    x.kernels.fill(data, 1e-3);
    const exact = 8_000_000 * Math.fround(1e-3) ** 2;
    expect(Math.abs(x.kernels.sumOfSquares(data) / exact - 1)).toBeLessThan(1e-10);
    expect(Math.abs(x.kernels.sumOfSquares(data) / 8 - 1)).toBeLessThan(1e-7);
  });

  test('every length, against double precision', () => {
    fc.assert(
      fc.property(vector, (values) => {
        const x = view(values);
        const exact = x.data.reduce((sum, value) => sum + value * value, 0);
        expect(Math.abs(kernels.sumOfSquares(x.data) - exact)).toBeLessThanOrEqual(1e-13 * exact);
      }),
      runs,
    );
  });

  test('of a table, rows that are not touched count for nothing', () => {
    const x = view([3, 4, 100, 100, 5, 12]);
    expect(kernels.sumOfSquaresInRows(x.data, bytes([1, 0, 1]))).toBe(25 + 169);
    expect(kernels.sumOfSquaresInRows(x.data, bytes([1, 1, 1]))).toBe(kernels.sumOfSquares(x.data));
    expect(() => kernels.sumOfSquaresInRows(x.data, bytes([1, 1, 1, 1]))).toThrow(RangeError);
  });

  test('is not finite when one element is not', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (const at of [0, 7, 8, 10]) {
        const x = view(new Float32Array(11));
        x.data[at] = bad;
        expect(Number.isFinite(kernels.sumOfSquares(x.data))).toBe(false);
      }
    }
    // Squares of float32 cannot overflow a double.
    expect(kernels.sumOfSquares(view([3e38, 3e38]).data)).toBeCloseTo(1.8e77, -71);
  });
});

describe('elementwise', () => {
  test('scale, addScaled, fill: every length, exactly as float32', () => {
    fc.assert(
      fc.property(vector, float, (values, s) => {
        const x = view(values);
        kernels.scale(x.data, s);
        expect([...x.data]).toEqual(values.map((value) => Math.fround(value * s)));
        const y = view(values.map((_, i) => i));
        kernels.addScaled(y.data, x.data, 0.5);
        expect([...y.data]).toEqual([...x.data].map((value, i) => Math.fround(i + Math.fround(value * 0.5))));
        kernels.fill(x.data, s);
        expect([...x.data]).toEqual(values.map(() => s));
        kernels.fill(y.data, 0);
        expect([...y.data]).toEqual(values.map(() => 0));
        expect(x.intact() && y.intact()).toBe(true);
      }),
      runs,
    );
  });
});

describe('segmentSum and clearRows', () => {
  test('sums rows with repeated ids in order; clearing leaves the other rows alone', () => {
    const cases = fc.record({
      width: fc.integer({ min: 1, max: 13 }),
      ids: fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 40 }),
    });
    fc.assert(
      fc.property(cases, ({ width, ids }) => {
        const size = 7;
        const table = view(Float32Array.from({ length: size * width }, (_, i) => Math.sin(i)));
        const rows = view(Float32Array.from({ length: ids.length * width }, (_, i) => Math.cos(i * 1.7)));
        const index = memory.int32(ids.length);
        index.set(ids);
        const expected = Float32Array.from(table.data);
        for (const [i, id] of ids.entries()) {
          for (let k = 0; k < width; k++) expected[id * width + k]! += rows.data[i * width + k]!;
        }
        kernels.segmentSum(table.data, rows.data, index, width);
        expect([...table.data]).toEqual([...expected]);
        kernels.clearRows(table.data, index, width);
        for (const [i, value] of expected.entries()) {
          expect(table.data[i]).toBe(ids.includes(Math.floor(i / width)) ? 0 : value);
        }
        expect(table.intact()).toBe(true);
      }),
      runs,
    );
  });

  test('an id outside the table is refused before anything is written', () => {
    const table = view(new Float32Array(12));
    for (const id of [-1, 4]) {
      const ids = memory.int32(2);
      ids[1] = id;
      const rows = view(new Float32Array(6).fill(1));
      expect(() => kernels.segmentSum(table.data, rows.data, ids, 3)).toThrow(`Id ${id} in a table of 4 rows`);
      expect(() => kernels.clearRows(table.data, ids, 3)).toThrow(RangeError);
    }
    expect([...table.data]).toEqual(new Array(12).fill(0));
  });
});

describe('multiplyAdd', () => {
  test('every size, by a matrix and by its transpose, against sums one by one', () => {
    const size = fc.integer({ min: 0, max: 11 });
    const cases = fc.record({ M: size, L: size, pairs: fc.integer({ min: 0, max: 6 }), isTransposed: fc.boolean() });
    fc.assert(
      fc.property(cases, ({ M, L, pairs, isTransposed }) => {
        const K = 2 * pairs;
        const of = EngineMemory.create(sizeFor({ float64: [M * L + 1, L * K, M * K + 1, 4 * L] }));
        const [a, b, c] = [of.float64(M * L + 1), of.float64(L * K), of.float64(M * K + 1)];
        for (const [i, view] of [a, b, c].entries())
          for (let j = 0; j < view.length; j++) view[j] = Math.sin(7 * i + j);
        const [strideM, strideL] = isTransposed ? [1, M] : [L, 1];
        const expected = Array.from(c, (value, at) => {
          let sum = 0;
          const [m, k] = [Math.floor(at / K), at % K];
          if (m < M) for (let l = 0; l < L; l++) sum += a[m * strideM + l * strideL]! * b[l * K + k]!;
          return value + sum;
        });
        of.kernels.multiplyAdd(c, a, b, of.float64(4 * L), { M, L, K, strideM, strideL });
        expect([...c]).toEqual(expected);
      }),
      runs,
    );
  });

  test('arrays that are too short, and an odd number of columns, are refused', () => {
    const of = EngineMemory.create(1 << 20);
    const [a, b, c, panel] = [6, 8, 12, 8].map((n) => of.float64(n)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const sizes = { M: 3, L: 2, K: 4, strideM: 2, strideL: 1 };
    of.kernels.multiplyAdd(c, a, b, panel, sizes);
    expect(() => of.kernels.multiplyAdd(c, a.subarray(1), b, panel, sizes)).toThrow('no matrices of 3, 2 and 4');
    expect(() => of.kernels.multiplyAdd(c.subarray(1), a, b, panel, sizes)).toThrow(RangeError);
    expect(() => of.kernels.multiplyAdd(c, a, b.subarray(1), panel, sizes)).toThrow(RangeError);
    expect(() => of.kernels.multiplyAdd(c, a, b, panel.subarray(1), sizes)).toThrow(RangeError);
    expect(() => of.kernels.multiplyAdd(c, a, b, panel, { ...sizes, K: 3 })).toThrow(RangeError);
  });
});

test('views of other memories and unequal lengths are refused', () => {
  expect(() => kernels.scale(new Float32Array(4), 2)).toThrow('no view of the memory');
  expect(() => kernels.addScaled(memory.float32(4), memory.float32(5), 1)).toThrow('Arrays of 4 and 5 values');
  expect(() => kernels.segmentSum(memory.float32(4), memory.float32(3), memory.int32(2), 2)).toThrow('not 3');
});
