import * as tf from '@tensorflow/tfjs-core';
import type { TensorSpec } from '../tensor/executors/executor.ts';
import { binaryCrossEntropy, binaryFocalLoss, crossEntropy, focalLoss } from '../tensor/ops/index.ts';
import { classWeights, stateWeights } from './class-weights.ts';
import { IGNORED, type LabelledItem, type Loss, type LossOptions } from './task.ts';

const PLAIN: LossOptions = { recipe: { label_smoothing_factor: 0 }, labels: [], items: [] };

/**
 * Cross entropy of one class for each state, averaged over those that have one, as torch.nn.CrossEntropyLoss does it;
 * with focal_gamma its focal loss, weighted and averaged alike.
 * @throws LuthierError as classWeights
 */
export function classLoss({ recipe, labels, items }: LossOptions = PLAIN): Loss {
  const { label_smoothing_factor: smoothing, focal_gamma: gamma = 0 } = recipe;
  const ofClasses = classWeights(recipe.class_weight, labels, countLabels(items, labels.length));
  return {
    targets: (states) => ({ shape: [states], dtype: 'int32' }),
    weight: (step) => stateWeights(ofClasses, labelsOf(step)),
    value: (logits, targets, weights) => {
      if (gamma > 0) return focalLoss(logits, targets as tf.Tensor1D, weights, gamma);
      const smoothed = ofClasses && smoothing > 0 ? tf.tensor1d(Float32Array.from(ofClasses)) : undefined;
      return crossEntropy(logits, targets as tf.Tensor1D, weights, smoothing, smoothed);
    },
  };
}

/** One target for each output of a state. */
const ofOutputs = (states: number, outputs: number): TensorSpec => ({ shape: [states, outputs], dtype: 'float32' });

/** Every target that counts is as much as any other. */
const alike = (items: readonly LabelledItem[]): number => 1 / labelsOf(items).length;

/**
 * Whether each label holds, independently of the others: torch.nn.BCEWithLogitsLoss over targets of 0 and 1; with
 * focal_gamma its focal loss, averaged alike.
 */
export function labelsLoss({ recipe }: LossOptions = PLAIN): Loss {
  const { focal_gamma: gamma = 0 } = recipe;
  return {
    targets: ofOutputs,
    weight: alike,
    value: (logits, targets, weights) =>
      gamma > 0
        ? binaryFocalLoss(logits, targets as tf.Tensor2D, weights, gamma)
        : binaryCrossEntropy(logits, targets as tf.Tensor2D, weights),
  };
}

/** A value: the mean squared error, torch.nn.MSELoss. */
export const valueLoss = (): Loss => ({
  targets: ofOutputs,
  weight: alike,
  value: (logits, targets, weights) => tf.sum(tf.mul(tf.sum(tf.square(tf.sub(logits, targets)), 1), weights)),
});

/** All that is learnt of items. */
const labelsOf = (items: readonly LabelledItem[]): number[] =>
  items.flatMap(({ labels }) => Array.from(labels).filter((label) => label !== IGNORED));

function countLabels(items: readonly LabelledItem[], classes: number): number[] {
  const counts = Array<number>(classes).fill(0);
  for (const label of labelsOf(items)) counts[label]!++;
  return counts;
}
