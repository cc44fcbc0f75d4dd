import * as tf from '@tensorflow/tfjs-core';
import { pick, put } from './along-rows.ts';
import { defineOp, type Op } from './define.ts';

/**
 * The target distribution with label smoothing as torch.nn.CrossEntropyLoss has it, `(1 - s) onehot + s / C`: its
 * value at the label and elsewhere. It is never built: over a large vocabulary it would be as large as the logits.
 */
function target(smoothing: number, classes: number): { atLabel: number; elsewhere: number } {
  const elsewhere = Math.fround(smoothing / classes);
  return { atLabel: Math.fround(Math.fround(1 - smoothing) + elsewhere), elsewhere };
}

/**
 * Of each row's label. By the largest probability, which is one over the sum of `exp(logit - largest)`: the probabilities
 * are one node, and the gradient's, where over a vocabulary `exp` alone takes as long as a product.
 */
const logProbability = (logits: tf.Tensor, labels: tf.Tensor): tf.Tensor =>
  tf.add(tf.sub(pick(logits, labels), tf.max(logits, 1)), tf.log(tf.max(tf.softmax(logits as tf.Tensor2D), 1)));

type CrossEntropy = Op<'logits' | 'labels' | 'weights', { smoothing: number }>;

const run = defineOp<CrossEntropy>({
  name: 'luthier.CrossEntropy',
  compose: ({ logits, labels, weights }, { smoothing }) => {
    const { atLabel, elsewhere } = target(smoothing, logits.shape[1]!);
    const perRow = (): tf.Tensor => {
      if (elsewhere === 0) return logProbability(logits, labels);
      const shifted = tf.sub(logits, tf.max(logits, 1, true));
      const logSum = tf.log(tf.sum(tf.exp(shifted), 1, true));
      const logProbabilities = tf.sub(shifted, logSum);
      const terms = tf.mul(logProbabilities, elsewhere);
      return tf.sum(put(terms, labels, tf.mul(pick(logProbabilities, labels), atLabel)), 1);
    };
    return tf.sum(tf.mul(tf.neg(perRow()), weights));
  },
  inputsToSave: ['logits', 'labels', 'weights'],
  gradient: (dy, [logits, labels, weights], { smoothing }) => ({
    logits: () => {
      const { atLabel, elsewhere } = target(smoothing, logits!.shape[1]!);
      const probabilities = tf.softmax(logits!);
      const others = elsewhere === 0 ? probabilities : tf.sub(probabilities, elsewhere);
      const scaled = tf.mul(tf.mul(others, tf.reshape(weights!, [-1, 1])), dy);
      const atLabels = tf.mul(tf.mul(tf.sub(pick(probabilities, labels!), atLabel), weights!), dy);
      return put(scaled, labels!, atLabels);
    },
  }),
});

/**
 * `Σ weights · cross entropy`, a scalar: logits `[N, C]`, labels `[N]` (int32; below 0, as transformers' -100, for
 * positions that do not count), weights `[N]`, which are one over the number of real rows, and 0 for the rows that
 * only fill a short batch.
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
  const counts = tf.greaterEqual(labels, tf.zerosLike(labels));
  const rows = {
    logits,
    labels: tf.where(counts, labels, tf.zerosLike(labels)),
    weights: tf.where(counts, weights, tf.zerosLike(weights)),
  };
  if (!classWeights || smoothing === 0) return run(rows, { smoothing })[0] as tf.Scalar;
  const [hard] = run({ ...rows, weights: tf.mul(rows.weights, 1 - smoothing) }, { smoothing: 0 });
  // A row's weight is its label's over the sum; here every class counts by its own.
  const perRow = tf.div(rows.weights, tf.gather(classWeights, rows.labels));
  const spread = tf.mul(classWeights, smoothing / logits.shape[1]);
  const terms = tf.matMul(tf.logSoftmax(logits), tf.reshape(spread, [-1, 1]) as tf.Tensor2D);
  return tf.sub(hard!, tf.sum(tf.mul(tf.reshape(terms, [-1]), perRow)));
}

/** The cross entropy of each row of logits `[N, C]` with its label, `[N]`: 0 where the label is below 0. */
export function rowLosses(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D {
  const counts = tf.greaterEqual(labels, tf.zerosLike(labels));
  const losses = tf.neg(logProbability(logits, tf.where(counts, labels, tf.zerosLike(labels))));
  return tf.where(counts, losses, tf.zerosLike(losses)) as tf.Tensor1D;
}
