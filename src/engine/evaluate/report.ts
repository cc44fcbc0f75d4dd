import { isAbsolute, relative } from 'node:path';
import type { ClassificationReport, EvaluatedRow } from '../../protocol/index.ts';
import type { Example } from '../data/types.ts';
import { noRows } from './errors.ts';
import { intervalsOf } from './intervals.ts';
import { type Predictions, predictionsOf } from './predictions.ts';
import { Tally } from './tally.ts';

export const NUM_WORST = 20;

export interface ReportOptions {
  split: ClassificationReport['split'];
  /** Class names in the logits' order. */
  labels: string[];
  /** The evaluated rows, in the order of `targets` and `logits`. */
  examples: readonly Example[];
  targets: Int32Array;
  /** [n × labels], row by row. */
  logits: Float32Array;
  /** Rows of each class in the training part; left out or all 0 where that is not known: then the evaluated part's. */
  trainCounts?: readonly number[];
  /** Folder that files of the worst rows are named relative to, where they are in it. */
  base?: string;
}

/**
 * Everything that is said about a model's answers to one part of a data set: scikit-learn's metrics on the same
 * predictions, intervals, and the rows it was most wrong about. The same input gives the same report.
 * @throws LuthierError `data-invalid` for a part without rows, `loss-not-finite` for logits that are not finite.
 */
export function classificationReport(options: ReportOptions): ClassificationReport {
  const { split, labels, examples, targets } = options;
  const n = targets.length;
  if (n === 0) throw noRows(split);
  const predictions = predictionsOf(targets, options.logits, labels.length);
  const all = new Tally(predictions).addAll();
  const metrics = all.metrics();
  const confusion = confusionMatrix(predictions);
  return {
    task: 'text-classification',
    split,
    n,
    labels,
    metrics,
    intervals: intervalsOf(predictions, confusion, metrics),
    majority: majority(predictions, labels, options.trainCounts),
    per_class: labels.map((label, k) => ({ label, ...all.classScores(k) })),
    confusion,
    worst: worstRows(predictions.loss).map((i) => evaluatedRow(i, predictions, labels, examples[i]!, options.base)),
  };
}

function confusionMatrix({ n, numClasses, targets, predicted }: Predictions): number[][] {
  const confusion = Array.from({ length: numClasses }, () => new Array<number>(numClasses).fill(0));
  for (let i = 0; i < n; i++) confusion[targets[i]!]![predicted[i]!]!++;
  return confusion;
}

/** Scores of always answering the most frequent class (the first such at a tie) of the training part. */
function majority(
  predictions: Predictions,
  labels: readonly string[],
  trainCounts: readonly number[] | undefined,
): ClassificationReport['majority'] {
  let counts = trainCounts;
  if (!counts?.some((count) => count > 0)) {
    const own = new Array<number>(labels.length).fill(0);
    for (const target of predictions.targets) own[target]!++;
    counts = own;
  }
  const answer = counts.reduce((best, count, k) => (count > counts[best]! ? k : best), 0);
  const always = { ...predictions, predicted: new Int32Array(predictions.n).fill(answer) };
  const { accuracy, f1_macro, f1_weighted, mcc } = new Tally(always).addAll().metrics();
  return { label: labels[answer]!, accuracy, f1_macro, f1_weighted, mcc };
}

function worstRows(loss: Float64Array): number[] {
  const order = Array.from(loss, (_, i) => i).sort((a, b) => loss[b]! - loss[a]! || a - b);
  return order.slice(0, NUM_WORST);
}

function evaluatedRow(
  i: number,
  { targets, predicted, confidence, loss }: Predictions,
  labels: readonly string[],
  example: Example,
  base: string | undefined,
): EvaluatedRow {
  return {
    ...shownRow(example, base),
    label: labels[targets[i]!]!,
    predicted: labels[predicted[i]!]!,
    score: confidence[i]!,
    loss: loss[i]!,
  };
}

/** Where a row stands and what it says, as reports show it. @param base folder that files in it are named relative to */
export const shownRow = ({ file, line, text, text_pair }: Omit<Example, 'label'>, base: string | undefined) => ({
  ...{ line, file: fileShown(file, base), text },
  ...(text_pair !== undefined && { text_pair }),
});

/** A row's file, as reports name it. */
export const fileShown = (file: string, base: string | undefined): string =>
  base === undefined ? file : within(base, file);

/** A path relative to a folder that it is in, otherwise as it is. */
function within(folder: string, path: string): string {
  const inside = relative(folder, path);
  return inside === '' || /^\.\.([\\/]|$)/.test(inside) || isAbsolute(inside) ? path : inside;
}
