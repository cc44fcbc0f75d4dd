import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Executor, sizeOf, type TensorData, type TensorSpec } from '../../src/engine/tensor/executors/executor.ts';
import { embedding, valueAndGrads } from '../../src/engine/tensor/ops/index.ts';
import { KERNEL_RULES } from '../../src/engine/tensor/record/kernels.ts';
import { BACKEND, record } from '../../src/engine/tensor/record/recorder.ts';
import { EXECUTORS, figures } from './executors.ts';
import { CASES, type Inputs, toleranceOf } from './op-cases.ts';
import { relativeError, uniform } from './values.ts';

interface InputFigures {
  kind: 'float' | 'positive' | 'ids' | 'bool';
  shape: number[];
  n?: number;
}

interface CaseFigures {
  inputs: Record<string, InputFigures>;
  shape: number[];
  y: number[];
  gradients: Record<string, number[]>;
}

/** What op_figures.py wrote. */
const { cases } = JSON.parse(readFileSync(figures('ops.json'), 'utf8')) as { cases: Record<string, CaseFigures> };

function dataOf(key: string, { kind, shape, n }: InputFigures): TensorData {
  const u = uniform(key, sizeOf(shape));
  switch (kind) {
    case 'float':
      return Float32Array.from(u);
    case 'positive':
      return Float32Array.from(u, (x) => 1 + x / 2);
    case 'ids':
      return Int32Array.from(u, (x) => Math.floor(((x + 1) / 2) * n!));
    case 'bool':
      return Uint8Array.from(u, (x) => (x > 0 ? 1 : 0));
  }
}

const DTYPE = { float: 'float32', positive: 'float32', ids: 'int32', bool: 'bool' } as const;
const W = 'w of the sum';

/** y, and the gradients of Σ y · w. */
function programOf(name: string, { inputs, shape, gradients }: CaseFigures) {
  const compute = CASES[name]!;
  const differentiated = Object.keys(gradients);
  const specs: Record<string, TensorSpec> = Object.fromEntries(
    Object.entries(inputs).map(([input, { kind, shape }]) => [input, { shape, dtype: DTYPE[kind] }]),
  );
  if (differentiated.length === 0) return { specs, program: (given: Inputs) => ({ y: compute(given) }) };
  specs[W] = { shape, dtype: 'float32' };
  const program = (given: Inputs) => {
    const { grads, kept } = valueAndGrads(
      (parameters, keep) => {
        const y = compute({ ...given, ...parameters });
        keep('y', y);
        return tf.sum(tf.mul(y, given[W]!)) as tf.Scalar;
      },
      Object.fromEntries(differentiated.map((input) => [input, given[input]!])),
    );
    return { y: kept.y!, ...Object.fromEntries(differentiated.map((input) => [`grad:${input}`, grads[input]!])) };
  };
  return { specs, program };
}

/** A case ready to run: on its figures' inputs, some of them moved. */
async function ready(executor: Executor, name: string) {
  const figure = cases[name]!;
  const { specs, program } = programOf(name, figure);
  const compiled = await executor.compile(program, specs);
  expect(compiled.outputs.y!.shape).toEqual(figure.shape);
  const feeds = Object.fromEntries(
    Object.entries(figure.inputs).map(([input, spec]) => [input, dataOf(`${name}/${input}`, spec)]),
  );
  if (W in specs) feeds[W] = Float32Array.from(uniform(`${name}/w`, figure.y.length));
  const run = async (moved: Record<string, TensorData> = {}) => {
    const fetches = Object.fromEntries(
      Object.entries(compiled.outputs).map(([output, { shape }]) => [output, new Float32Array(sizeOf(shape))]),
    );
    await compiled.run({ ...feeds, ...moved }, fetches);
    return fetches;
  };
  return { feeds, run, dispose: () => compiled.dispose() };
}

async function run(executor: Executor, name: string): Promise<Record<string, Float32Array>> {
  const { run, dispose } = await ready(executor, name);
  const results = await run();
  dispose();
  return results;
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);

/** Half the way over which a slope is measured: float32 allows no shorter one, curved functions no longer one. */
const H = 1 / 256;
/** Of the sum of all |gradient · direction|. */
const SLOPE_TOLERANCE = 5e-3;

test('op-cases.ts and the figures have the same cases', () => {
  expect(Object.keys(CASES).sort()).toEqual(Object.keys(cases).sort());
});

test('every kernel that can be recorded is in one of the cases', () => {
  // Once recorded, the backend's kernels are there to be listened to.
  record(({ a }) => ({ y: tf.neg(a!) }), { a: { shape: [1], dtype: 'float32' } });
  const used = new Set<string>();
  for (const name of Object.keys(KERNEL_RULES)) {
    const kernel = tf.getKernel(name, BACKEND)!;
    const original = kernel.kernelFunc;
    kernel.kernelFunc = (call) => {
      used.add(name);
      return original(call);
    };
  }
  for (const [name, figure] of Object.entries(cases)) {
    const { specs, program } = programOf(name, figure);
    record(program, specs);
  }
  expect(Object.keys(KERNEL_RULES).filter((name) => !used.has(name))).toEqual([]);
});

describe.each(EXECUTORS)("ops against PyTorch's in float64: $title", ({ isThere, create, toleranceOf: own }) => {
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  test.skipIf(!isThere).each(Object.keys(cases))('%s', async (name) => {
    const { y, gradients } = cases[name]!;
    const result = await run(executor, name);
    const tolerance = own?.(name) ?? toleranceOf(name);
    expect(relativeError(result.y!, y)).toBeLessThanOrEqual(tolerance);
    const largest = Math.max(...Object.values(gradients).flat().map(Math.abs));
    for (const [input, gradient] of Object.entries(gradients)) {
      // Some gradients are truly 0: against the case's largest one.
      const error = relativeError(result[`grad:${input}`]!, gradient, 0.02 * largest);
      expect(error, `gradient of ${input}`).toBeLessThanOrEqual(2 * tolerance);
    }
  });

  const sloped = Object.keys(cases).filter((name) => Object.keys(cases[name]!.gradients).length > 0);
  test.skipIf(!isThere).each(sloped)('%s: the slope along a direction is what the gradient says', async (name) => {
    const { feeds, run, dispose } = await ready(executor, name);
    const inputs = Object.keys(cases[name]!.gradients);
    const directions = inputs.map((input) => uniform(`${name}/${input}/direction`, feeds[input]!.length));
    const value = async (h: number) => {
      const moved = inputs.map((input, k) => [
        input,
        Float32Array.from(feeds[input]!, (x, i) => x + h * directions[k]![i]!),
      ]);
      return dot((await run(Object.fromEntries(moved))).y!, feeds[W]!);
    };
    const measured = ((await value(H)) - (await value(-H))) / (2 * H);
    const results = await run();
    const gradients = inputs.map((input) => results[`grad:${input}`]!);
    const said = gradients.reduce((sum, gradient, k) => sum + dot(gradient, directions[k]!), 0);
    const size = gradients.reduce((sum, g, k) => sum + dot(g.map(Math.abs), Array.from(directions[k]!, Math.abs)), 0);
    // What values themselves may be wrong by weighs as much more as the way is short.
    const { y } = results;
    const noise =
      ((own?.(name) ?? toleranceOf(name)) / H) * dot(y!.map(Math.abs), Array.from(feeds[W] as Float32Array, Math.abs));
    expect(Math.abs(measured - said)).toBeLessThanOrEqual(SLOPE_TOLERANCE * Math.max(size, 1e-3) + noise);
    dispose();
  });

  test.skipIf(!isThere)('1024 rows of 768 with repeated ids are summed in order, equal every time', async () => {
    const [vocabulary, tokens, width] = [50, 1024, 768];
    const table = new Float32Array(vocabulary * width);
    const ids = Int32Array.from(uniform('ids', tokens), (u) => Math.floor(((u + 1) / 2) ** 2 * vocabulary));
    const rows = Float32Array.from(uniform('rows', tokens * width));
    const compiled = await executor.compile(
      (given) => {
        const { value, grads } = valueAndGrads(
          ({ table }) => tf.sum(tf.mul(embedding(table!, given.ids as tf.Tensor1D), given.rows!)) as tf.Scalar,
          { table: given.table! },
        );
        return { loss: value, 'grad:table': grads.table! };
      },
      {
        table: { shape: [vocabulary, width], dtype: 'float32' },
        ids: { shape: [tokens], dtype: 'int32' },
        rows: { shape: [tokens, width], dtype: 'float32' },
      },
    );
    const expected = new Float64Array(table.length);
    for (const [i, id] of ids.entries()) {
      for (let k = 0; k < width; k++) expected[id * width + k]! += rows[i * width + k]!;
    }
    let first: Float32Array | undefined;
    for (let time = 0; time < 20; time++) {
      const gradient = new Float32Array(table.length);
      await compiled.run({ table, ids, rows }, { loss: new Float32Array(1), 'grad:table': gradient });
      first ??= gradient;
      expect(Buffer.compare(Buffer.from(gradient.buffer), Buffer.from(first.buffer))).toBe(0);
    }
    expect(relativeError(first!, expected)).toBeLessThan(1e-6);
    compiled.dispose();
  });
});
