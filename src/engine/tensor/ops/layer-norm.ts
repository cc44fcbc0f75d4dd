import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';

export const LAYER_NORM = 'luthier.LayerNorm';

export type LayerNorm = Op<'x' | 'gamma' | 'beta', { epsilon: number }>;

const run = defineOp<LayerNorm>({
  name: LAYER_NORM,
  compose: ({ x, gamma, beta }, { epsilon }) => {
    const { mean, variance } = tf.moments(x, -1, true);
    const inverseDeviation = tf.rsqrt(tf.add(variance, epsilon));
    const y = tf.add(tf.mul(tf.mul(tf.sub(x, mean), inverseDeviation), gamma), beta);
    return [y, mean, inverseDeviation];
  },
  inputsToSave: ['x', 'gamma'],
  outputsToSave: [false, true, true],
  gradient: (dy, [x, gamma, mean, inverseDeviation]) => {
    // Made here, not in a thunk: tfjs tidies after each, and what one made is gone for the next.
    const xHat = tf.mul(tf.sub(x!, mean!), inverseDeviation!);
    const rows = x!.shape.slice(0, -1).map((_, i) => i);
    return {
      // Ba, Kiros & Hinton 2016: dx = (dxHat - mean(dxHat) - xHat mean(dxHat xHat)) / deviation.
      x: () => {
        const dxHat = tf.mul(dy, gamma!);
        const width = x!.shape[x!.shape.length - 1]!;
        const meanOfGradient = tf.div(tf.sum(dxHat, -1, true), width);
        const projection = tf.div(tf.sum(tf.mul(dxHat, xHat), -1, true), width);
        return tf.mul(tf.sub(tf.sub(dxHat, meanOfGradient), tf.mul(xHat, projection)), inverseDeviation!);
      },
      gamma: () => tf.sum(tf.mul(dy, xHat), rows),
      beta: () => tf.sum(dy, rows),
    };
  },
});

/** Layer normalisation over the last axis: `(x - mean) / sqrt(variance + epsilon) · gamma + beta`. */
export function layerNorm<T extends tf.Tensor>(x: T, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): T {
  return run({ x, gamma, beta }, { epsilon })[0] as T;
}
