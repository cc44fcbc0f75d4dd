import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './define.ts';

export const MATMUL = 'luthier.MatMul';

export interface MatMulOptions {
  transposeA?: boolean;
  transposeB?: boolean;
  /** Factor on the product. */
  alpha?: number;
}

const run = defineOp({
  name: MATMUL,
  compose: ({ a, b }, { transposeA, transposeB, alpha }) => {
    const product = tf.matMul(a!, b!, transposeA as boolean, transposeB as boolean);
    return alpha === 1 ? product : tf.mul(product, alpha as number);
  },
  inputsToSave: ['a', 'b'],
  gradient: (dy, [a, b], { transposeA, transposeB, alpha }) => {
    const scaled = { alpha: alpha as number };
    return {
      a: () =>
        transposeA
          ? matMul(b!, dy, { ...scaled, transposeA: transposeB as boolean, transposeB: true })
          : matMul(dy, b!, { ...scaled, transposeB: !transposeB }),
      b: () =>
        transposeB
          ? matMul(dy, a!, { ...scaled, transposeA: true, transposeB: transposeA as boolean })
          : matMul(a!, dy, { ...scaled, transposeA: !transposeA }),
    };
  },
});

/** `alpha · op(a) · op(b)` over stacks of matrices with equal leading axes; `op` transposes the last two axes or not. */
export function matMul(a: tf.Tensor, b: tf.Tensor, options: MatMulOptions = {}): tf.Tensor {
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  return run({ a, b }, { transposeA, transposeB, alpha })[0]!;
}
