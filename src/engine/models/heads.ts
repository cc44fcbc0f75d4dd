import * as tf from '@tensorflow/tfjs-core';
import { gelu } from '../tensor/ops/index.ts';
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

/** What a masked model's head is made of, under the names of its family. */
interface MaskedHead<C> {
  dense: string;
  norm: string;
  epsilon(config: C): number;
  /** The output layer, whose weights are the embeddings' rows where the model ties them. */
  decoder: string;
  /** Its bias, which belongs to no layer in most families. */
  bias: string;
  table: string;
}

/**
 * What stands in the place of a mask, told by its state: `[N, H]` -> `[N, vocab_size]` (Devlin et al. 2018).
 * @param className Hugging Face's
 */
export function maskedModel<C extends { vocab_size: number; tie_word_embeddings: boolean }>(
  className: string,
  { dense, norm, epsilon, decoder, bias, table }: MaskedHead<C>,
): Head<C> {
  return {
    className,
    outputs: (c) => c.vocab_size,
    forward: (root, x, _, c) => {
      const h = root.norm(norm, gelu(root.linear(dense, x, x.shape[1])), 'layer', epsilon(c));
      if (!c.tie_word_embeddings) return root.linear(decoder, h, c.vocab_size);
      const added = root.parameter(bias, [c.vocab_size], 'zeros', { decay: false, formerly: 'decoder.bias' });
      return tf.add(root.unembed(table, h, c.vocab_size), added) as tf.Tensor2D;
    },
  };
}
