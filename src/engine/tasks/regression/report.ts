import type { ValueReport, ValueRow } from '../../../protocol/index.ts';
import { noRows, notFinite } from '../../evaluate/errors.ts';
import { intervalOfMean, resampled } from '../../evaluate/intervals.ts';
import { meanByRows } from '../../evaluate/pool.ts';
import { shownRow } from '../../evaluate/report.ts';
import type { EvaluateOptions, LabelledItem } from '../task.ts';
import type { ValueExample } from './rows.ts';

const NUM_WORST = 20;
/** As many points as a picture of them can show. */
const MOST_POINTS = 1000;

type Metrics = Record<'pearson' | 'spearmanr' | 'mse' | 'loss', number>;

/** Pearson's correlation; 0 where one side is the same everywhere, of which it says nothing. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length;
  let [meanA, meanB] = [0, 0];
  for (let i = 0; i < n; i++) {
    meanA += a[i]! / n;
    meanB += b[i]! / n;
  }
  let [both, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[i]! - meanA, b[i]! - meanB];
    both += x * y;
    ofA += x * x;
    ofB += y * y;
  }
  const spread = Math.sqrt(ofA * ofB);
  return spread === 0 ? 0 : Math.max(-1, Math.min(1, both / spread));
}

/** Places in order, from 1; equal values have the mean of theirs. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from(values, (_, i) => i).sort((i, j) => values[i]! - values[j]!);
  const placed = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let k = from; k < to; k++) placed[order[k]!] = (from + to + 1) / 2;
    from = to;
  }
  return placed;
}

/** Spearman's is Pearson's of the ranks, as scipy.stats.spearmanr has it. */
function metricsOf(values: ArrayLike<number>, predicted: ArrayLike<number>): Metrics {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - predicted[i]!) ** 2;
  const mse = squares / values.length;
  return {
    pearson: pearson(values, predicted),
    spearmanr: pearson(ranks(values), ranks(predicted)),
    mse,
    loss: mse,
  };
}

/** Everything that is said about a model's values. @throws LuthierError `data-invalid`, `loss-not-finite` */
export function valueReport(options: EvaluateOptions<ValueExample, LabelledItem>): ValueReport {
  const { split, labels, rows, logits, trainRows, base } = options;
  const n = rows.length;
  if (n === 0) throw noRows(split);
  const bad = logits.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw notFinite(bad, n);
  const values = Float64Array.from(rows, ({ value }) => value);
  const predicted = Float64Array.from(logits);
  const metrics = metricsOf(values, predicted);
  const taken = (from: Float64Array, rows: Uint32Array) => Float64Array.from(rows, (row) => from[row]!);
  const intervals = resampled(n, metrics, (drawn) => metricsOf(taken(values, drawn), taken(predicted, drawn)));
  const known = trainRows?.length ? Float64Array.from(trainRows, ({ value }) => value) : values;
  const mean = known.reduce((a, b) => a + b, 0) / known.length;
  const off = (i: number) => Math.abs(values[i]! - predicted[i]!);
  const step = Math.max(1, n / MOST_POINTS);
  return {
    task: 'regression',
    split,
    n,
    labels,
    metrics,
    intervals,
    mean: { value: mean, mse: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n },
    points: Array.from({ length: Math.min(n, MOST_POINTS) }, (_, k) => {
      const i = Math.floor(k * step);
      return [values[i]!, predicted[i]!];
    }),
    worst: [...rows.keys()]
      .sort((a, b) => off(b) - off(a))
      .slice(0, NUM_WORST)
      .map((i): ValueRow => {
        const row = rows[i]!;
        return {
          ...shownRow(row, base),
          ...{ value: row.value, predicted: predicted[i]! },
        };
      }),
  };
}

/**
 * One report of the folds of a cross-validation. Errors are those of all rows; correlations are the folds' means
 * weighted by rows, since their models may differ by a constant.
 */
export function pooledValues(reports: readonly ValueReport[]): ValueReport {
  const first = reports[0]!;
  const n = reports.reduce((total, report) => total + report.n, 0);
  const mean = meanByRows(reports);
  const keys = Object.keys(first.metrics) as (keyof ValueReport['intervals'])[];
  const share = Math.max(1, reports.reduce((total, { points }) => total + points.length, 0) / MOST_POINTS);
  return {
    ...first,
    n,
    folds: reports.length,
    metrics: Object.fromEntries(keys.map((key) => [key, mean(({ metrics }) => metrics[key]!)])) as Metrics,
    intervals: Object.fromEntries(
      keys.map((key) => [
        key,
        intervalOfMean(
          reports.map(({ n, metrics, intervals }) => ({
            value: metrics[key]!,
            weight: n,
            interval: intervals[key] ?? null,
          })),
        ),
      ]),
    ) as ValueReport['intervals'],
    mean: { value: mean(({ mean }) => mean.value), mse: mean(({ mean }) => mean.mse) },
    points: reports.flatMap(({ points }) => points).filter((_, i) => i % Math.ceil(share) === 0),
    worst: reports
      .flatMap(({ worst }) => worst)
      .sort((a, b) => Math.abs(b.value - b.predicted) - Math.abs(a.value - a.predicted))
      .slice(0, NUM_WORST),
  };
}
