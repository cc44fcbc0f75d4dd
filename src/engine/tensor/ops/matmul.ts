import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';

export const MATMUL = 'luthier.MatMul';

export interface MatMulOptions {
  transposeA?: boolean;
  transposeB?: boolean;
  /** Factor on the product. */
  alpha?: number;
}

export type MatMul = Op<'a' | 'b', Required<MatMulOptions>>;

const run = defineOp<MatMul>({
  name: MATMUL,
  compose: ({ a, b }, { transposeA, transposeB, alpha }) => {
    const product = tf.matMul(a, b, transposeA, transposeB);
    return alpha === 1 ? product : tf.mul(product, alpha);
  },
  inputsToSave: ['a', 'b'],
  gradient: (dy, [a, b], { transposeA, transposeB, alpha }) => {
    return {
      a: () =>
        transposeA
          ? matMul(b!, dy, { alpha, transposeA: transposeB, transposeB: true })
          : matMul(dy, b!, { alpha, transposeB: !transposeB }),
      b: () =>
        transposeB
          ? matMul(dy, a!, { alpha, transposeA: true, transposeB: transposeA })
          : matMul(a!, dy, { alpha, transposeA: !transposeA }),
    };
  },
});

/** `alpha · op(a) · op(b)` over stacks of matrices with equal leading axes; `op` transposes the last two axes or not. */
export function matMul(a: tf.Tensor, b: tf.Tensor, options: MatMulOptions = {}): tf.Tensor {
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  return run({ a, b }, { transposeA, transposeB, alpha })[0]!;
}
