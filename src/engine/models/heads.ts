import * as tf from '@tensorflow/tfjs-core';

/** `[rows · T, A · D]` -> `[rows, A, T, D]`: each of A attention heads by itself. */
export function splitHeads(x: tf.Tensor2D, rows: number, A: number): tf.Tensor {
  const [tokens, width] = x.shape;
  return tf.transpose(tf.reshape(x, [rows, tokens / rows, A, width / A]), [0, 2, 1, 3]);
}

/** `[rows, A, T, D]` -> `[rows · T, A · D]` */
export function joinHeads(x: tf.Tensor): tf.Tensor2D {
  const [rows, A, T, D] = x.shape as [number, number, number, number];
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [rows * T, A * D]);
}
