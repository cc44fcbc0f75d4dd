import * as tf from '@tensorflow/tfjs-core';
import type { Loss } from './task.ts';

/** torch.cosine_similarity's: a norm counts as no less. */
const EPSILON = 1e-8;
/** Below what any pair counts: nothing is divided by zero where a step has no pair of a kind. */
const NOTHING = 1e-9;

/**
 * How far the cosines of embeddings are from what they should be, over all pairs of a step: the mean squared error of those
 * of one class, which should be 1, and that of those of different classes, which should be 0, half each. It is
 * sentence-transformers' CosineSimilarityLoss where pairs of both kinds are equally many, as setfit draws them.
 */
export const cosineSimilarityLoss = (): Loss => ({
  targets: (states) => ({ shape: [states], dtype: 'int32' }),
  weight: (items) => 1 / items.length,
  value: (embeddings, classes, weights) => {
    const [texts] = embeddings.shape;
    const norms = tf.sqrt(tf.maximum(tf.sum(tf.square(embeddings), 1, true), tf.scalar(EPSILON ** 2)));
    const directions = tf.div(embeddings, norms) as tf.Tensor2D;
    const cosines = tf.matMul(directions, directions, false, true); // (texts, texts)
    const everyTwo = (x: tf.Tensor, of: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor) =>
      of(tf.reshape(x, [texts, 1]), tf.reshape(x, [1, texts]));
    const wanted = tf.cast(everyTwo(tf.cast(classes, 'float32'), tf.equal), 'float32');
    const pairs = tf.mul(everyTwo(weights, tf.mul), tf.sub(tf.scalar(1), tf.eye(texts)));
    const errors = tf.square(tf.sub(cosines, wanted));
    const meanOver = (some: tf.Tensor) =>
      tf.div(tf.sum(tf.mul(errors, some)), tf.maximum(tf.sum(some), tf.scalar(NOTHING)));
    const alike = tf.mul(pairs, wanted);
    return tf.mul(tf.add(meanOver(alike), meanOver(tf.sub(pairs, alike))), tf.scalar(0.5)) as tf.Scalar;
  },
});
