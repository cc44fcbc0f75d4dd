import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';

export const HEAD_DOTS = 'luthier.HeadDots';

export type HeadDots = Op<'a' | 'b'>;

const run = defineOp<HeadDots>({
  name: HEAD_DOTS,
  compose: ({ a, b }) => tf.transpose(tf.sum(tf.mul(a, b), -1), [0, 2, 1]),
  inputsToSave: ['a', 'b'],
  gradient: (dy, [a, b]) => {
    const spread = () => tf.expandDims(tf.transpose(dy, [0, 2, 1]), -1);
    return { a: () => tf.mul(spread(), b!), b: () => tf.mul(spread(), a!) };
  },
});

/** Dot products over the last axis, with heads in front of tokens: `[rows, T, A, D]` each -> `[rows, A, T]`. */
export const headDots = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => run({ a, b })[0]!;
