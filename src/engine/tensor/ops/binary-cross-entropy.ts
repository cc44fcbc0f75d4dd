import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';

/** 1 where a target counts, 0 where it is below 0, as transformers' -100. */
const counts = (targets: tf.Tensor): tf.Tensor => tf.cast(tf.greaterEqual(targets, tf.zerosLike(targets)), 'float32');

type BinaryCrossEntropy = Op<'logits' | 'targets' | 'weights'>;

const run = defineOp<BinaryCrossEntropy>({
  name: 'luthier.BinaryCrossEntropy',
  compose: ({ logits, targets, weights }) => {
    // log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), which never overflows.
    const softplus = tf.add(tf.relu(logits), tf.log(tf.add(tf.exp(tf.neg(tf.abs(logits))), 1)));
    const each = tf.mul(tf.sub(softplus, tf.mul(logits, targets)), counts(targets));
    return tf.sum(tf.mul(tf.sum(each, 1), weights));
  },
  inputsToSave: ['logits', 'targets', 'weights'],
  gradient: (dy, [logits, targets, weights]) => ({
    logits: () => {
      const each = tf.mul(tf.sub(tf.sigmoid(logits!), targets!), counts(targets!));
      return tf.mul(tf.mul(each, tf.reshape(weights!, [-1, 1])), dy);
    },
  }),
});

/**
 * `Σ weights · Σ binary cross entropy`, a scalar, as torch.nn.BCEWithLogitsLoss averages where each weight is one over
 * the number of targets that count: logits and targets `[N, C]` (0 or 1; below 0 for those that do not count), weights
 * `[N]`, 0 for the rows that only fill a short batch.
 */
export function binaryCrossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D, weights: tf.Tensor1D): tf.Scalar {
  return run({ logits, targets, weights })[0] as tf.Scalar;
}
