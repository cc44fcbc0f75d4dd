import { notFinite } from './errors.ts';

/** What a model answered for n rows, and how far it was off. Arrays are n long. */
export interface Predictions {
  n: number;
  numClasses: number;
  targets: Int32Array;
  /** Class of the highest logit, the lowest such class at a tie (as numpy's argmax). */
  predicted: Int32Array;
  /** Softmax probability of the predicted class. */
  confidence: Float64Array;
  /** Cross-entropy in nats, plain whatever a step's loss is: never smoothed, never weighted by class. */
  loss: Float64Array;
}

/**
 * Predictions and losses from logits.
 * @param logits [n × numClasses], row by row.
 * @throws LuthierError `loss-not-finite` naming the first row whose logits are not finite; RangeError when sizes or
 *   classes do not fit together, which is a defect of the caller.
 */
export function predictionsOf(targets: Int32Array, logits: Float32Array, numClasses: number): Predictions {
  const n = targets.length;
  if (logits.length !== n * numClasses)
    throw new RangeError(`${logits.length} logits for ${n} rows of ${numClasses} classes`);
  const predicted = new Int32Array(n);
  const confidence = new Float64Array(n);
  const loss = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const row = i * numClasses;
    const target = targets[i]!;
    if (!(target >= 0 && target < numClasses)) throw new RangeError(`row ${i} has class ${target} of ${numClasses}`);
    let best = 0;
    let sum = 0;
    for (let k = 0; k < numClasses; k++) {
      const logit = logits[row + k]!;
      if (logit > logits[row + best]!) best = k;
      sum += logit;
    }
    if (!Number.isFinite(sum)) throw notFinite(i, n);
    const max = logits[row + best]!;
    let exponentials = 0;
    for (let k = 0; k < numClasses; k++) exponentials += Math.exp(logits[row + k]! - max);
    const logSum = max + Math.log(exponentials);
    predicted[i] = best;
    confidence[i] = 1 / exponentials;
    loss[i] = logSum - logits[row + target]!;
  }
  return { n, numClasses, targets, predicted, confidence, loss };
}
