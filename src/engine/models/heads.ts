import * as tf from '@tensorflow/tfjs-core';
import { gelu } from '../tensor/ops/index.ts';
import type { Head } from './family.ts';
import type { Scope } from './scope.ts';

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
interface MaskedHead {
  dense: string;
  norm: string;
  epsilon: number;
  /** The output layer, whose weights are the embeddings' rows where the model ties them. */
  decoder: string;
  /** Its bias, which belongs to no layer in most families. */
  bias: string;
  table: string;
  vocab: number;
  tied: boolean;
}

/** What stands in the place of a mask, told by its state: `[N, H]` -> `[N, vocab_size]` (Devlin et al. 2018). */
export function maskedModel(
  root: Scope,
  x: tf.Tensor2D,
  { dense, norm, epsilon, decoder, bias, table, vocab, tied }: MaskedHead,
): tf.Tensor2D {
  const h = root.norm(norm, gelu(root.linear(dense, x, x.shape[1])), 'layer', epsilon);
  if (!tied) return root.linear(decoder, h, vocab);
  const added = root.parameter(bias, [vocab], 'zeros', { decay: false, formerly: 'decoder.bias' });
  return tf.add(root.unembed(table, h, vocab), added) as tf.Tensor2D;
}
