import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from '../tensor/ops/index.ts';
import { classWeights, stateWeights } from './class-weights.ts';
import { IGNORED, type LabelledItem, type Loss, type LossOptions } from './task.ts';

const PLAIN: LossOptions = { recipe: { label_smoothing_factor: 0 }, labels: [], items: [] };

/**
 * Cross entropy of one class for each state, averaged over those that have one, as torch.nn.CrossEntropyLoss does it.
 * @throws LuthierError as classWeights
 */
export function classLoss({ recipe, labels, items }: LossOptions = PLAIN): Loss {
  const smoothing = recipe.label_smoothing_factor;
  const ofClasses = classWeights(recipe.class_weight, labels, countLabels(items, labels.length));
  return {
    targets: (states) => ({ shape: [states], dtype: 'int32' }),
    weight: (step) => stateWeights(ofClasses, labelsOf(step)),
    value: (logits, targets, weights) => {
      const smoothed = ofClasses && smoothing > 0 ? tf.tensor1d(Float32Array.from(ofClasses)) : undefined;
      return crossEntropy(logits, targets as tf.Tensor1D, weights, smoothing, smoothed);
    },
  };
}

/** Classes of all that is labelled. */
const labelsOf = (items: readonly LabelledItem[]): number[] =>
  items.flatMap(({ labels }) => Array.from(labels).filter((label) => label !== IGNORED));

function countLabels(items: readonly LabelledItem[], classes: number): number[] {
  const counts = Array<number>(classes).fill(0);
  for (const label of labelsOf(items)) counts[label]!++;
  return counts;
}
