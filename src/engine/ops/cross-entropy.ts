import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './define.ts';

/** Target distribution with label smoothing as torch.nn.CrossEntropyLoss has it: `(1 - s) onehot + s / C`. */
const target = (labels: tf.Tensor, classes: number, smoothing: number) => {
  const column = tf.reshape(labels, [-1, 1]);
  const oneHot = tf.cast(
    tf.equal(
      column,
      tf.tensor2d(
        Array.from({ length: classes }, (_, i) => i),
        [1, classes],
        'int32',
      ),
    ),
    'float32',
  );
  return smoothing === 0 ? oneHot : tf.add(tf.mul(oneHot, 1 - smoothing), smoothing / classes);
};

const run = defineOp({
  name: 'luthier.CrossEntropy',
  compose: ({ logits, labels, weights }, { smoothing }) => {
    const perRow = tf.neg(
      tf.sum(tf.mul(target(labels!, logits!.shape[1]!, smoothing as number), tf.logSoftmax(logits!)), 1),
    );
    return tf.sum(tf.mul(perRow, weights!));
  },
  inputsToSave: ['logits', 'labels', 'weights'],
  gradient: (dy, [logits, labels, weights], { smoothing }) => ({
    logits: () => {
      const difference = tf.sub(tf.softmax(logits!), target(labels!, logits!.shape[1]!, smoothing as number));
      return tf.mul(tf.mul(difference, tf.reshape(weights!, [-1, 1])), dy);
    },
  }),
});

/**
 * `Σ weights · cross entropy`, a scalar: logits `[N, C]`, labels `[N]` (int32), weights `[N]`, which are one over the
 * number of real rows, and 0 for the rows that only fill a short batch.
 * @param classWeights `[C]`, what `weights` were made of where classes are weighted: each term of a smoothed target
 *   is weighted by its own class, as torch.nn.CrossEntropyLoss does
 */
export function crossEntropy(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
  weights: tf.Tensor1D,
  smoothing: number,
  classWeights?: tf.Tensor1D,
): tf.Scalar {
  if (!classWeights || smoothing === 0) return run({ logits, labels, weights }, { smoothing })[0] as tf.Scalar;
  const [hard] = run({ logits, labels, weights: tf.mul(weights, 1 - smoothing) }, { smoothing: 0 });
  // A row's weight is its label's over the sum; here every class counts by its own.
  const perRow = tf.div(weights, tf.gather(classWeights, labels));
  const spread = tf.mul(tf.reshape(perRow, [-1, 1]), tf.mul(classWeights, smoothing / logits.shape[1]));
  return tf.sub(hard!, tf.sum(tf.mul(tf.logSoftmax(logits), spread)));
}
