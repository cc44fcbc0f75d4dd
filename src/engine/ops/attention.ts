import * as tf from '@tensorflow/tfjs-core';
import { applyDropout } from './dropout.ts';
import { matMul } from './matmul.ts';

export interface AttentionInputs {
  /** `[…, T, D]` */
  q: tf.Tensor;
  /** `[…, S, D]` */
  k: tf.Tensor;
  v: tf.Tensor;
  /** Added to the scores before the softmax, broadcast to `[…, T, S]`; large and finite where a key is hidden. */
  bias: tf.Tensor | undefined;
  /** Dropout mask of the probabilities, bool `[…, T, S]`. */
  mask?: tf.Tensor | undefined;
  rate?: number;
}

/** Scaled dot-product attention (Vaswani et al. 2017): `dropout(softmax(q kᵀ / √D + bias)) v`. */
export function attention({ q, k, v, bias, mask, rate = 0 }: AttentionInputs): tf.Tensor {
  const alpha = 1 / Math.sqrt(q.shape[q.shape.length - 1]!);
  const drop = (x: tf.Tensor, kept: tf.Tensor | undefined) => (kept ? applyDropout(x, kept, rate) : x);
  // customGrad rather than an op of its own: the saved probabilities are no outputs, for which tfjs would make zeros.
  const run = tf.customGrad((...args) => {
    const [queries, keys, values, save] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const scores = matMul(queries, keys, { transposeB: true, alpha });
    const probabilities = tf.softmax(bias ? tf.add(scores, bias) : scores);
    const kept = drop(probabilities, mask);
    const output = matMul(kept, values);
    // The mask, too: it may have been made on the way here, and is gone when the gradient is asked for.
    save([queries, keys, values, probabilities, kept, output, ...(mask ? [mask] : [])]);
    return {
      value: output,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [q, k, v, probabilities, kept, output, mask] = saved as Saved;
        // Row sums of dP·P equal those of dO·O (Dao et al. 2022, FlashAttention, appendix B), which is narrower.
        const rowSum = tf.sum(tf.mul(dy, output), -1, true);
        const scoreGradient = tf.mul(probabilities, tf.sub(drop(matMul(dy, v, { transposeB: true }), mask), rowSum));
        return [
          matMul(scoreGradient, k, { alpha }),
          matMul(scoreGradient, q, { transposeA: true, alpha }),
          matMul(kept, dy, { transposeA: true }),
        ];
      },
    };
  });
  return run(q, k, v);
}

type Saved = [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor?];
