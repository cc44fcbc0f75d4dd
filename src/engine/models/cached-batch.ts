import * as tf from '@tensorflow/tfjs-core';
import type { TensorSpec } from '../tensor/executors/executor.ts';
import { matMul } from '../tensor/ops/index.ts';
import { type Batch, hide, type KeysAndValues, numbers, type Queries, same } from './batch.ts';

/** New tokens of several texts, each with the keys and values of as many tokens before them. */
export interface CachedShape {
  /** Texts; one where `length` is more than 1. */
  rows: number;
  /** New tokens of each. */
  length: number;
  /** Tokens before them that there is room for; 0 where there are none. */
  capacity: number;
}

/** Of a layer's keys and values of one text: `[heads, tokens, width]`. */
export interface CachedLayer {
  readonly heads: number;
  readonly width: number;
}

export const PAST_KEYS = 'past_key:';
export const PAST_VALUES = 'past_value:';

/** @param layers known once something has been computed; not needed while there is no past */
export function cachedSpecs(
  { rows, length, capacity }: CachedShape,
  layers: readonly CachedLayer[],
): Record<string, TensorSpec> {
  const int32 = (size: number): TensorSpec => ({ shape: [size], dtype: 'int32' });
  const specs = { input_ids: int32(rows * length), position_ids: int32(rows * length), read_token: int32(1) };
  if (capacity === 0) return specs;
  const past = layers.flatMap(({ heads, width }, layer) => {
    const spec: TensorSpec = { shape: [rows, heads, capacity, width], dtype: 'float32' };
    return [
      [PAST_KEYS + layer, spec],
      [PAST_VALUES + layer, spec],
    ];
  });
  return { ...specs, filled: int32(1), ...Object.fromEntries(past) };
}

/**
 * A batch of new tokens that attend to cached ones in front of them. The cache has a fixed capacity, of which the first
 * `filled` tokens count. A head reads the token `read_token` of a longer text, and of single tokens each.
 * @param inputs those of cachedSpecs
 * @returns also, once the model's layers have run, the new tokens' keys and values `[rows, heads, length, width]`
 */
export function cachedBatch(
  inputs: Record<string, tf.Tensor>,
  { rows, length, capacity }: CachedShape,
): { batch: Batch; computed: KeysAndValues[] } {
  const { input_ids, position_ids, read_token, filled } = inputs as Record<string, tf.Tensor1D>;
  const computed: KeysAndValues[] = [];
  const places = (n: number) => numbers(n, 0);
  /** For `count` queries at these places among the new tokens. */
  const hidden = (queries: tf.Tensor1D, count: number): tf.Tensor => {
    const own = hide(
      tf.greaterEqual(tf.reshape(queries, [1, 1, count, 1]), tf.reshape(places(length), [1, 1, 1, length])),
    );
    if (capacity === 0) return own;
    const past = hide(tf.less(tf.reshape(places(capacity), [1, 1, 1, capacity]), tf.reshape(filled!, [1, 1, 1, 1])));
    return tf.concat([tf.tile(past, [1, 1, count, 1]), own], 3);
  };
  let hiddenOfAll: tf.Tensor | undefined;
  const every = (x: tf.Tensor2D): Queries => {
    hiddenOfAll ??= hidden(places(length), length);
    return { x, rows, hidden: hiddenOfAll, of: same };
  };
  const one = (x: tf.Tensor2D): Queries => {
    const isRead = tf.equal(tf.reshape(places(length), [1, length]), tf.reshape(read_token!, [1, 1]));
    const of = (all: tf.Tensor2D) => matMul(tf.cast(isRead, 'float32'), all) as tf.Tensor2D;
    return { x: of(x), rows, hidden: hidden(read_token!, 1), of };
  };
  const batch: Batch = {
    input_ids: input_ids!,
    position_ids: position_ids!,
    token_type_ids: tf.zeros([rows * length], 'int32'),
    every,
    read: length === 1 ? every : one,
    context: (layer, own) => {
      computed[layer] = own;
      if (capacity === 0) return own;
      return { ...own, past: { k: inputs[PAST_KEYS + layer]!, v: inputs[PAST_VALUES + layer]! } };
    },
  };
  return { batch, computed };
}
