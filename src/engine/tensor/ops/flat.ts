import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';

// What the optimiser's step on a device does to millions of numbers at once, where each node more is one pass over them.

export const SCALED_SQUARE = 'luthier.ScaledSquare';
export const ROW_NORMS = 'luthier.RowNorms';

export type ScaledSquare = Op<'x' | 'factor'>;
export type RowNorms = Op<'x'>;

const square = defineOp<ScaledSquare>({
  name: SCALED_SQUARE,
  compose: ({ x, factor }) => tf.square(tf.mul(x, factor)),
  inputsToSave: ['x', 'factor'],
  gradient: (dy, [x, factor]) => ({
    x: () => tf.mul(dy, tf.mul(tf.mul(x!, tf.square(factor!)), 2)),
    factor: () => tf.reshape(tf.sum(tf.mul(dy, tf.mul(tf.mul(tf.square(x!), factor!), 2))), factor!.shape),
  }),
});

const norms = defineOp<RowNorms>({
  name: ROW_NORMS,
  compose: ({ x }) => tf.sqrt(tf.sum(tf.square(x), -1)),
  inputsToSave: ['x'],
  outputsToSave: [true],
  gradient: (dy, [x, norm]) => ({ x: () => tf.mul(tf.expandDims(tf.div(dy, norm!), -1), x!) }),
});

/** `(factor · x)²` with a scalar `factor`, in x's shape. */
export const scaledSquare = <T extends tf.Tensor>(x: T, factor: tf.Tensor): T => square({ x, factor })[0] as T;

/** Lengths of the last axis's vectors: `[…, N]` -> `[…]`. */
export const rowNorms = (x: tf.Tensor): tf.Tensor => norms({ x })[0]!;
