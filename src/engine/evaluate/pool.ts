import { type ClassificationReport, FEWEST_ROWS_FOR_INTERVALS, type Interval } from '../../protocol/index.ts';
import { clopperPearson, intervalOfMean, posterior } from './intervals.ts';
import { NUM_WORST } from './report.ts';
import { averageScores, classScores } from './tally.ts';

/** The mean of what reports say, weighted by their rows. */
export function meanByRows<R extends { n: number }>(reports: readonly R[]): (of: (report: R) => number) => number {
  const n = reports.reduce((sum, report) => sum + report.n, 0);
  return (of) => reports.reduce((sum, report) => sum + of(report) * report.n, 0) / n;
}

/**
 * One report of the folds of a cross-validation: each row's answer is that of the model that had not seen it. What
 * follows from the confusion matrix is computed on the folds' sum; loss and calibration error are the folds' means
 * weighted by rows.
 */
export function pooledReport(reports: readonly ClassificationReport[]): ClassificationReport {
  const first = reports[0]!;
  const { labels } = first;
  const n = reports.reduce((sum, report) => sum + report.n, 0);
  const confusion = labels.map((_, i) =>
    labels.map((_, j) => reports.reduce((sum, r) => sum + r.confusion[i]![j]!, 0)),
  );
  const support = Float64Array.from(confusion, (row) => row.reduce((a, b) => a + b, 0));
  const predicted = Float64Array.from(labels, (_, k) => confusion.reduce((sum, row) => sum + row[k]!, 0));
  const hits = Float64Array.from(labels, (_, k) => confusion[k]![k]!);
  const mean = meanByRows(reports);
  const interval = (key: 'loss' | 'ece'): Interval | null =>
    intervalOfMean(
      reports.map(({ n, metrics, intervals }) => ({ value: metrics[key], weight: n, interval: intervals[key] })),
    );
  const ofConfusion =
    n < FEWEST_ROWS_FOR_INTERVALS ? { f1_macro: null, f1_weighted: null, mcc: null } : posterior(confusion);
  const answer = support.indexOf(support.reduce((a, b) => Math.max(a, b)));
  const always = averageScores({
    support,
    predicted: support.map((_, k) => (k === answer ? n : 0)),
    hits: support.map((rows, k) => (k === answer ? rows : 0)),
  });
  return {
    task: first.task,
    split: first.split,
    n,
    folds: reports.length,
    labels,
    metrics: {
      ...averageScores({ support, predicted, hits }),
      loss: mean((r) => r.metrics.loss),
      ece: mean((r) => r.metrics.ece),
    },
    intervals: {
      accuracy: clopperPearson(
        hits.reduce((a, b) => a + b, 0),
        n,
      ),
      ...ofConfusion,
      loss: interval('loss'),
      ece: interval('ece'),
    },
    majority: { label: labels[answer]!, ...always },
    per_class: labels.map((label, k) => ({ label, ...classScores(hits[k]!, support[k]!, predicted[k]!) })),
    confusion,
    worst: reports
      .flatMap(({ worst }) => worst)
      .sort((a, b) => b.loss - a.loss)
      .slice(0, NUM_WORST),
  };
}
