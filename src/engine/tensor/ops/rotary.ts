import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';

const run = defineOp<Op<'x' | 'cos' | 'sin'>>({
  name: 'luthier.Rotary',
  compose: ({ x, cos, sin }) => {
    const [a, b] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
    return tf.concat([tf.sub(tf.mul(a, cos), tf.mul(b, sin)), tf.add(tf.mul(b, cos), tf.mul(a, sin))], -1);
  },
  inputsToSave: ['cos', 'sin'],
  // Back by the same angle. (Times a factor that cos and sin may both have, once: the gradient of a product.)
  gradient: (dy, [cos, sin]) => ({ x: () => rotary(dy, cos!, tf.neg(sin!)) }),
});

/**
 * Turns each pair `(x[i], x[i + D/2])` by an angle (Su et al. 2021, RoFormer, paired as GPT-NeoX and Hugging Face do):
 * x `[…, D]`; cos and sin `[…, D/2]`, which have no gradient.
 */
export function rotary(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  return run({ x, cos, sin })[0]!;
}
