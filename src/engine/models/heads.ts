import * as tf from '@tensorflow/tfjs-core';
import type { Head } from './family.ts';

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

/**
 * What comes next, told for every token: `[N, H]` -> `[N, vocab_size]`.
 * @param className Hugging Face's
 * @param table the embeddings, whose rows are the outputs' weights where a model ties them
 */
export function languageModel<C extends { vocab_size: number; tie_word_embeddings: boolean }>(
  className: string,
  table: string,
): Record<'text-generation' | 'conversational', Head<C>> {
  const head: Head<C> = {
    className,
    outputs: (c) => c.vocab_size,
    forward: (scope, x, _, { vocab_size, tie_word_embeddings }) =>
      tie_word_embeddings
        ? scope.unembed(table, x, vocab_size)
        : scope.linear('lm_head', x, vocab_size, { bias: false }),
  };
  return { 'text-generation': head, conversational: head };
}
