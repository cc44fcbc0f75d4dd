import type { ClassificationMetric, ClassMetrics } from '../../protocol/index.ts';
import type { Predictions } from './predictions.ts';

/** Equal-width bins of the expected calibration error. */
export const ECE_BINS = 15;

export type ClassScores = Omit<ClassMetrics, 'label'>;

/**
 * Counts over some of the rows of an evaluation, from which every metric follows without looking at the rows again;
 * so a bootstrap resample costs no more than adding its rows up. Formulas and sources: docs/evaluation.md.
 */
export class Tally {
  readonly #of: Predictions;
  readonly #bins: Uint8Array;
  #n = 0;
  #loss = 0;
  /** Rows by class: that are of it, that were predicted as it, and both. */
  readonly #support: Float64Array;
  readonly #predicted: Float64Array;
  readonly #hits: Float64Array;
  /** By bin: sum of confidence minus number of right answers. */
  readonly #gap = new Float64Array(ECE_BINS);

  constructor(of: Predictions) {
    this.#of = of;
    // (lower, upper] bins, as in Guo et al. 2017.
    this.#bins = Uint8Array.from(of.confidence, (p) =>
      Math.min(Math.max(Math.ceil(p * ECE_BINS) - 1, 0), ECE_BINS - 1),
    );
    this.#support = new Float64Array(of.numClasses);
    this.#predicted = new Float64Array(of.numClasses);
    this.#hits = new Float64Array(of.numClasses);
  }

  reset(): void {
    this.#n = 0;
    this.#loss = 0;
    for (const counts of [this.#support, this.#predicted, this.#hits, this.#gap]) counts.fill(0);
  }

  add(row: number): void {
    const target = this.#of.targets[row]!;
    const predicted = this.#of.predicted[row]!;
    this.#n++;
    this.#loss += this.#of.loss[row]!;
    this.#support[target]!++;
    this.#predicted[predicted]!++;
    if (target === predicted) this.#hits[target]!++;
    this.#gap[this.#bins[row]!]! += this.#of.confidence[row]! - (target === predicted ? 1 : 0);
  }

  addAll(): this {
    for (let row = 0; row < this.#of.n; row++) this.add(row);
    return this;
  }

  /**
   * Precision, recall and F1 of class k. Without rows of the class nothing is known of recall and F1, and without
   * predictions of it nothing of precision: null. The precision of a class that is never predicted is 0
   * (scikit-learn's zero_division=0).
   */
  classScores(k: number): ClassScores {
    return classScores(this.#hits[k]!, this.#support[k]!, this.#predicted[k]!);
  }

  /** Every metric over the rows added so far, of which there must be at least one. */
  metrics(): Record<ClassificationMetric, number> {
    const n = this.#n;
    const averages = averageScores({ support: this.#support, predicted: this.#predicted, hits: this.#hits });
    return {
      loss: this.#loss / n,
      ...averages,
      ece: this.#gap.reduce((sum, gap) => sum + Math.abs(gap), 0) / n,
    };
  }
}

/**
 * The metrics that follow from how many rows (or how much of a distribution) are of each class, predicted as it, and
 * both. Macro F1 is over the classes that occur or are predicted; MCC is 0 where it is not defined (one class).
 */
export function averageScores(of: Record<'support' | 'predicted' | 'hits', Float64Array>): {
  accuracy: number;
  f1_macro: number;
  f1_weighted: number;
  mcc: number;
} {
  let n = 0;
  let hits = 0;
  let macro = 0;
  let present = 0;
  let weighted = 0;
  let cross = 0;
  let predictedSquares = 0;
  let supportSquares = 0;
  for (let k = 0; k < of.support.length; k++) {
    const support = of.support[k]!;
    const predicted = of.predicted[k]!;
    // A class that is predicted and has no rows counts as 0 among the others.
    const f1 = ratio(2 * of.hits[k]!, predicted + support);
    n += support;
    hits += of.hits[k]!;
    if (support + predicted > 0) present++;
    macro += f1;
    weighted += f1 * support;
    cross += predicted * support;
    predictedSquares += predicted * predicted;
    supportSquares += support * support;
  }
  const spread = Math.sqrt((n * n - predictedSquares) * (n * n - supportSquares));
  return {
    accuracy: hits / n,
    f1_macro: ratio(macro, present),
    f1_weighted: weighted / n,
    mcc: ratio(hits * n - cross, spread),
  };
}

/** Scores of a class from its right answers, its rows and its predictions. */
export function classScores(hits: number, support: number, predicted: number): ClassScores {
  const isMeasured = support > 0;
  return {
    precision: isMeasured || predicted > 0 ? ratio(hits, predicted) : null,
    recall: isMeasured ? hits / support : null,
    f1: isMeasured ? (2 * hits) / (predicted + support) : null,
    support,
  };
}

const ratio = (numerator: number, denominator: number): number => (denominator === 0 ? 0 : numerator / denominator);
