import * as tf from '@tensorflow/tfjs-core';
import { binaryCrossEntropy } from '../tensor/ops/index.ts';
import type { Loss } from './task.ts';

/**
 * Whether the second text of a pair goes on from the first, as the first output alone says: torch.nn.BCEWithLogitsLoss of
 * it, averaged over the pairs. A pair's label is 1 where it does, else 0; the other outputs have no gradient.
 */
export const continuationLoss = (): Loss => ({
  targets: (states) => ({ shape: [states, 1], dtype: 'float32' }),
  weight: (items) => 1 / items.length,
  value: (logits, targets, weights) => {
    const [states] = logits.shape;
    return binaryCrossEntropy(tf.slice(logits, [0, 0], [states, 1]), targets as tf.Tensor2D, weights);
  },
});
