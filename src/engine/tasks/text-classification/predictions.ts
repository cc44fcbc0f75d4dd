import { LuthierError, largest, type Prediction } from '../../../protocol/index.ts';
import type { DecodeOptions } from '../task.ts';

/**
 * Labels with probabilities from logits `[texts, labels]`.
 * @throws LuthierError `model-invalid` where they are not finite
 */
export function predictionsFrom({ texts, logits, labels, model }: DecodeOptions): Prediction[] {
  const classes = labels.length;
  return texts.map((text, i): Prediction => {
    const probabilities = softmax(logits.subarray(i * classes, (i + 1) * classes));
    if (!Number.isFinite(probabilities[0]!)) throw notFinite(model, i, texts.length);
    const best = probabilities.indexOf(largest(probabilities));
    return {
      ...(typeof text === 'string' ? { text } : text),
      label: labels[best]!,
      score: probabilities[best]!,
      scores: Object.fromEntries(labels.map((label, c) => [label, probabilities[c]!])),
    };
  });
}

/** Of the answer for text i of n. */
export const notFinite = (model: string, i: number, n: number): LuthierError =>
  new LuthierError(
    'model-invalid',
    `The answer of ${model} for text ${i + 1} of ${n} is not a finite number: its weights are too large.`,
    'The training that produced it diverged. Train again with a lower learning_rate, or download or copy the model again.',
  );

/** Probabilities of one row of logits. */
export function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const max = largest(values);
  const exps = values.map((v) => Math.exp(v - max));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((e) => e / sum);
}
