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
