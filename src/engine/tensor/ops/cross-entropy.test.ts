import type * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { elementCount, type Graph } from '../graph/ir.ts';
import { bytesOf } from '../graph/liveness.ts';
import { optimize } from '../graph/optimize.ts';
import { record } from '../record/recorder.ts';
import { crossEntropy, valueAndGrads } from './index.ts';

const ROWS = 1_024;
const WORDS = 50_000;
const DENSE = ROWS * WORDS;

const step = (smoothing: number): Graph =>
  record(
    ({ logits, labels, weights }) => {
      const { value, grads } = valueAndGrads(
        (p) => crossEntropy(p.logits as tf.Tensor2D, labels as tf.Tensor1D, weights as tf.Tensor1D, smoothing),
        { logits: logits! },
      );
      return { loss: value, gradient: grads.logits! };
    },
    {
      logits: { shape: [ROWS, WORDS], dtype: 'float32' },
      labels: { shape: [ROWS], dtype: 'int32' },
      weights: { shape: [ROWS], dtype: 'float32' },
    },
  );

describe.each(['cpu', 'webgpu'] as const)('cross entropy of a large vocabulary (%s)', (provider) => {
  it.each([0, 0.1])('builds no one-hot (smoothing %d)', (smoothing) => {
    const { graph } = optimize(step(smoothing), { provider });
    const dense = graph.nodes.filter(({ outputs }) => elementCount(graph.types.get(outputs[0]!)!.shape) === DENSE);
    // As large as the logits: the softmax, which onnxruntime computes once for loss and gradient, and what is done to it.
    const scaled = ['Mul', 'Mul', 'ScatterElements', 'Softmax'];
    const expected = smoothing === 0 ? ['Softmax'] : ['Exp', 'Sub', 'Mul', 'ScatterElements', 'Sub', 'Sub'];
    expect(dense.map(({ op }) => op).sort()).toEqual([...scaled, ...expected].sort());
    expect(dense.every(({ outputs }) => graph.types.get(outputs[0]!)!.dtype === 'float32')).toBe(true);
    expect([...graph.constants.values()].every(({ data }) => data.length < 10)).toBe(true);
    // At one time three of them: a number or two a row is all that is beside.
    expect(bytesOf(graph).passing).toBeLessThan(3.01 * 4 * DENSE);
  });
});
