import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';

export const GELU = 'luthier.Gelu';

const INVERSE_SQRT_2 = Math.SQRT1_2;
const INVERSE_SQRT_2_PI = 1 / Math.sqrt(2 * Math.PI);

/** The normal distribution's cumulative function. */
const phi = (x: tf.Tensor) => tf.add(tf.mul(tf.erf(tf.mul(x, INVERSE_SQRT_2)), 0.5), 0.5);

export type Gelu = Op<'x'>;

const run = defineOp<Gelu>({
  name: GELU,
  compose: ({ x }) => tf.mul(x, phi(x)),
  inputsToSave: ['x'],
  gradient: (dy, [x]) => ({
    // d/dx x Φ(x) = Φ(x) + x φ(x)
    x: () => {
      const density = tf.mul(tf.exp(tf.mul(tf.mul(x!, x!), -0.5)), INVERSE_SQRT_2_PI);
      return tf.mul(dy, tf.add(phi(x!), tf.mul(x!, density)));
    },
  }),
});

/** Gaussian error linear unit, `x Φ(x)` (Hendrycks & Gimpel 2016), with the error function, not its approximation. */
export function gelu<T extends tf.Tensor>(x: T): T {
  return run({ x })[0] as T;
}

const SQRT_8_PI = Math.sqrt(8 / Math.PI);

/** `2 √(2/π) (x + 0.044715 x³)`, of which the logistic function is near Φ(x). */
const tanhArgument = (x: tf.Tensor) => tf.mul(tf.mul(x, tf.add(tf.mul(tf.mul(x, x), 0.044715), 1)), SQRT_8_PI);

const runTanh = defineOp<Gelu>({
  name: 'luthier.GeluTanh',
  compose: ({ x }) => tf.mul(x, tf.sigmoid(tanhArgument(x))),
  inputsToSave: ['x'],
  gradient: (dy, [x]) => ({
    x: () => {
      const s = tf.sigmoid(tanhArgument(x!));
      const slope = tf.mul(tf.add(tf.mul(tf.mul(x!, x!), 3 * 0.044715), 1), SQRT_8_PI);
      return tf.mul(dy, tf.mul(s, tf.add(tf.mul(tf.mul(x!, slope), tf.sub(1, s)), 1)));
    },
  }),
});

/** Its approximation by tanh, `x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`: transformers' `gelu_new`. */
export function geluTanh<T extends tf.Tensor>(x: T): T {
  return runTanh({ x })[0] as T;
}
