import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';

const run = defineOp<Op<'gate' | 'x'>>({
  name: 'luthier.SwiGlu',
  compose: ({ gate, x }) => tf.mul(tf.mul(gate, tf.sigmoid(gate)), x),
  inputsToSave: ['gate', 'x'],
  gradient: (dy, [gate, x]) => ({
    // d/dg g σ(g) = σ(g) (1 + g (1 - σ(g)))
    gate: () => {
      const s = tf.sigmoid(gate!);
      return tf.mul(tf.mul(dy, x!), tf.mul(s, tf.add(tf.mul(gate!, tf.sub(1, s)), 1)));
    },
    x: () => tf.mul(dy, tf.mul(gate!, tf.sigmoid(gate!))),
  }),
});

/** `SiLU(gate) · x` with `SiLU(g) = g σ(g)`: the gate of Shazeer 2020, GLU variants. */
export const swiGlu = (gate: tf.Tensor2D, x: tf.Tensor2D): tf.Tensor2D => run({ gate, x })[0] as tf.Tensor2D;
