import * as tf from '@tensorflow/tfjs-core';
import protobuf from 'protobufjs/light.js';
import { describe, expect, it } from 'vitest';
import { embedding, gelu, matMul, valueAndGrads } from '../ops/index.ts';
import { record } from '../record/recorder.ts';
import { writeOnnx } from './onnx.ts';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

/** What of a written model the tests look at, by onnx.proto3's field numbers. */
const Model = protobuf.Root.fromJSON({
  nested: {
    Node: { fields: { output: { id: 2, type: 'string', rule: 'repeated' }, name: { id: 3, type: 'string' } } },
    Value: { fields: { name: { id: 1, type: 'string' } } },
    Graph: {
      fields: {
        node: { id: 1, type: 'Node', rule: 'repeated' },
        output: { id: 12, type: 'Value', rule: 'repeated' },
      },
    },
    Model: { fields: { graph: { id: 7, type: 'Graph' } } },
  },
}).lookupType('Model');

interface Written {
  graph: { node: { name: string; output: string[] }[]; output: { name: string }[] };
}
const written = (...args: Parameters<typeof writeOnnx>) => Model.decode(writeOnnx(...args)) as unknown as Written;

/** Two layers on an embedding, and the gradients of all. */
const graph = () =>
  record(
    ({ table, a, b, ids }) => {
      const { value, grads } = valueAndGrads(
        (p) => tf.sum(matMul(gelu(matMul(embedding(p.table!, ids as tf.Tensor1D), p.a!)), p.b!)) as tf.Scalar,
        { table: table!, a: a!, b: b! },
      );
      return Object.fromEntries([['loss', value], ...Object.entries(grads).map(([name, g]) => [`grad:${name}`, g])]);
    },
    { table: f32(5, 4), a: f32(4, 4), b: f32(4, 4), ids: { shape: [3], dtype: 'int32' } },
  );

describe('writeOnnx', () => {
  it('puts what nothing reads last, the first of them at the end: onnxruntime runs the last leaf’s ancestors first', () => {
    const { node } = written(graph()).graph;
    const leaves = node.slice(-4).map(({ output }) => output[0]);
    expect(leaves).toEqual(['grad:table', 'grad:a', 'grad:b', 'loss']);
    // A profile says which node it means.
    expect(new Set(node.map(({ name }) => name)).size).toBe(node.length);
  });

  it('begins the outputs with a sequence where one is asked for', () => {
    const names = (w: Written) => w.graph.output.map(({ name }) => name);
    expect(names(written(graph(), { sequenceFirst: 'x' }))).toEqual(['x', ...names(written(graph()))]);
  });
});
