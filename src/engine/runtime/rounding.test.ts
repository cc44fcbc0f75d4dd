import { describe, expect, it } from 'vitest';
import { Random } from '../data/random.ts';
import { type Rounding, stepOf, zeroOf } from '../tensor/executors/executor.ts';
import { chooseRounding, type InputColumns, type LinearWeight, narrowed, shiftOf, together } from './rounding.ts';

const random = new Random(11);
const normal = () => random.float() + random.float() + random.float() - 1.5;
const [rows, inputs, outputs] = [200, 48, 60];
/** What goes in: columns like those of a norm, of which one may be far larger. */
const made = (largest: number) =>
  Float32Array.from({ length: rows * inputs }, (_, i) => normal() * (i % inputs === 3 ? largest : 1) + 0.1);
const outFirst: LinearWeight = {
  data: Float32Array.from({ length: outputs * inputs }, normal),
  ...{ layout: 'out,in', inputs, outputs },
};
const turned = (weight: LinearWeight): LinearWeight => ({
  ...weight,
  data: weight.data.map((_, i) => at(weight, Math.floor(i / weight.outputs), i % weight.outputs)),
  layout: 'in,out',
});
const inFirst = turned(outFirst);
/** Fewer outputs than inputs. */
const few: LinearWeight = { ...outFirst, data: outFirst.data.slice(0, 16 * inputs), outputs: 16 };

function at({ data, layout, inputs, outputs }: LinearWeight, k: number, n: number): number {
  return layout === 'out,in' ? data[n * inputs + k]! : data[k * outputs + n]!;
}

function seenIn(x: Float32Array): InputColumns {
  const column = (of: (values: number[]) => number) =>
    Float32Array.from({ length: inputs }, (_, k) =>
      of(Array.from({ length: x.length / inputs }, (_, r) => x[r * inputs + k]!)),
    );
  return {
    low: column((values) => Math.min(0, ...values)),
    high: column((values) => Math.max(0, ...values)),
    sum: column((values) => values.reduce((a, b) => a + b)),
    squares: column((values) => values.reduce((a, b) => a + b * b, 0)),
    rows: x.length / inputs,
  };
}

const rounded = (x: number, k: number, { range, columns }: Rounding) => {
  const unit = stepOf(range) * (columns?.[k] ?? 1);
  return (Math.min(255, Math.max(0, Math.round(x / unit) + zeroOf(range))) - zeroOf(range)) * unit;
};

/** The weight as it is in 8 bits, or, of columns that are computed apart, in float. */
function narrow(weight: LinearWeight, rounding: Rounding) {
  const { values, scales } = narrowed(weight, rounding);
  return (k: number, n: number) =>
    rounding.apart?.includes(k)
      ? at(weight, k, n)
      : (values[k * weight.outputs + n]! * scales[n]!) / (rounding.columns?.[k] ?? 1);
}

/** Errors of each row's outputs, `[rows, outputs]`. */
function errors(x: Float32Array, weight: LinearWeight, rounding: Rounding): number[] {
  const w = narrow(weight, rounding);
  const { outputs } = weight;
  return Array.from({ length: rows * outputs }, (_, i) => {
    const [r, n] = [Math.floor(i / outputs), i % outputs];
    let error = rounding.shift?.[n] ?? 0;
    for (let k = 0; k < inputs; k++) {
      const v = x[r * inputs + k]!;
      error += (rounding.apart?.includes(k) ? v : rounded(v, k, rounding)) * w(k, n) - v * at(weight, k, n);
    }
    return error;
  });
}
const rms = (values: readonly number[]) => Math.hypot(...values) / Math.sqrt(values.length);

describe('chooseRounding', () => {
  it('leaves columns that are alike as they are', () => {
    const seen = seenIn(made(1));
    const rounding = chooseRounding(seen, [outFirst]);
    expect(rounding).not.toHaveProperty('columns');
    expect(rounding).not.toHaveProperty('apart');
    expect(chooseRounding(seen, [few])).toEqual(rounding);
    expect(rounding.range).toEqual([Math.min(...seen.low), Math.max(...seen.high)]);
  });

  it.each([
    ['out, in', outFirst],
    ['in, out', inFirst],
  ])('divides a column that is far larger, which makes the error a fraction; weights [%s]', (_, weight) => {
    const x = made(30);
    const seen = seenIn(x);
    const rounding = chooseRounding(seen, [weight]);
    const plain: Rounding = { range: [Math.min(...seen.low), Math.max(...seen.high)] };
    expect(rounding.columns!.indexOf(Math.max(...rounding.columns!))).toBe(3);
    expect(rms(errors(x, weight, rounding))).toBeLessThan(0.5 * rms(errors(x, weight, plain)));
  });

  it.each([
    ['out, in', few],
    ['in, out', turned(few)],
  ])('leaves it in float where there are fewer outputs than inputs; weights [%s]', (_, weight) => {
    const x = made(30);
    const seen = seenIn(x);
    const rounding = chooseRounding(seen, [weight]);
    const plain: Rounding = { range: [Math.min(...seen.low), Math.max(...seen.high)] };
    expect(rounding.apart).toContain(3);
    expect(rounding.range[1]).toBeLessThan(2);
    expect(rms(errors(x, weight, rounding))).toBeLessThan(0.2 * rms(errors(x, weight, plain)));
  });
});

describe('shiftOf', () => {
  it.each([outFirst, inFirst])('is what rounding takes from each output on average', (weight) => {
    // Most values of a Gelu lie within less than a step below 0.
    const x = made(30).map((v, i) => (i % inputs === 3 ? Math.max(0, v) : -0.04 + 0.01 * v));
    const seen = seenIn(x);
    const rounding = { range: [-0.2, 45] as const };
    const drift = Float32Array.from({ length: inputs }, (_, k) => {
      let sum = 0;
      for (let r = 0; r < rows; r++) sum += rounded(x[r * inputs + k]!, k, rounding) - x[r * inputs + k]!;
      return sum;
    });
    const shift = shiftOf(seen, drift, weight, rounding, narrowed(weight, rounding));
    const before = errors(x, weight, rounding);
    const after = errors(x, weight, { ...rounding, shift });
    for (let n = 0; n < outputs; n++) {
      const mean = after.filter((_, i) => i % outputs === n).reduce((a, b) => a + b) / rows;
      expect(Math.abs(mean)).toBeLessThan(1e-4);
    }
    expect(rms(after)).toBeLessThan(0.8 * rms(before));
  });
});

it('what was seen in two batches is what was seen in both together', () => {
  const x = made(5);
  const half = (x.length / inputs / 2) * inputs;
  const both = together(seenIn(x.subarray(0, half)), seenIn(x.subarray(half)));
  const whole = seenIn(x);
  expect([both.low, both.high, both.rows]).toEqual([whole.low, whole.high, whole.rows]);
  both.sum.forEach((s, k) => {
    expect(s).toBeCloseTo(whole.sum[k]!, 2);
  });
});
