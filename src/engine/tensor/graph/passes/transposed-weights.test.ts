import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import type { Program } from '../../executors/executor.ts';
import { linear, matMul, valueAndGrads } from '../../ops/index.ts';
import { record } from '../../record/recorder.ts';
import { checkGraph } from '../check.ts';
import type { Graph } from '../ir.ts';
import { writeOnnx } from '../onnx.ts';
import { countOf } from '../traffic.ts';
import { transposedWeights } from './transposed-weights.ts';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const SPECS = { x: f32(4, 3), w: f32(2, 3), b: f32(2), v: f32(5, 2), table: f32(6, 5) };
const transposedOf = (input: string) => (['w', 'v'].includes(input) ? `t:${input}` : undefined);

/** A layer, one without a bias, and a product with a table that is fed one way only. */
const forward: Program = ({ x, w, b, v, table }) => {
  const h = matMul(linear(x as tf.Tensor2D, w!, b!), v!, { transposeB: true, alpha: 0.5 });
  return { y: matMul(h, table!, { transposeB: true }) };
};
const training: Program = (inputs) => {
  const { value, grads } = valueAndGrads((p) => tf.sum(tf.square(forward({ ...inputs, ...p }).y!)) as tf.Scalar, {
    x: inputs.x!,
    w: inputs.w!,
  });
  return { value, 'grad:x': grads.x!, 'grad:w': grads.w! };
};

/** The inputs' numbers; of a transpose, those of what it is the transpose of. */
function feedOf(name: string): ort.Tensor {
  const of = name.replace('t:', '') as keyof typeof SPECS;
  const [rows, columns = 1] = SPECS[of].shape as [number, number?];
  const at = (i: number, j: number) => Math.sin(of.charCodeAt(0) + i * columns + j);
  if (of === name) {
    const data = Float32Array.from({ length: rows * columns }, (_, k) => at(Math.floor(k / columns), k % columns));
    return new ort.Tensor('float32', data, SPECS[of].shape);
  }
  const data = Float32Array.from({ length: rows * columns }, (_, k) => at(k % rows, Math.floor(k / rows)));
  return new ort.Tensor('float32', data, [columns, rows]);
}

async function run(graph: Graph): Promise<Record<string, number[]>> {
  const named = new Map([...graph.outputs].map(([name, value]) => [`out ${name}`, value]));
  const session = await ort.InferenceSession.create(writeOnnx({ ...graph, outputs: named }), { logSeverityLevel: 3 });
  const results = await session.run(Object.fromEntries(graph.inputs.map((name) => [name, feedOf(name)])));
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, Array.from(data as Float32Array)]),
  );
}

const transposes = (graph: Graph) =>
  (['Gemm', 'FusedMatMul'] as const).reduce(
    (n, op) => n + countOf(graph, op, (node) => node.attributes.transB === 1),
    0,
  );

it.each([
  ['forward', forward, { before: 3, inputs: ['x', 'b', 'table', 't:w', 't:v'] }],
  // The way back reads both as they are.
  ['training', training, { before: 3, inputs: ['x', 'w', 'b', 'v', 'table', 't:w', 't:v'] }],
])('reads weights the other way round: %s', async (_, program, { before, inputs }) => {
  const graph = record(program, SPECS);
  expect(transposes(graph)).toBe(before);
  const swapped = transposedWeights(graph, transposedOf);
  checkGraph(swapped, 'the pass');
  expect(transposes(swapped)).toBe(1);
  expect(swapped.inputs).toEqual(inputs);
  const [expected, results] = [await run(graph), await run(swapped)];
  for (const [name, values] of Object.entries(expected))
    for (const [i, value] of values.entries()) expect(results[name]![i]).toBeCloseTo(value, 4);
});

it('leaves a graph alone of which nothing is fed twice', () => {
  const graph = record(forward, SPECS);
  expect(transposedWeights(graph, () => undefined)).toBe(graph);
});
