import * as tf from '@tensorflow/tfjs-core';
import type { BackendChoice, BackendStatus } from '../../protocol/index.ts';
import { toErrorData } from '../errors.ts';
import { createExecutor } from '../executors/create.ts';
import type { Executor } from '../executors/executor.ts';

const NAMES: Exclude<BackendChoice, 'auto'>[] = ['onnxruntime', 'webgpu', 'tensorflow', 'wasm'];

/** A product of the size that BERT-base's feed-forward layers have at 8 × 128 tokens. */
const SIZE = { rows: 1024, inner: 768, columns: 3072 };
const REPEATS = 5;

/** What can compute on this machine, what it is, and why another cannot. */
export async function backendStatus(measure: boolean): Promise<BackendStatus[]> {
  const found: BackendStatus[] = [];
  for (const name of NAMES) {
    try {
      const executor = await createExecutor(name);
      try {
        const gflops = measure ? await measureGflops(executor) : null;
        found.push({ name, usable: true, detail: `${executor.library}, ${executor.numThreads} threads`, gflops });
      } finally {
        executor.dispose();
      }
    } catch (error) {
      const { message, hint } = toErrorData(error);
      found.push({ name, usable: false, detail: hint === undefined ? message : `${message} ${hint}`, gflops: null });
    }
  }
  return found;
}

/** The rate of the backend that `auto` takes here. */
export async function measureMachine(): Promise<number> {
  const executor = await createExecutor('auto');
  try {
    return await measureGflops(executor);
  } finally {
    executor.dispose();
  }
}

/** Median rate of a float32 matrix product, 2·m·k·n operations each. */
async function measureGflops(executor: Executor): Promise<number> {
  const { rows, inner, columns } = SIZE;
  const compiled = await executor.compile(({ a, b }) => ({ c: tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D) }), {
    a: { shape: [rows, inner], dtype: 'float32' },
    b: { shape: [inner, columns], dtype: 'float32' },
  });
  const feeds = { a: new Float32Array(rows * inner).fill(0.5), b: new Float32Array(inner * columns).fill(0.5) };
  const fetches = { c: new Float32Array(rows * columns) };
  const times: number[] = [];
  for (let i = 0; i <= REPEATS; i++) {
    const began = performance.now();
    await compiled.run(feeds, fetches);
    // The first run also sets up the session's memory.
    if (i > 0) times.push(performance.now() - began);
  }
  compiled.dispose();
  times.sort((x, y) => x - y);
  return (2 * rows * inner * columns) / 1e6 / times[REPEATS >> 1]!;
}
