import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { Random } from '../../data/random.ts';
import { type Program, sizeOf, type TensorSpec } from '../executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../executors/onnxruntime.ts';
import { bytesOf } from '../graph/liveness.ts';
import { record } from '../record/recorder.ts';
import { attention, valueAndGrads } from './index.ts';

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
  const executor = await createOnnxRuntimeExecutor({ numThreads: 2 });
  const run = async (recompute: boolean) => {
    const compiled = await executor.compile(program(recompute), specs);
    const fetches = Object.fromEntries(
      Object.entries(compiled.outputs).map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape))]),
    );
    await compiled.run(feeds, fetches);
    compiled.dispose();
    return fetches;
  };
  const results = await run(true);
  expect(results['grad:k']!.some((x) => x !== 0)).toBe(true);
  expect(results).toEqual(await run(false));
  executor.dispose();
});
