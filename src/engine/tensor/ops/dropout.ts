import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';

type Dropout = Op<'x' | 'mask', { rate: number }>;

const run = defineOp<Dropout>({
  name: 'luthier.Dropout',
  compose: ({ x, mask }, { rate }) => tf.mul(x, tf.mul(tf.cast(mask, 'float32'), 1 / (1 - rate))),
  inputsToSave: ['mask'],
  gradient: (dy, [mask], { rate }) => ({ x: () => applyDropout(dy, mask!, rate) }),
});

/**
 * Inverted dropout: what the mask keeps is divided by `1 - rate`. `mask` is bool in x's shape, made outside by a
 * counter-based generator, so that a step's masks depend on seed and step alone; or what x is to be multiplied by, made
 * on a device (dropout-scales.ts).
 */
export function applyDropout<T extends tf.Tensor>(x: T, mask: tf.Tensor, rate: number): T {
  return mask.dtype === 'bool' ? (run({ x, mask }, { rate })[0] as T) : tf.mul(x, mask);
}
