import type * as tf from '@tensorflow/tfjs-core';
import { LuthierError } from '../../../protocol/index.ts';
import { crossEntropy } from '../../tensor/ops/index.ts';
import type { Loss, LossOptions } from '../task.ts';
import { countLearnt } from './items.ts';

/**
 * Cross entropy of the next token, averaged over all that are learnt in an optimiser step, however they lie in its
 * micro-batches.
 * @throws LuthierError `recipe-invalid` for weights of classes
 */
export function languageLoss({ recipe }: Pick<LossOptions, 'recipe'>): Loss {
  if (recipe.class_weight !== undefined) {
    throw new LuthierError(
      'recipe-invalid',
      'class_weight is given, but a language model has no classes.',
      'Delete class_weight from the recipe.',
    );
  }
  return {
    targets: (states) => ({ shape: [states], dtype: 'int32' }),
    weight: (items) => 1 / items.reduce((n, { labels }) => n + countLearnt(labels), 0),
    value: (logits, targets, weights) =>
      crossEntropy(logits, targets as tf.Tensor1D, weights, recipe.label_smoothing_factor),
  };
}
