import type { MetricKey } from './recipe.ts';

/** A metric over n rows with its 95 % confidence interval. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

export interface ClassMetrics {
  label: string;
  precision: number;
  recall: number;
  f1: number;
  /** Rows of this class. */
  support: number;
}

/** One evaluated row, as kept for the worst rows and for the confusion matrix's cells. */
export interface EvaluatedRow {
  /** 1-based line of the file that the row starts on; the header is line 1. */
  line: number;
  /** File the row is from, relative to the run's recipe where possible. */
  file: string;
  text: string;
  text_pair?: string;
  label: string;
  predicted: string;
  /** Probability of the predicted class. */
  score: number;
  loss: number;
}

/** What evaluation.json holds, one for each evaluated part. */
export interface ClassificationReport {
  split: 'train' | 'validation' | 'test';
  n: number;
  labels: string[];
  metrics: Record<MetricKey, number>;
  intervals: Record<MetricKey, { low: number; high: number } | null>;
  /** Scores of always answering the most frequent class of the training part; its MCC is 0 by definition. */
  majority: { label: string; accuracy: number; f1_macro: number; f1_weighted?: number; mcc?: number };
  per_class: ClassMetrics[];
  /** confusion[i][j]: rows of class i predicted as class j. */
  confusion: number[][];
  /** Rows with the highest loss, worst first. */
  worst: EvaluatedRow[];
}
