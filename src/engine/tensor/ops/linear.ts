import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';
import { matMul } from './matmul.ts';

export const LINEAR = 'luthier.Linear';

export type Linear = Op<'x' | 'weight' | 'bias'>;

const run = defineOp<Linear>({
  name: LINEAR,
  compose: ({ x, weight, bias }) => tf.add(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D, false, true), bias),
  inputsToSave: ['x', 'weight'],
  gradient: (dy, [x, weight]) => ({
    x: () => matMul(dy, weight!),
    weight: () => matMul(dy, x!, { transposeA: true }),
    bias: () => tf.sum(dy, 0),
  }),
});

/**
 * `x · weightᵀ + bias`, as torch.nn.Linear: x `[M, K]`, weight `[N, K]` (Hugging Face's layout), bias `[N]` -> `[M, N]`.
 */
export function linear(x: tf.Tensor2D, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor2D {
  return run({ x, weight, bias })[0] as tf.Tensor2D;
}
