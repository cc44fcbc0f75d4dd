import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Random } from '../../data/random.ts';
import { type Program, sizeOf, type TensorSpec } from '../executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../executors/onnxruntime.ts';
import { bytesOf } from '../graph/liveness.ts';
import { record } from '../record/recorder.ts';
import { attention, valueAndGrads } from './index.ts';

type Feeds = Record<string, Float32Array>;

async function resultsOf(program: Program, specs: Record<string, TensorSpec>, feeds: Feeds): Promise<Feeds> {
  const executor = await createOnnxRuntimeExecutor({ numThreads: 2 });
  const compiled = await executor.compile(program, specs);
  const fetches = Object.fromEntries(
    Object.entries(compiled.outputs).map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape))]),
  );
  await compiled.run(feeds, fetches);
  compiled.dispose();
  executor.dispose();
  return fetches;
}

/** Layers one on the other, so that what one keeps is there while another is computed. */
const LAYERS = 4;
const [heads, T, D] = [4, 24, 8];
const f32 = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });
const specs = { q: f32(1, heads, T, D), k: f32(1, 2, T, D), v: f32(1, 2, T, D), hidden: f32(1, 1, T, T) };

const program =
  (recompute: boolean): Program =>
  ({ q, k, v, hidden }) => {
    const { value, grads } = valueAndGrads(
      (p) => {
        let x = p.q!;
        for (let i = 0; i < LAYERS; i++)
          x = tf.add(x, attention({ q: x, k: p.k!, v: p.v!, hidden: hidden!, recompute }));
        return tf.sum(tf.square(x)) as tf.Scalar;
      },
      { q: q!, k: k!, v: v! },
    );
    return { loss: value, 'grad:q': grads.q!, 'grad:k': grads.k!, 'grad:v': grads.v! };
  };

it('computes probabilities again for the gradient, to the last bit the same, and keeps none', async () => {
  const [kept, again] = [false, true].map((recompute) => bytesOf(record(program(recompute), specs)).passing);
  expect(kept! - again!).toBeGreaterThanOrEqual((LAYERS - 1) * 4 * heads * T * T);

  const random = new Random(3);
  const feeds = Object.fromEntries(
    Object.entries(specs).map(([name, { shape }]) => [
      name,
      Float32Array.from({ length: sizeOf(shape) }, (_, i) =>
        name === 'hidden' ? -1e9 * Number(i % T > i / T) : random.float() - 0.5,
      ),
    ]),
  );
  const run = (recompute: boolean) => resultsOf(program(recompute), specs, feeds);
  const results = await run(true);
  expect(results['grad:k']!.some((x) => x !== 0)).toBe(true);
  expect(results).toEqual(await run(false));
});

describe('turned', () => {
  const [R, A, T, S, D] = [2, 4, 5, 7, 4];
  const inputs = { q: f32(R, A, T, D), k: f32(R, A, S, D), v: f32(R, A, S, D) };
  const others = { hidden: f32(R, 1, T, S), mask: f32(R, A, T, S) };
  const random = new Random(5);
  const feeds: Feeds = Object.fromEntries(
    Object.entries({ ...inputs, ...others }).map(([name, { shape }]) => {
      const value = { hidden: (x: number) => (x < 0.3 ? -1e9 : 0), mask: (x: number) => (x < 0.2 ? 0 : 1 / 0.8) };
      const of = name in value ? value[name as keyof typeof value] : (x: number) => 4 * (x - 0.5);
      return [name, Float32Array.from({ length: sizeOf(shape) }, () => of(random.float()))];
    }),
  );
  const program =
    (turned: boolean, options: { causal?: boolean; recompute?: boolean; dropout?: boolean }): Program =>
    ({ q, k, v, hidden, mask }) => {
      const { value, grads } = valueAndGrads(
        (p) => {
          const drop = options.dropout ? { mask: mask!, rate: 0.2 } : {};
          const y = attention({ q: p.q!, k: p.k!, v: p.v!, hidden: hidden!, ...options, ...drop, turned });
          return tf.sum(tf.mul(y, tf.sin(y))) as tf.Scalar;
        },
        { q: q!, k: k!, v: v! },
      );
      return { loss: value, 'grad:q': grads.q!, 'grad:k': grads.k!, 'grad:v': grads.v! };
    };

  it.each([
    {},
    { dropout: true },
    { causal: true },
    { recompute: true },
    { recompute: true, dropout: true },
    { keyHeads: 2 },
    { keyHeads: 1, dropout: true },
  ])('gives the same values and gradients: %o', async ({ keyHeads = A, ...options }) => {
    const specs = { ...inputs, ...others, k: f32(R, keyHeads, S, D), v: f32(R, keyHeads, S, D) };
    const given = { ...feeds };
    for (const name of ['k', 'v'] as const) given[name] = feeds[name]!.subarray(0, sizeOf(specs[name].shape));
    const [turned, straight] = [
      await resultsOf(program(true, options), specs, given),
      await resultsOf(program(false, options), specs, given),
    ];
    for (const [name, values] of Object.entries(straight)) {
      const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      expect(largest).toBeGreaterThan(0.1);
      for (const [i, value] of values.entries())
        expect(Math.abs(turned[name]![i]! - value), `${name} ${i}`).toBeLessThan(2e-6 * largest);
    }
  });
});
