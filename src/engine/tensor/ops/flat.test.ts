import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Executor } from '../executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../executors/onnxruntime.ts';
import { rowNorms, scaledSquare, valueAndGrads } from './index.ts';

const [rows, width, factor] = [3, 5, 0.5];
const x = Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i + 1));
const weights = Float32Array.from({ length: rows * width }, (_, i) => Math.cos(3 * i));

let executor: Executor;
beforeAll(async () => {
  executor = await createOnnxRuntimeExecutor({ numThreads: 1 });
});
afterAll(() => executor.dispose());

async function run(op: (x: tf.Tensor, factor: tf.Tensor) => tf.Tensor, size: number) {
  const inputs = {
    x: { shape: [rows, width], dtype: 'float32' },
    factor: { shape: [], dtype: 'float32' },
    weights: { shape: [size], dtype: 'float32' },
  } as const;
  const compiled = await executor.compile(({ x, factor, weights }) => {
    const { value, grads, kept } = valueAndGrads(
      (p, keep) => {
        const y = op(p.x!, p.factor!);
        keep('y', y);
        return tf.sum(tf.mul(tf.reshape(y, [-1]), weights!));
      },
      { x: x!, factor: factor! },
    );
    return { value, y: kept.y!, x: grads.x!, factor: grads.factor! };
  }, inputs);
  const fetches = {
    ...{ value: new Float32Array(1), y: new Float32Array(size) },
    ...{ x: new Float32Array(x.length), factor: new Float32Array(1) },
  };
  await compiled.run({ x, factor: Float32Array.of(factor), weights: weights.subarray(0, size) }, fetches);
  compiled.dispose();
  return fetches;
}

it('squares what is scaled, with its gradients', async () => {
  const { y, x: dx, factor: dFactor } = await run(scaledSquare, x.length);
  let sum = 0;
  for (const [i, value] of x.entries()) {
    expect(y[i]).toBeCloseTo((factor * value) ** 2, 6);
    expect(dx[i]).toBeCloseTo(weights[i]! * 2 * factor ** 2 * value, 6);
    sum += weights[i]! * 2 * factor * value ** 2;
  }
  expect(dFactor[0]).toBeCloseTo(sum, 5);
});

it('takes the lengths of rows, with their gradients', async () => {
  const { y, x: dx } = await run((x, factor) => tf.add(rowNorms(x), tf.mul(factor, 0)), rows);
  for (let row = 0; row < rows; row++) {
    const norm = Math.hypot(...x.subarray(row * width, (row + 1) * width));
    expect(y[row]).toBeCloseTo(norm, 6);
    for (let i = row * width; i < (row + 1) * width; i++) expect(dx[i]).toBeCloseTo((weights[row]! * x[i]!) / norm, 6);
  }
});
