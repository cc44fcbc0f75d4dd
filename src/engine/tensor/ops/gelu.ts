import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';

export const GELU = 'luthier.Gelu';

const INVERSE_SQRT_2 = Math.SQRT1_2;
const LOG_INVERSE_SQRT_PI = -0.5 * Math.log(Math.PI);

/** The normal distribution's cumulative function of u √2. */
const phi = (u: tf.Tensor) => tf.add(tf.mul(tf.erf(u), 0.5), 0.5);

export type Gelu = Op<'x'>;

const run = defineOp<Gelu>({
  name: GELU,
  compose: ({ x }) => tf.mul(x, phi(tf.mul(x, INVERSE_SQRT_2))),
  inputsToSave: ['x'],
  gradient: (dy, [x]) => ({
    // d/dx x Φ(x) = Φ(x) + x φ(x), and with u = x / √2, x φ(x) = u exp(-u²) / √π: a node less than by x.
    x: () => {
      const u = tf.mul(x!, INVERSE_SQRT_2);
      const weighted = tf.mul(u, tf.exp(tf.sub(LOG_INVERSE_SQRT_PI, tf.mul(u, u))));
      return tf.mul(dy, tf.add(phi(u), weighted));
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
