import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { printGraph } from '../graph/print.ts';
import { gelu, layerNorm, linear, valueAndGrads } from '../ops/index.ts';
import { record } from './recorder.ts';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

describe('record', () => {
  it('records a layer with its gradients, each kernel as one node', () => {
    const graph = record(
      ({ x, weight, bias }) => {
        const { value, grads } = valueAndGrads((p) => tf.sum(gelu(linear(x as tf.Tensor2D, p.weight!, p.bias!))), {
          weight: weight!,
          bias: bias!,
        });
        return { loss: value, 'grad:weight': grads.weight!, 'grad:bias': grads.bias! };
      },
      { x: f32(4, 3), weight: f32(2, 3), bias: f32(2) },
    );
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "input %x:f32[4,3]
      input %weight:f32[2,3]
      input %bias:f32[2]
      %v0:f32[4,2] = Gemm(%x, %weight, %bias) {transB=1}
      %v1:f32[4,2] = Gelu(%v0)
      %v3:f32[] = ReduceSum(%v1, [0,1]) {keepdims=0}
      %v6:f32[1,1] = Reshape(1, [1,1])
      %v8:f32[4,2] = Mul(%v6, [1,1,1,1,1,1,1,1])
      %v10:f32[4,2] = Mul(%v0, 0.7071068)
      %v11:f32[4,2] = Mul(%v10, %v10)
      %v13:f32[4,2] = Sub(-0.5723649, %v11)
      %v14:f32[4,2] = Exp(%v13)
      %v15:f32[4,2] = Mul(%v10, %v14)
      %v16:f32[4,2] = Erf(%v10)
      %v18:f32[4,2] = Mul(%v16, 0.5)
      %v19:f32[4,2] = Add(%v18, 0.5)
      %v20:f32[4,2] = Add(%v19, %v15)
      %v21:f32[4,2] = Mul(%v8, %v20)
      %v22:f32[2,3] = FusedMatMul(%v21, %x) {transA=1, transB=0, alpha=1}
      %v24:f32[2] = ReduceSum(%v21, [0]) {keepdims=0}
      output loss = %v3
      output grad:weight = %v22
      output grad:bias = %v24"
    `);
  });

  it('drops what no output needs', () => {
    const graph = record(
      ({ x }) => {
        tf.exp(x!);
        return { y: tf.add(x!, 1) };
      },
      { x: f32(2) },
    );
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "input %x:f32[2]
      %v2:f32[2] = Add(%x, 1)
      output y = %v2"
    `);
  });

  it('records layer normalisation with its saved mean and inverse deviation', () => {
    const graph = record(
      ({ x, gamma, beta }) => {
        const { value, grads } = valueAndGrads((p) => tf.sum(layerNorm(p.x!, gamma!, beta!, 1e-12)), { x: x! });
        return { loss: value, 'grad:x': grads.x! };
      },
      { x: f32(4, 3), gamma: f32(3), beta: f32(3) },
    );
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "input %x:f32[4,3]
      input %gamma:f32[3]
      input %beta:f32[3]
      %v0:f32[4,3], %v1:f32[4,1], %v2:f32[4,1] = LayerNormalization(%x, %gamma, %beta) {axis=-1, epsilon=1e-12}
      %v4:f32[] = ReduceSum(%v0, [0,1]) {keepdims=0}
      %v7:f32[1,1] = Reshape(1, [1,1])
      %v9:f32[4,3] = Mul(%v7, const f32[4,3])
      %v11:f32[4,3] = Sub(%x, %v1)
      %v12:f32[4,3] = Mul(%v11, %v2)
      %v13:f32[4,3] = Mul(%v9, %gamma)
      %v15:f32[4,1] = ReduceSum(%v13, [1]) {keepdims=1}
      %v17:f32[4,1] = Div(%v15, 3)
      %v18:f32[4,3] = Mul(%v13, %v12)
      %v19:f32[4,1] = ReduceSum(%v18, [1]) {keepdims=1}
      %v20:f32[4,1] = Div(%v19, 3)
      %v21:f32[4,3] = Sub(%v13, %v17)
      %v22:f32[4,3] = Mul(%v12, %v20)
      %v23:f32[4,3] = Sub(%v21, %v22)
      %v24:f32[4,3] = Mul(%v23, %v2)
      output loss = %v4
      output grad:x = %v24"
    `);
  });

  it('leaves the backend that was in use as it was, also when the program throws', () => {
    const before = tf.engine().backendName;
    expect(() => record(({ x }) => ({ y: tf.reshape(x!, [7]) }), { x: f32(2) })).toThrow();
    expect(tf.engine().backendName).toBe(before);
  });

  it('refuses a program that reads a tensor', () => {
    expect(() => record(({ x }) => ({ y: tf.scalar(x!.dataSync()[0]!) }), { x: f32(2) })).toThrow(
      /nothing is computed/,
    );
  });
});
