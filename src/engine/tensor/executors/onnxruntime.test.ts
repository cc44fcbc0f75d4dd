import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embedding, valueAndGrads } from '../ops/index.ts';
import type { Executor } from './executor.ts';
import { createOnnxRuntimeExecutor } from './onnxruntime.ts';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const i32 = (...shape: number[]) => ({ shape, dtype: 'int32' as const });

describe('onnxruntime executor', () => {
  let executor: Executor;
  beforeAll(async () => {
    executor = await createOnnxRuntimeExecutor({ numThreads: 2 });
  });
  afterAll(() => executor.dispose());

  it('writes outputs into the arrays it is given', async () => {
    const compiled = await executor.compile(({ a, b }) => ({ sum: tf.add(a!, b!), product: tf.mul(a!, b!) }), {
      a: f32(3),
      b: f32(3),
    });
    const sum = new Float32Array(3);
    const product = new Float32Array(3);
    await compiled.run({ a: Float32Array.of(1, 2, 3), b: Float32Array.of(4, 5, 6) }, { sum, product });
    expect([...sum]).toEqual([5, 7, 9]);
    expect([...product]).toEqual([4, 10, 18]);
    compiled.dispose();
  });

  it('adds the rows of repeated ids, clearing what an earlier run left', async () => {
    const compiled = await executor.compile(
      ({ table, ids, scale }) => {
        const { value, grads } = valueAndGrads(
          (p) => tf.sum(tf.mul(embedding(p.table!, ids as tf.Tensor1D), scale!)) as tf.Scalar,
          { table: table! },
        );
        return { loss: value, 'grad:table': grads.table! };
      },
      { table: f32(5, 2), ids: i32(3), scale: f32(3, 1) },
    );
    const grad = new Float32Array(10).fill(9);
    const fetches = { loss: new Float32Array(1), 'grad:table': grad };
    const table = new Float32Array(10).fill(1);
    const scale = Float32Array.of(1, 2, 4);
    await compiled.run({ table, ids: Int32Array.of(3, 0, 3), scale }, fetches);
    expect([...grad]).toEqual([2, 2, 0, 0, 0, 0, 5, 5, 0, 0]);
    await compiled.run({ table, ids: Int32Array.of(1, 1, 1), scale }, fetches);
    expect([...grad]).toEqual([0, 0, 7, 7, 0, 0, 0, 0, 0, 0]);
    compiled.dispose();
  });

  it('clears what a graph of another shape left in the same table', async () => {
    const gradients = (n: number) =>
      executor.compile(
        ({ table, ids }) => {
          const { value, grads } = valueAndGrads((p) => tf.sum(embedding(p.table!, ids as tf.Tensor1D)) as tf.Scalar, {
            table: table!,
          });
          return { loss: value, 'grad:table': grads.table! };
        },
        { table: f32(4, 1), ids: i32(n) },
      );
    const [three, two] = [await gradients(3), await gradients(2)];
    const table = new Float32Array(4).fill(1);
    const grad = new Float32Array(4);
    const fetches = { loss: new Float32Array(1), 'grad:table': grad };
    await three.run({ table, ids: Int32Array.of(0, 1, 2) }, fetches);
    await two.run({ table, ids: Int32Array.of(3, 3) }, fetches);
    expect([...grad]).toEqual([0, 0, 0, 2]);
    await three.run({ table, ids: Int32Array.of(1, 1, 1) }, fetches);
    expect([...grad]).toEqual([0, 3, 0, 0]);
    three.dispose();
    two.dispose();
  });

  it('names the input whose array has another size', async () => {
    const compiled = await executor.compile(({ a }) => ({ y: tf.add(a!, 1) }), { a: f32(3) });
    await expect(compiled.run({ a: new Float32Array(2) }, { y: new Float32Array(3) })).rejects.toThrow(
      /a needs 3 values, got 2/,
    );
    compiled.dispose();
  });
});
