import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { type Program, sizeOf, type TensorSpec } from '../../executors/executor.ts';
import { record } from '../../record/recorder.ts';
import { checkGraph } from '../check.ts';
import type { Graph } from '../ir.ts';
import { writeOnnx } from '../onnx.ts';
import { countOf } from '../traffic.ts';
import { mergedTransposes } from './merged-transposes.ts';

const f32 = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });

async function run(graph: Graph, inputs: Record<string, TensorSpec>): Promise<Record<string, number[]>> {
  const session = await ort.InferenceSession.create(writeOnnx(graph), {
    ...{ logSeverityLevel: 3, graphOptimizationLevel: 'disabled' },
  });
  const feeds = Object.entries(inputs).map(([name, { shape }]) => {
    const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 1.7 + name.length));
    return [name, new ort.Tensor('float32', data, shape)] as const;
  });
  const results = Object.entries(await session.run(Object.fromEntries(feeds)));
  return Object.fromEntries(results.map(([name, { data, dims }]) => [name, [...dims, ...(data as Float32Array)]]));
}

const CASES: Record<string, { program: Program; inputs: Record<string, TensorSpec>; transposes: number }> = {
  'two in a row, of which each is read': {
    program: ({ x }) => {
      const heads = tf.transpose(x!, [0, 2, 1, 3]);
      return { y: tf.exp(tf.transpose(heads, [0, 1, 3, 2])), z: tf.exp(heads) };
    },
    inputs: { x: f32(2, 3, 4, 5) },
    transposes: 2,
  },
  'three in a row, of which the last is read': {
    program: ({ x }) => ({
      y: tf.exp(tf.transpose(tf.transpose(tf.transpose(x!, [0, 2, 1, 3]), [3, 0, 1, 2]), [1, 0, 3, 2])),
    }),
    inputs: { x: f32(2, 3, 4, 5) },
    transposes: 1,
  },
  'there and back': {
    program: ({ x }) => ({ y: tf.exp(tf.transpose(tf.transpose(x!, [1, 2, 0]), [2, 0, 1])) }),
    inputs: { x: f32(2, 3, 4) },
    transposes: 0,
  },
  'the same twice, and in two ways': {
    program: ({ x }) => {
      const direct = tf.transpose(x!, [2, 0, 1]);
      const around = tf.transpose(tf.transpose(x!, [1, 0, 2]), [2, 1, 0]);
      return { y: tf.add(direct, tf.mul(around, tf.transpose(x!, [2, 0, 1]))) };
    },
    inputs: { x: f32(2, 3, 4) },
    transposes: 1,
  },
  'axes of one place': {
    program: ({ x }) => ({ y: tf.exp(tf.transpose(x!, [0, 2, 1, 3])), z: tf.exp(tf.transpose(x!, [1, 2, 3, 0])) }),
    inputs: { x: f32(3, 1, 4, 5) },
    transposes: 1,
  },
  'outputs that are transposed, or are not after all': {
    program: ({ x }) => {
      const y = tf.transpose(x!, [1, 0]);
      return { y, z: tf.transpose(x!, [1, 0]), back: tf.transpose(y, [1, 0]) };
    },
    inputs: { x: f32(3, 4) },
    transposes: 1,
  },
};

it.each(Object.entries(CASES))('%s: the same values, transposed as seldom as can be', async (_, test) => {
  const { program, inputs, transposes } = test;
  const graph = record(program, inputs);
  const merged = mergedTransposes(graph);
  checkGraph(merged, 'test');
  expect(countOf(merged, 'Transpose')).toBe(transposes);
  expect(await run(merged, inputs)).toEqual(await run(graph, inputs));
});

it('leaves a graph alone that transposes nothing', () => {
  const graph = record(({ x }) => ({ y: tf.exp(x!) }), { x: f32(2, 3) });
  expect(mergedTransposes(graph)).toBe(graph);
});
