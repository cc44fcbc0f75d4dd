import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { type Program, sizeOf, type TensorSpec } from '../../executors/executor.ts';
import { matMul } from '../../ops/index.ts';
import { record } from '../../record/recorder.ts';
import { checkGraph } from '../check.ts';
import type { Graph } from '../ir.ts';
import { writeOnnx } from '../onnx.ts';
import { printGraph } from '../print.ts';
import { webGpuOperators } from './webgpu-operators.ts';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const bool = (...shape: number[]) => ({ shape, dtype: 'bool' as const });
const LACKING = /\b(FusedMatMul|Or|Sum|ArgMax)\(/;

const feedsOf = (inputs: Record<string, TensorSpec>) =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, dtype }]) => {
      const value = (i: number) => Math.sin(i * 1.7 + name.length);
      const data =
        dtype === 'bool'
          ? Uint8Array.from({ length: sizeOf(shape) }, (_, i) => (value(i) > 0 ? 1 : 0))
          : Float32Array.from({ length: sizeOf(shape) }, (_, i) => value(i));
      return [name, new ort.Tensor(dtype, data as never, shape)];
    }),
  );

/** On the processor, which has all operators: what is compared is the meaning, before and after. */
async function run(graph: Graph, inputs: Record<string, TensorSpec>): Promise<number[]> {
  const session = await ort.InferenceSession.create(writeOnnx(graph), { logSeverityLevel: 3 });
  const { y } = await session.run(feedsOf(inputs));
  return Array.from(y!.data as Float32Array);
}

const cast = (x: tf.Tensor) => tf.cast(x, 'float32');
const CASES: Record<string, { program: Program; inputs: Record<string, TensorSpec> }> = {
  'products of two axes, transposed and scaled': {
    program: ({ a, b }) => ({ y: matMul(a!, b!, { transposeA: true, transposeB: true, alpha: 0.5 }) }),
    inputs: { a: f32(3, 4), b: f32(5, 3) },
  },
  'products of stacks': {
    program: ({ a, b }) => ({ y: matMul(a!, b!, { transposeB: true, alpha: 0.5 }) }),
    inputs: { a: f32(2, 3, 4), b: f32(2, 5, 4) },
  },
  or: { program: ({ a, b }) => ({ y: cast(tf.logicalOr(a!, b!)) }), inputs: { a: bool(3, 5), b: bool(3, 5) } },
  'sums of several': {
    program: ({ a, b, c }) => ({ y: tf.addN([a!, b!, c!]) }),
    inputs: { a: f32(3), b: f32(3), c: f32(3) },
  },
  'the first place of the maximum': {
    program: ({ a }) => ({ y: cast(tf.argMax(tf.floor(tf.mul(a!, 3)), 1)) }),
    inputs: { a: f32(4, 7, 2) },
  },
  'tiled conditions': {
    program: ({ a, b, condition }) => ({ y: tf.where(condition!, a!, b!) }),
    inputs: { a: f32(3, 4), b: f32(3, 4), condition: bool(3, 1) },
  },
  'slices of whole numbers': {
    program: ({ a }) => ({ y: cast(tf.slice(tf.argMax(a!, -1), [1, 2], [2, 3])) }),
    inputs: { a: f32(4, 6, 5) },
  },
};

it.each(Object.entries(CASES))('%s: the same result in operators that WebGPU has', async (_, { program, inputs }) => {
  const graph = record(program, inputs);
  const rewritten = webGpuOperators(graph);
  checkGraph(rewritten, 'test');
  expect(rewritten).not.toBe(graph);
  expect(printGraph(rewritten)).not.toMatch(LACKING);
  const [after, before] = [await run(rewritten, inputs), await run(graph, inputs)];
  expect(after.length).toBe(before.length);
  for (const [i, value] of after.entries()) expect(value).toBeCloseTo(before[i]!, 5);
});

it('leaves a graph alone that needs nothing', () => {
  const graph = record(({ a }) => ({ y: tf.slice(tf.tile(a!, [2, 2]), [1, 0], [2, 2]) }), { a: f32(2, 2) });
  expect(webGpuOperators(graph)).toBe(graph);
});

it('writes a product of two axes as one Gemm', () => {
  const graph = record(({ a, b }) => ({ y: matMul(a!, b!, { transposeA: true }) }), { a: f32(3, 4), b: f32(3, 5) });
  expect(printGraph(webGpuOperators(graph))).toMatchInlineSnapshot(`
    "input %a:f32[3,4]
    input %b:f32[3,5]
    %v0:f32[4,5] = Gemm(%a, %b) {transA=1, transB=0, alpha=1}
    output y = %v0"
  `);
});
