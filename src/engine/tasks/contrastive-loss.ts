import * as tf from '@tensorflow/tfjs-core';
import type { Loss } from './task.ts';

/** torch.cosine_similarity's: a norm counts as no less. */
const EPSILON = 1e-8;

/**
 * How far the cosines of pairs of embeddings are from what they should be: the mean squared error, sentence-transformers'
 * CosineSimilarityLoss. The states 2i and 2i + 1 are a pair, and the first one's target is the pair's: 1 where both are
 * of one class, 0 where they are not.
 */
export const cosineSimilarityLoss = (): Loss => ({
  targets: (states) => ({ shape: [states], dtype: 'float32' }),
  weight: (items) => 1 / items.length,
  value: (embeddings, targets, weights) => {
    const [states, width] = embeddings.shape;
    const pairs = states / 2;
    const sides = tf.reshape(embeddings, [pairs, 2 * width]);
    const a = tf.slice(sides, [0, 0], [pairs, width]);
    const b = tf.slice(sides, [0, width], [pairs, width]);
    const norm = (x: tf.Tensor) => tf.sqrt(tf.maximum(tf.sum(tf.square(x), 1), tf.scalar(EPSILON ** 2)));
    const cosine = tf.div(tf.sum(tf.mul(a, b), 1), tf.mul(norm(a), norm(b))); // (pairs)
    const wanted = tf.reshape(tf.slice(tf.reshape(targets, [pairs, 2]), [0, 0], [pairs, 1]), [pairs]);
    const counted = tf.sum(tf.reshape(weights, [pairs, 2]), 1);
    return tf.sum(tf.mul(tf.square(tf.sub(cosine, wanted)), counted));
  },
});
