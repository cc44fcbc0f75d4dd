import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { type Program, sizeOf, type TensorSpec } from '../../executors/executor.ts';
import { linear, matMul } from '../../ops/index.ts';
import { record } from '../../record/recorder.ts';
import { checkGraph } from '../check.ts';
import type { Graph } from '../ir.ts';
import { writeOnnx } from '../onnx.ts';
import type { Op } from '../operators.ts';
import { scaledProducts } from './scaled-products.ts';
import { webGpuOperators } from './webgpu-operators.ts';

const f32 = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });
const matrices = { a: f32(3, 4), w: f32(5, 4), bias: f32(5) };

/** Without onnxruntime's own rewriting. */
async function run(graph: Graph, inputs: Record<string, TensorSpec>): Promise<Record<string, Float32Array>> {
  const session = await ort.InferenceSession.create(writeOnnx(graph), {
    ...{ logSeverityLevel: 3, graphOptimizationLevel: 'disabled' },
  });
  const feeds = Object.entries(inputs).map(([name, { shape }], n) => {
    const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 1.7 + n));
    return [name, new ort.Tensor('float32', data, shape)] as const;
  });
  const results = Object.entries(await session.run(Object.fromEntries(feeds)));
  return Object.fromEntries(results.map(([name, { data }]) => [name, data as Float32Array]));
}

const CASES: Record<string, { program: Program; ops: Op[] }> = {
  'a layer of which heads are taken': {
    program: ({ a, w, bias }) => {
      const y = linear(a as tf.Tensor2D, w!, bias as tf.Tensor1D);
      return { y: tf.mul(tf.transpose(tf.reshape(y, [1, 3, 5, 1]), [0, 2, 1, 3]), 0.3) };
    },
    ops: ['Gemm', 'Reshape', 'Transpose'],
  },
  'a product without a term, scaled before': {
    program: ({ a, w }) => ({ y: tf.exp(tf.mul(matMul(a!, w!, { transposeB: true, alpha: 3 }), 0.3)) }),
    ops: ['Gemm', 'Exp'],
  },
  'a layer that is scaled twice': {
    program: ({ a, w, bias }) => ({ y: tf.mul(tf.mul(linear(a as tf.Tensor2D, w!, bias as tf.Tensor1D), 0.3), 7) }),
    ops: ['Gemm', 'Mul'],
  },
  'a layer that is read beside its multiple': {
    program: ({ a, w, bias }) => {
      const y = linear(a as tf.Tensor2D, w!, bias as tf.Tensor1D);
      return { y: tf.add(tf.exp(y), tf.mul(y, 0.3)) };
    },
    ops: ['Gemm', 'Exp', 'Mul', 'Add'],
  },
  'a layer that is an output beside its multiple': {
    program: ({ a, w, bias }) => {
      const z = linear(a as tf.Tensor2D, w!, bias as tf.Tensor1D);
      return { z, y: tf.mul(z, 0.3) };
    },
    ops: ['Gemm', 'Mul'],
  },
  'a layer times a row': {
    program: ({ a, w, bias }) => ({ y: tf.mul(linear(a as tf.Tensor2D, w!, bias as tf.Tensor1D), bias!) }),
    ops: ['Gemm', 'Mul'],
  },
};

it.each(Object.entries(CASES))('%s: the same values', async (_, { program, ops }) => {
  const graph = webGpuOperators(record(program, matrices));
  const rewritten = scaledProducts(graph);
  checkGraph(rewritten, 'test');
  expect(rewritten.nodes.map(({ op }) => op)).toEqual(ops);
  const [after, before] = [await run(rewritten, matrices), await run(graph, matrices)];
  for (const [name, values] of Object.entries(before))
    for (const [i, value] of values.entries()) expect(after[name]![i]).toBeCloseTo(value, 5);
});
