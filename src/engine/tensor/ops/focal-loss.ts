import * as tf from '@tensorflow/tfjs-core';
import { pick, put } from './along-rows.ts';
import { defineOp, type Op } from './define.ts';

type Focal = Op<'logits' | 'labels' | 'weights', { gamma: number }>;
type BinaryFocal = Op<'logits' | 'targets' | 'weights', { gamma: number }>;

/** Below it a row's loss and gradient are 0 in float anyway, and a power of 0 below 1 would have no gradient. */
const SUREST = 1e-7;

/** Of each row the softmax, 1 - p of its label, which is added up and not subtracted, and its cross entropy. */
function ofRows(logits: tf.Tensor, labels: tf.Tensor) {
  const shifted = tf.sub(logits, tf.max(logits, 1, true));
  const exponentials = tf.exp(shifted);
  const sums = tf.sum(exponentials, 1, true);
  const probabilities = tf.div(exponentials, sums);
  const others = tf.sum(put(probabilities, labels, tf.zerosLike(tf.reshape(sums, [-1]))), 1);
  const entropy = tf.sub(tf.log(tf.reshape(sums, [-1])), pick(shifted, labels));
  return { probabilities, others: tf.maximum(others, SUREST), entropy };
}

const ofClasses = defineOp<Focal>({
  name: 'luthier.FocalLoss',
  compose: ({ logits, labels, weights }, { gamma }) => {
    const { others, entropy } = ofRows(logits, labels);
    return tf.sum(tf.mul(tf.mul(tf.pow(others, gamma), entropy), weights));
  },
  inputsToSave: ['logits', 'labels', 'weights'],
  gradient: (dy, [logits, labels, weights], { gamma }) => ({
    // d/dp of -(1 - p)^γ log p, times dp/dz: the gradient of the cross entropy with a factor for each row.
    logits: () => {
      const { probabilities, others, entropy } = ofRows(logits!, labels!);
      const p = tf.sub(1, others);
      const power = tf.pow(others, gamma);
      const factor = tf.add(power, tf.mul(tf.mul(tf.div(power, others), gamma), tf.mul(p, entropy)));
      const each = tf.mul(tf.mul(factor, weights!), dy);
      const scaled = tf.mul(probabilities, tf.reshape(each, [-1, 1]));
      return put(scaled, labels!, tf.mul(tf.neg(others), each));
    },
  }),
});

/**
 * Focal loss (Lin et al. 2017), `Σ weights · (1 - p)^γ · cross entropy`, a scalar, p being the probability of a row's
 * label: logits `[N, C]`, labels `[N]` (int32; below 0 for positions that do not count), weights `[N]` as crossEntropy's.
 * @param gamma above 0
 */
export function focalLoss(logits: tf.Tensor2D, labels: tf.Tensor1D, weights: tf.Tensor1D, gamma: number): tf.Scalar {
  const counts = tf.greaterEqual(labels, tf.zerosLike(labels));
  const rows = {
    logits,
    labels: tf.where(counts, labels, tf.zerosLike(labels)),
    weights: tf.where(counts, weights, tf.zerosLike(weights)),
  };
  return ofClasses(rows, { gamma })[0] as tf.Scalar;
}

/** Of each target that counts 1, else 0; 1 - p of it, and its binary cross entropy; z is the logit towards the target. */
function ofTargets(logits: tf.Tensor, targets: tf.Tensor) {
  const counts = tf.cast(tf.greaterEqual(targets, tf.zerosLike(targets)), 'float32');
  const sign = tf.sub(tf.mul(targets, 2), 1);
  const away = tf.neg(tf.mul(logits, sign));
  // log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), which never overflows.
  const entropy = tf.add(tf.relu(away), tf.log(tf.add(tf.exp(tf.neg(tf.abs(away))), 1)));
  return { counts, sign, others: tf.sigmoid(away), entropy };
}

const ofLabels = defineOp<BinaryFocal>({
  name: 'luthier.BinaryFocalLoss',
  compose: ({ logits, targets, weights }, { gamma }) => {
    const { counts, others, entropy } = ofTargets(logits, targets);
    const each = tf.mul(tf.mul(tf.pow(others, gamma), entropy), counts);
    return tf.sum(tf.mul(tf.sum(each, 1), weights));
  },
  inputsToSave: ['logits', 'targets', 'weights'],
  gradient: (dy, [logits, targets, weights], { gamma }) => ({
    logits: () => {
      const { counts, sign, others, entropy } = ofTargets(logits!, targets!);
      const inner = tf.add(tf.mul(tf.mul(tf.sub(1, others), gamma), entropy), others);
      const each = tf.neg(tf.mul(tf.mul(tf.mul(tf.pow(others, gamma), inner), sign), counts));
      return tf.mul(tf.mul(each, tf.reshape(weights!, [-1, 1])), dy);
    },
  }),
});

/**
 * Focal loss of labels that each hold or do not, `Σ weights · Σ (1 - p)^γ · binary cross entropy`, as
 * torchvision.ops.sigmoid_focal_loss without alpha: logits, targets and weights as binaryCrossEntropy's.
 * @param gamma above 0
 */
export function binaryFocalLoss(
  logits: tf.Tensor2D,
  targets: tf.Tensor2D,
  weights: tf.Tensor1D,
  gamma: number,
): tf.Scalar {
  return ofLabels({ logits, targets, weights }, { gamma })[0] as tf.Scalar;
}
