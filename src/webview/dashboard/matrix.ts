import type { ClassificationReport } from '../../protocol/evaluation.ts';

/** A confusion matrix cut to the classes that matter, with what was left out counted. */
export interface Matrix {
  labels: string[];
  /** cells[i][j]: rows of class labels[i] predicted as labels[j]. */
  cells: number[][];
  /** Rows of each shown class in all, also those predicted as a class that is not shown. */
  totals: number[];
  /** Classes not shown. */
  left: number;
}

/** The `size` classes with the most errors (as the truth or as the answer), in their own order; 0 for all. */
export const matrixOf = (report: ClassificationReport, size: number): Matrix => {
  const { labels, confusion } = report;
  const total = (i: number): number => confusion[i]?.reduce((sum, n) => sum + n, 0) ?? 0;
  const errors = labels.map((_, i) => {
    let wrong = 0;
    for (let j = 0; j < labels.length; j++) if (j !== i) wrong += (confusion[i]?.[j] ?? 0) + (confusion[j]?.[i] ?? 0);
    return wrong;
  });
  const all = labels.map((_, i) => i);
  const kept =
    size === 0 || labels.length <= size
      ? all
      : all
          .toSorted((a, b) => errors[b]! - errors[a]! || a - b)
          .slice(0, size)
          .toSorted((a, b) => a - b);
  return {
    labels: kept.map((i) => labels[i]!),
    cells: kept.map((i) => kept.map((j) => confusion[i]?.[j] ?? 0)),
    totals: kept.map(total),
    left: labels.length - kept.length,
  };
};

/** A cell's shade from 0 to 9 by its share of the row's class; any row at all is at least 1. */
export const shade = (n: number, total: number): number =>
  n === 0 || total === 0 ? 0 : Math.max(1, Math.min(9, Math.round((9 * n) / total)));

/** The pairs most often confused, most frequent first. */
export const confusedPairs = (
  report: ClassificationReport,
  limit: number,
): { actual: string; predicted: string; n: number; share: number }[] =>
  report.labels
    .flatMap((actual, i) => {
      const row = report.confusion[i] ?? [];
      const total = row.reduce((sum, n) => sum + n, 0);
      return report.labels.flatMap((predicted, j) => {
        const n = row[j] ?? 0;
        return i !== j && n > 0 ? [{ actual, predicted, n, share: n / total }] : [];
      });
    })
    .sort((a, b) => b.n - a.n)
    .slice(0, limit);
