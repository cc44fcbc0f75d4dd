import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embedding, valueAndGrads } from '../ops/index.ts';
import type { Executor } from './executor.ts';
import { createWasmExecutor } from './wasm.ts';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const i32 = (...shape: number[]) => ({ shape, dtype: 'int32' as const });

describe('wasm executor', () => {
  let executor: Executor;
  const listeners = () => ['uncaughtException', 'unhandledRejection'].map((event) => process.listenerCount(event));
  let before: number[];
  beforeAll(async () => {
    before = listeners();
    executor = await createWasmExecutor();
  });
  afterAll(() => executor.dispose());

  it('says which library computes, and leaves the process its own listeners', () => {
    expect(executor.library).toMatch(/^tfjs-backend-wasm 4\.\d+\.\d+$/);
    expect(listeners()).toEqual(before);
  });

  it('leaves no tensor and no heap behind over many steps, and another backend in use', async () => {
    tf.registerBackend('idle', () => new tf.KernelBackend());
    await tf.setBackend('idle');
    const compiled = await executor.compile(
      ({ table, ids, weight }) => {
        const { value, grads, kept } = valueAndGrads(
          (p, keep) => {
            const rows = embedding(p.table!, ids as tf.Tensor1D);
            keep('rows', rows);
            return tf.sum(tf.square(tf.matMul(rows as tf.Tensor2D, p.weight as tf.Tensor2D, false, true))) as tf.Scalar;
          },
          { table: table!, weight: weight! },
        );
        return { loss: value, rows: kept.rows!, 'grad:table': grads.table!, 'grad:weight': grads.weight! };
      },
      { table: f32(300, 256), ids: i32(64), weight: f32(128, 256) },
    );
    const fetches = {
      loss: new Float32Array(1),
      rows: new Float32Array(64 * 256),
      'grad:table': new Float32Array(300 * 256),
      'grad:weight': new Float32Array(128 * 256),
    };
    const feeds = {
      table: new Float32Array(300 * 256).fill(0.1),
      ids: Int32Array.from({ length: 64 }, (_, i) => (i * i) % 300),
      weight: new Float32Array(128 * 256).fill(0.1),
    };
    const backend = tf.engine().findBackend('wasm') as unknown as {
      wasm: { HEAPU8: Uint8Array };
      numDataIds(): number;
    };
    for (let step = 0; step < 3; step++) await compiled.run(feeds, fetches);
    const held = [tf.engine().state.numTensors, backend.numDataIds(), backend.wasm.HEAPU8.length];
    for (let step = 0; step < 200; step++) await compiled.run(feeds, fetches);
    expect([tf.engine().state.numTensors, backend.numDataIds(), backend.wasm.HEAPU8.length]).toEqual(held);
    expect(tf.getBackend()).toBe('idle');
    expect(fetches.loss[0]).toBeCloseTo(64 * 128 * 2.56 ** 2, -1);
  });

  it('multiplies stacks of matrices, transposed and broadcast, as the plain product does', async () => {
    const compiled = await executor.compile(
      ({ a, b, one }) => ({ stacks: tf.matMul(a!, b!, true, true), broadcast: tf.matMul(a!, one!, true, false) }),
      { a: f32(2, 3, 5, 4), b: f32(2, 3, 7, 5), one: f32(1, 1, 5, 2) },
    );
    const values = (n: number) => Float32Array.from({ length: n }, (_, i) => ((i * 37) % 11) - 5);
    const feeds = { a: values(120), b: values(210), one: values(10) };
    const fetches = { stacks: new Float32Array(6 * 4 * 7), broadcast: new Float32Array(6 * 4 * 2) };
    await compiled.run(feeds, fetches);
    for (let s = 0; s < 6; s++) {
      for (let i = 0; i < 4; i++) {
        const dot = (other: (k: number) => number) =>
          [0, 1, 2, 3, 4].reduce((sum, k) => sum + feeds.a[s * 20 + k * 4 + i]! * other(k), 0);
        for (let j = 0; j < 7; j++)
          expect(fetches.stacks[s * 28 + i * 7 + j]).toBe(dot((k) => feeds.b[s * 35 + j * 5 + k]!));
        for (let j = 0; j < 2; j++)
          expect(fetches.broadcast[s * 8 + i * 2 + j]).toBe(dot((k) => feeds.one[k * 2 + j]!));
      }
    }
  });

  it('refuses, before it runs, a program that no 32-bit memory can hold', async () => {
    const huge = executor.compile(({ a, b }) => ({ c: tf.add(a!, b!) }), { a: f32(2 ** 29), b: f32(2 ** 29) });
    await expect(huge).rejects.toMatchObject({
      code: 'not-enough-memory',
      message: expect.stringContaining('at least 6.0 GiB'),
      hint: expect.stringContaining('--backend onnxruntime'),
    });
  });

  it('stops when the memory is full instead of writing over what is there', async () => {
    // It would just fit into an empty memory, which this one no longer is.
    const compiled = await executor.compile(({ a }) => ({ y: tf.add(tf.sum(tf.fill([2 ** 30 - 1024], 1)), a!) }), {
      a: f32(),
    });
    const before = tf.engine().state.numTensors;
    await expect(compiled.run({ a: Float32Array.of(1) }, { y: new Float32Array(1) })).rejects.toMatchObject({
      code: 'not-enough-memory',
      message: expect.stringContaining('4.0 GiB more are needed'),
    });
    expect(tf.engine().state.numTensors).toBe(before);
    const small = await executor.compile(({ a }) => ({ y: tf.neg(a!) }), { a: f32(1, 256) });
    const y = new Float32Array(256);
    await small.run({ a: new Float32Array(256).fill(1) }, { y });
    expect(y.every((value) => value === -1)).toBe(true);
  });
});
