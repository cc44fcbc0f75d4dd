import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';

// Masks for executors that had better not be sent them: a word for each row is, and the row is made of it there. WebGPU's
// provider has no operators on bits, so not Philox but squares, in which whole numbers of 32 bits overflow (Widynski 2020,
// "Squares: a fast counter-based RNG", of whose rounds these are two, on half as many bits).

export const DROPOUT_SCALES = 'luthier.DropoutScales';

export type DropoutScales = Op<'words', { columns: number; rate: number }>;

const run = defineOp<DropoutScales>({
  name: DROPOUT_SCALES,
  compose: ({ words }, { columns, rate }) => {
    const [before, given] = [words.shape.slice(0, -1), words.dataSync()];
    const places = columnWords(columns);
    const [limit, scale] = [dropLimit(rate), keptScale(rate)];
    const scales = new Float32Array(given.length * columns);
    for (let i = 0, at = 0; i < given.length; i++)
      for (let j = 0; j < columns; j++, at++) scales[at] = mixed((given[i]! + places[j]!) | 0) >= limit ? scale : 0;
    return tf.tensor(scales, [...before, columns]);
  },
  inputsToSave: [],
  gradient: () => ({}),
});

/**
 * What inverted dropout multiplies by: `1 / (1 - rate)` where it keeps and 0 where it drops.
 * @param words int32 `[…, 1]`, of `rowWords` -> `[…, columns]`
 */
export function dropoutScales(words: tf.Tensor, columns: number, rate: number): tf.Tensor {
  return run({ words }, { columns, rate })[0]!;
}

/** Of whole numbers of 32 bits: the sum of a row's and a column's word -> the number that decides. */
function mixed(sum: number): number {
  const square = Math.imul(sum, sum);
  const folded = (square + Math.trunc(square / FOLD)) | 0;
  return Math.imul(folded, folded);
}

/** A square's low bits are hardly random; so its high half is added to them. */
export const FOLD = 2 ** 16;

/** What is below is dropped. */
export const dropLimit = (rate: number): number => Math.round(rate * 2 ** 32) - 2 ** 31;

export const keptScale = (rate: number): number => 1 / (1 - rate);

/** The words of columns, the same for every mask. */
export const columnWords = (columns: number): Int32Array => Int32Array.from({ length: columns }, (_, j) => hashed(~j));

/**
 * The words of a mask's rows, which no other step and no other site has.
 * @param key as for the masks of tensor/kernels/kernels.ts: seed below 2^53, step and site below 2^32
 */
export function rowWords(out: Int32Array, { seed, step, site }: { seed: number; step: number; site: number }): void {
  const parts = [seed % 2 ** 32, Math.floor(seed / 2 ** 32), step, site];
  // Two keys: one of 32 bits would be that of two steps before long.
  const [first, second] = [0x243f6a88, 0x85a308d3].map((start) =>
    parts.reduce((key, part) => hashed(Math.imul(key, 0x9e3779b1) ^ part), start),
  ) as [number, number];
  for (let i = 0; i < out.length; i++) out[i] = hashed(hashed((i + first) | 0) ^ second);
}

/** A permutation of the numbers of 32 bits in which each bit depends on all (Wellons 2018, hash-prospector). */
function hashed(x: number): number {
  let h = x ^ (x >>> 16);
  h = Math.imul(h, 0x21f0aaad);
  h ^= h >>> 15;
  h = Math.imul(h, 0xd35a2d97);
  return h ^ (h >>> 15);
}
