import * as tf from '@tensorflow/tfjs-core';
import type { TensorSpec } from '../tensor/executors/executor.ts';
import { HIDDEN, matMul } from '../tensor/ops/index.ts';

/**
 * Shape of a packed batch: `rows` rows of `length` tokens that hold up to `texts` texts. Several short texts share a
 * row and do not see each other; with one text a row it is an ordinary padded batch.
 */
export interface BatchShape {
  rows: number;
  length: number;
  texts: number;
}

/** What a model is fed of a packed batch. Everything is int32; T = rows · length. */
export const batchSpecs = ({ rows, length, texts }: BatchShape) =>
  ({
    /** Token ids, the pad id where there is no token. */
    input_ids: { shape: [rows * length], dtype: 'int32' },
    /** 0 for the first text of a pair, 1 for the second. */
    token_type_ids: { shape: [rows * length], dtype: 'int32' },
    /** Place of each token in its own text. */
    position_ids: { shape: [rows * length], dtype: 'int32' },
    /** 1-based number of the text that a token belongs to; 0 for padding. */
    text_ids: { shape: [rows * length], dtype: 'int32' },
    /** Index among all T tokens of each text's first token ([CLS]); -1 where there is no text. */
    first_token: { shape: [texts], dtype: 'int32' },
  }) as const satisfies Record<string, TensorSpec>;

/** Tokens that attend, each within one of `rows` equal parts of all tokens. */
export interface Queries {
  /** States `[M, H]`. */
  x: tf.Tensor2D;
  rows: number;
  /** Added to the scores `[rows, heads, M / rows, T / rows]` before the softmax: 0, or far below where a key is hidden. */
  hidden: tf.Tensor;
}

/** What a family's forward function is given: T tokens of several texts, however they lie. */
export interface Batch {
  /** `[T]`, int32 each. */
  readonly input_ids: tf.Tensor1D;
  readonly token_type_ids: tf.Tensor1D;
  readonly position_ids: tf.Tensor1D;
  /** Every token attends to those of its text. */
  every(x: tf.Tensor2D): Queries;
  /** As every, but those tokens alone that the head reads: the last layer needs to be computed for no other. */
  read(x: tf.Tensor2D): Queries;
}

/** Which tokens' states a head reads: each text's first, or all. */
export type Gather = 'first' | 'all';

const hide = (visible: tf.Tensor): tf.Tensor => tf.mul(tf.sub(1, tf.cast(visible, 'float32')), HIDDEN);

const numbers = (n: number, from: number) =>
  tf.tensor1d(
    Array.from({ length: n }, (_, i) => from + i),
    'int32',
  );

/** @param inputs those of batchSpecs; `first_token` is read for 'first' alone */
export function packedBatch(inputs: Record<string, tf.Tensor>, shape: BatchShape, gather: Gather): Batch {
  const { rows: R, length: S, texts: N } = shape;
  const { input_ids, token_type_ids, position_ids, text_ids, first_token } = inputs as Record<string, tf.Tensor1D>;
  let hidden: tf.Tensor | undefined;
  const every = (x: tf.Tensor2D): Queries => {
    hidden ??= hide(tf.equal(tf.reshape(text_ids!, [R, 1, S, 1]), tf.reshape(text_ids!, [R, 1, 1, S])));
    return { x, rows: R, hidden };
  };
  const first = (x: tf.Tensor2D): Queries => {
    const T = R * S;
    const select = tf.cast(tf.equal(tf.reshape(first_token!, [N, 1]), tf.reshape(numbers(T, 0), [1, T])), 'float32');
    const texts = tf.reshape(numbers(N, 1), [1, N, 1]);
    return {
      x: matMul(select, x) as tf.Tensor2D, // (N, H)
      rows: 1,
      hidden: hide(tf.equal(texts, tf.reshape(text_ids!, [1, 1, T]))),
    };
  };
  return {
    input_ids: input_ids!,
    token_type_ids: token_type_ids!,
    position_ids: position_ids!,
    every,
    read: gather === 'first' ? first : every,
  };
}

/**
 * One text a row, as models are exported; `R` and `S` may be opened afterwards.
 * @param inputs `attention_mask` is 1 at tokens, 0 at padding; all `[R, S]`, int32
 */
export function rowBatch(
  inputs: Record<'input_ids' | 'token_type_ids' | 'attention_mask', tf.Tensor>,
  [R, S]: readonly [number, number],
  maxPositions: number,
  gather: Gather,
): Batch {
  const flat = (t: tf.Tensor) => tf.reshape(t, [R * S]) as tf.Tensor1D;
  const positions = tf.slice(tf.reshape(numbers(maxPositions, 0), [1, maxPositions]), [0, 0], [1, S]);
  let hidden: tf.Tensor | undefined;
  const every = (x: tf.Tensor2D): Queries => {
    hidden ??= hide(tf.equal(tf.reshape(inputs.attention_mask, [R, 1, 1, S]), tf.scalar(1, 'int32')));
    return { x, rows: R, hidden };
  };
  const first = (x: tf.Tensor2D): Queries => {
    const H = x.shape[1];
    return { ...every(x), x: tf.reshape(tf.slice(tf.reshape(x, [R, S, H]), [0, 0, 0], [R, 1, H]), [R, H]) };
  };
  return {
    input_ids: flat(inputs.input_ids),
    token_type_ids: flat(inputs.token_type_ids),
    position_ids: flat(tf.tile(positions, [R, 1])),
    every,
    read: gather === 'first' ? first : every,
  };
}
