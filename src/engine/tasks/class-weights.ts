import { counted, LuthierError, type Recipe } from '../../protocol/index.ts';
import { listed, quoted } from '../data/problems.ts';
import { IGNORED } from './task.ts';

const NAMED = 10;
const named = (labels: readonly string[]): string =>
  listed([
    ...labels.slice(0, NAMED).map(quoted),
    ...(labels.length > NAMED ? [counted(labels.length - NAMED, 'other')] : []),
  ]);

/**
 * Weight of each class in the training loss, in the classes' order, or null where every row counts the same.
 * "balanced" is scikit-learn's n / (classes · rows of the class), so that the weights of all rows sum to n.
 * @param counts training rows of each class
 * @throws LuthierError `recipe-invalid` for the name of a class that the data lacks
 */
export function classWeights(
  given: Recipe['class_weight'],
  labels: readonly string[],
  counts: readonly number[],
): Float64Array | null {
  if (given === undefined) return null;
  if (given === 'balanced') {
    const n = counts.reduce((a, b) => a + b, 0);
    return Float64Array.from(counts, (count) => (count === 0 ? 1 : n / (labels.length * count)));
  }
  const unknown = Object.keys(given).filter((label) => !labels.includes(label));
  if (unknown.length > 0) {
    throw new LuthierError(
      'recipe-invalid',
      `class_weight names ${named(unknown)}, which no training row has.`,
      `The training rows have the classes ${named(labels)}.`,
    );
  }
  // Own properties alone: a class may be called "constructor".
  return Float64Array.from(labels, (label) => (Object.hasOwn(given, label) ? given[label]! : 1));
}

/**
 * What each state of an optimiser step counts in its loss, by its class: `w[class] / Σ w`, as
 * torch.nn.CrossEntropyLoss(weight) averages, and one over their number without weights.
 */
export function stateWeights(weights: Float64Array | null, classes: readonly number[]): (label: number) => number {
  if (weights === null) {
    const each = 1 / classes.length;
    return () => each;
  }
  const sum = classes.reduce((total, label) => total + weights[label]!, 0);
  return (label) => (label === IGNORED ? 0 : weights[label]! / sum);
}
