import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';

type RmsNorm = Op<'x' | 'gamma', { epsilon: number }>;

const run = defineOp<RmsNorm>({
  name: 'luthier.RmsNorm',
  compose: ({ x, gamma }, { epsilon }) => {
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon));
    return [tf.mul(tf.mul(x, inverse), gamma), inverse];
  },
  inputsToSave: ['x', 'gamma'],
  outputsToSave: [false, true],
  gradient: (dy, [x, gamma, inverse]) => {
    // Made here, not in a thunk: tfjs tidies after each, and what one made is gone for the next.
    const xHat = tf.mul(x!, inverse!);
    return {
      x: () => {
        const dxHat = tf.mul(dy, gamma!);
        return tf.mul(tf.sub(dxHat, tf.mul(xHat, tf.mean(tf.mul(dxHat, xHat), -1, true))), inverse!);
      },
      gamma: () =>
        tf.sum(
          tf.mul(dy, xHat),
          x!.shape.slice(0, -1).map((_, i) => i),
        ),
    };
  },
});

/** Normalisation by the root mean square over the last axis (Zhang and Sennrich 2019): `x / sqrt(mean(x²) + epsilon) · gamma`. */
export function rmsNorm<T extends tf.Tensor>(x: T, gamma: tf.Tensor, epsilon: number): T {
  return run({ x, gamma }, { epsilon })[0] as T;
}
