import { matMul, sum, type Tensor2D } from '@tensorflow/tfjs-core';
import { smallest } from '../../../protocol/index.ts';
import type { Executor, Feed, Program, TensorSpec } from './executor.ts';

/** Rows of a product, as many as 8 texts of 128 tokens are; slow executors are asked for fewer. */
const ROWS = [8, 128, 1024];
const REPEATS = 4;
/** What has taken this long tells enough, in ms. */
const LONG = 60;

/**
 * Rate in Gflop/s, 2·m·k·n operations each, of the float32 matrix product that leads into the feed-forward part of a
 * layer of `width` and is four times as wide: where most of a step's time goes. Nothing is carried to and fro.
 */
export async function measureRate(executor: Executor, width: number): Promise<number> {
  const spec = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });
  const full = (rows: number, columns: number) => new Float32Array(rows * columns).fill(0.5);
  const wide = 4 * width;
  const weight = full(width, wide);
  let rate = 0;
  for (const rows of ROWS) {
    const inputs = { a: spec(rows, width), b: spec(width, wide) };
    const run = await prepare(executor, inputs, { a: full(rows, width), b: weight });
    const times: number[] = [];
    let total = 0;
    // The first run also sets up memory; after a long one, no more is learned from others.
    for (let i = 0; i <= REPEATS && (i < 2 || total < 4 * LONG); i++) {
      const began = performance.now();
      await run.once();
      const ms = performance.now() - began;
      if (i > 0) times.push(ms);
      total += ms;
    }
    run.dispose();
    // The best, not the median: whatever else the machine does only slows it down.
    const best = smallest(times);
    rate = (2 * rows * width * wide) / 1e6 / best;
    if (best > LONG) break;
  }
  return rate;
}

/** The product's sum, so that one number leaves; operands lie on the executor's device where it has one. */
async function prepare(executor: Executor, inputs: Record<'a' | 'b', TensorSpec>, arrays: Record<string, Feed>) {
  const product: Program = ({ a, b }) => ({ sum: sum(matMul(a as Tensor2D, b as Tensor2D)) });
  const compiled = await executor.compile(product, inputs);
  const copy = await executor.compileOnDevice?.((given) => given, inputs);
  const onDevice = await copy?.run(arrays);
  const fetches = { sum: new Float32Array(1) };
  return {
    once: () => compiled.run(onDevice ?? arrays, fetches),
    dispose() {
      compiled.dispose();
      for (const tensor of Object.values(onDevice ?? {})) tensor.dispose();
      copy?.dispose();
    },
  };
}
