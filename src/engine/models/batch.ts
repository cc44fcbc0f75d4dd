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
    /** Index among all T tokens of the one of each text that a head reads (`Gather`); -1 where there is no text. */
    read_token: { shape: [texts], dtype: 'int32' },
  }) as const satisfies Record<string, TensorSpec>;

/** Tokens that attend, each within one of `rows` equal parts of all tokens. */
export interface Queries {
  /** States `[M, H]`. */
  x: tf.Tensor2D;
  rows: number;
  /** Added to the scores `[rows, heads, M / rows, T / rows]` before the softmax: 0, or far below where a key is hidden. */
  hidden: tf.Tensor;
  /** Of what every token has, `[T, W]`, these tokens' `[M, W]`. */
  of(all: tf.Tensor2D): tf.Tensor2D;
}

/** Keys and values of a layer, `[rows, heads, T / rows, D]` each, as attention takes them. */
export interface KeysAndValues {
  k: tf.Tensor;
  v: tf.Tensor;
  /** Of cached tokens in front of these. */
  past?: { k: tf.Tensor; v: tf.Tensor };
}

/** What a family's forward function is given: T tokens of several texts, however they lie. */
export interface Batch {
  /** `[T]`, int32 each. */
  readonly input_ids: tf.Tensor1D;
  readonly token_type_ids: tf.Tensor1D;
  /** Place of each token in its text; in a cached batch the tokens before it count. */
  readonly position_ids: tf.Tensor1D;
  /** Every token attends to those of its text; in a causal model, to those up to itself. */
  every(x: tf.Tensor2D): Queries;
  /** As every, but those tokens alone that the head reads: the last layer needs to be computed for no other. */
  read(x: tf.Tensor2D): Queries;
  /**
   * What a layer of a decoder attends to: the keys and values of the batch's tokens (their positions rotated in), and in
   * a cached batch those of the tokens before them, in front. A family calls it once a layer, just before attention;
   * where nothing is cached it gives them back as they are.
   */
  context(layer: number, computed: KeysAndValues): KeysAndValues;
}

/** Which tokens' states a head reads: each text's first, its last, the one that its item names, or all. */
export type Gather = 'first' | 'last' | 'named' | 'all';

/** What a batch must know of its model. */
export interface Reader {
  readonly reads: Gather;
  /** Each token sees those up to itself alone. */
  readonly isCausal: boolean;
  /** Of config.json, where it has one: the last token that a head reads is the last one that is not this. */
  readonly padTokenId?: number | undefined;
  /** Tokens that stand in front of each text. */
  readonly virtualIds?: readonly number[];
}

/** What is added to the scores of keys that are not visible. */
export const hide = (visible: tf.Tensor): tf.Tensor => tf.mul(tf.sub(1, tf.cast(visible, 'float32')), HIDDEN);

export const numbers = (n: number, from: number) =>
  tf.tensor1d(
    Array.from({ length: n }, (_, i) => from + i),
    'int32',
  );

const uncached: Batch['context'] = (_, computed) => computed;
export const same: Queries['of'] = (all) => all;

/** @param inputs those of batchSpecs; `read_token` is read where the head reads one token of each text */
export function packedBatch(
  inputs: Record<string, tf.Tensor>,
  shape: BatchShape,
  { reads, isCausal }: Pick<Reader, 'reads' | 'isCausal'>,
): Batch {
  const { rows: R, length: S, texts: N } = shape;
  const { input_ids, token_type_ids, position_ids, text_ids, read_token } = inputs as Record<string, tf.Tensor1D>;
  let hidden: tf.Tensor | undefined;
  const every = (x: tf.Tensor2D): Queries => {
    if (!hidden) {
      const isOwn = tf.equal(tf.reshape(text_ids!, [R, 1, S, 1]), tf.reshape(text_ids!, [R, 1, 1, S]));
      // A text's tokens follow each other in a row, so that those before one are on its left.
      hidden = hide(isCausal ? tf.logicalAnd(isOwn, upTo(numbers(S, 0), numbers(S, 0))) : isOwn);
    }
    return { x, rows: R, hidden, of: same };
  };
  const one = (x: tf.Tensor2D): Queries => {
    const T = R * S;
    const select = tf.cast(tf.equal(tf.reshape(read_token!, [N, 1]), tf.reshape(numbers(T, 0), [1, T])), 'float32');
    const of = (all: tf.Tensor2D) => matMul(select, all) as tf.Tensor2D;
    const texts = tf.reshape(numbers(N, 1), [1, N, 1]);
    const isOwn = tf.equal(texts, tf.reshape(text_ids!, [1, 1, T]));
    return {
      x: of(x), // (N, H)
      rows: 1,
      hidden: hide(isCausal ? tf.logicalAnd(isOwn, upTo(read_token!, numbers(T, 0))) : isOwn),
      of,
    };
  };
  return {
    input_ids: input_ids!,
    token_type_ids: token_type_ids!,
    position_ids: position_ids!,
    every,
    read: reads === 'all' ? every : one,
    context: uncached,
  };
}

/**
 * The mean of each text's states, `[T, H]` -> `[texts, H]`; 0 where there is no text.
 * @param textIds those of batchSpecs
 */
export function meanOfTexts(states: tf.Tensor2D, textIds: tf.Tensor1D, texts: number): tf.Tensor2D {
  const isOwn = tf.equal(tf.reshape(numbers(texts, 1), [texts, 1]), tf.reshape(textIds, [1, -1])); // (N, T)
  const own = tf.cast(isOwn, 'float32');
  return tf.div(matMul(own, states), tf.maximum(tf.sum(own, 1, true), tf.scalar(1)));
}

/** `[M]` queries and `[K]` keys by their places -> whether a query sees a key, bool `[1, M, K]`. */
const upTo = (queries: tf.Tensor1D, keys: tf.Tensor1D): tf.Tensor =>
  tf.greaterEqual(tf.reshape(queries, [1, -1, 1]), tf.reshape(keys, [1, 1, -1]));

/**
 * One text a row, as models are exported; `R` and `S` may be opened afterwards.
 * @param inputs `attention_mask` is 1 at tokens, 0 at padding; all `[R, S]`, int32
 */
export function rowBatch(
  inputs: Record<'input_ids' | 'token_type_ids' | 'attention_mask', tf.Tensor>,
  [R, S]: readonly [number, number],
  maxPositions: number,
  reader: Reader,
): Batch {
  const flat = (t: tf.Tensor) => tf.reshape(t, [R * S]) as tf.Tensor1D;
  const places = tf.slice(tf.reshape(numbers(maxPositions, 0), [1, maxPositions]), [0, 0], [1, S]); // (1, S)
  const isToken = tf.equal(inputs.attention_mask, tf.scalar(1, 'int32')); // (R, S)
  if (reader.isCausal) return causalRowBatch();
  let hidden: tf.Tensor | undefined;
  const every = (x: tf.Tensor2D): Queries => {
    hidden ??= hide(tf.reshape(isToken, [R, 1, 1, S]));
    return { x, rows: R, hidden, of: same };
  };
  const first = (x: tf.Tensor2D): Queries => {
    const of = (all: tf.Tensor2D): tf.Tensor2D => {
      const W = all.shape[1];
      return tf.reshape(tf.slice(tf.reshape(all, [R, S, W]), [0, 0, 0], [R, 1, W]), [R, W]);
    };
    return { ...every(x), x: of(x), of };
  };
  return {
    input_ids: flat(inputs.input_ids),
    token_type_ids: flat(inputs.token_type_ids),
    position_ids: flat(tf.tile(places, [R, 1])),
    every,
    read: reader.reads === 'all' ? every : first,
    context: uncached,
  };

  /** Positions are counted from the first token, on whichever side the padding is. */
  function causalRowBatch(): Batch {
    const seen = tf.lessEqual(tf.reshape(places, [1, S, 1]), tf.reshape(places, [1, 1, S])); // (1, key, query)
    const before = tf.reshape(tf.cast(seen, 'float32'), [S, S]);
    const counted = tf.sub(matMul(tf.cast(isToken, 'float32'), before), 1); // (R, S)
    let hidden: tf.Tensor | undefined;
    const every = (x: tf.Tensor2D): Queries => {
      const isBefore = tf.greaterEqual(tf.reshape(places, [1, 1, S, 1]), tf.reshape(places, [1, 1, 1, S]));
      hidden ??= hide(tf.logicalAnd(isBefore, tf.reshape(isToken, [R, 1, 1, S])));
      return { x, rows: R, hidden, of: same };
    };
    const last = (x: tf.Tensor2D): Queries => {
      const { padTokenId } = reader;
      const counts =
        padTokenId === undefined
          ? isToken
          : tf.logicalAnd(isToken, tf.logicalNot(tf.equal(inputs.input_ids, tf.scalar(padTokenId, 'int32'))));
      const place = tf.cast(places, 'float32');
      const read = tf.max(tf.mul(place, tf.cast(counts, 'float32')), 1, true); // (R, 1)
      const select = tf.reshape(tf.cast(tf.equal(place, read), 'float32'), [R, 1, S]);
      const of = (all: tf.Tensor2D): tf.Tensor2D => {
        const W = all.shape[1];
        return tf.reshape(matMul(select, tf.reshape(all, [R, S, W])), [R, W]);
      };
      const isVisible = tf.logicalAnd(tf.greaterEqual(read, place), isToken); // (R, S)
      return { x: of(x), rows: R, hidden: hide(tf.reshape(isVisible, [R, 1, 1, S])), of };
    };
    return {
      input_ids: flat(inputs.input_ids),
      token_type_ids: flat(inputs.token_type_ids),
      position_ids: flat(tf.cast(tf.maximum(counted, 0), 'int32')),
      every,
      read: reader.reads === 'all' ? every : last,
      context: uncached,
    };
  }
}
