import type { Interval, LabelsReport, LabelsRow } from '../../../protocol/index.ts';
import { noRows, notFinite } from '../../evaluate/errors.ts';
import {
  clopperPearson,
  intervalOfMean,
  intervalOfShare,
  ofAllOrNone,
  type Part,
  resampled,
} from '../../evaluate/intervals.ts';
import { meanByRows } from '../../evaluate/pool.ts';
import { shownRow } from '../../evaluate/report.ts';
import { classScores } from '../../evaluate/tally.ts';
import type { EvaluateOptions, LabelledItem } from '../task.ts';
import type { LabelsExample } from './rows.ts';

/** Rows with errors that are kept. */
const NUM_WORST = 20;
/** Where no validation rows say better. */
export const THRESHOLD = 0.5;

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** What is true and what was predicted, `[n × labels]` of 0 and 1, and each row's mean loss. */
interface Answers {
  n: number;
  labels: number;
  targets: Uint8Array;
  predicted: Uint8Array;
  loss: Float64Array;
}

/** @throws LuthierError `loss-not-finite` */
function answersOf(items: readonly LabelledItem[], logits: Float32Array, labels: number, threshold: number): Answers {
  const n = items.length;
  const answers = { n, labels, targets: new Uint8Array(n * labels), predicted: new Uint8Array(n * labels) };
  const loss = new Float64Array(n);
  for (const [i, item] of items.entries()) {
    for (let k = 0; k < labels; k++) {
      const at = i * labels + k;
      const x = logits[at]!;
      const target = item.labels[k]!;
      loss[i]! += (Math.max(x, 0) - x * target + Math.log1p(Math.exp(-Math.abs(x)))) / labels;
      answers.targets[at] = target;
      answers.predicted[at] = sigmoid(x) >= threshold ? 1 : 0;
    }
    if (Number.isFinite(loss[i])) continue;
    throw notFinite(i, n);
  }
  return { ...answers, loss };
}

/** Counts over some of the rows, from which every metric follows. */
interface Tally {
  n: number;
  loss: number;
  exact: number;
  right: Float64Array;
  support: Float64Array;
  predicted: Float64Array;
}

const empty = (labels: number): Tally => ({
  ...{ n: 0, loss: 0, exact: 0 },
  ...{ right: new Float64Array(labels), support: new Float64Array(labels), predicted: new Float64Array(labels) },
});

/** Labels that are true or were predicted, row by row: most are neither. */
function countsOf(answers: Answers): { add(tally: Tally, row: number): void } {
  const { labels, targets, predicted, loss } = answers;
  const own = Array.from({ length: answers.n }, (_, i) =>
    Array.from({ length: labels }, (_, k) => k).filter(
      (k) => targets[i * labels + k]! + predicted[i * labels + k]! > 0,
    ),
  );
  return {
    add: (tally, row) => {
      let wrong = 0;
      for (const k of own[row]!) {
        const [t, p] = [targets[row * labels + k]!, predicted[row * labels + k]!];
        tally.support[k]! += t;
        tally.predicted[k]! += p;
        tally.right[k]! += t & p;
        wrong += t ^ p;
      }
      tally.n++;
      tally.loss += loss[row]!;
      if (wrong === 0) tally.exact++;
    },
  };
}

const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
const ratio = (n: number, of: number): number => (of === 0 ? 0 : n / of);

type Metrics = LabelsReport['metrics'];

/** As scikit-learn's with zero_division=0; macro F1 is over the labels that occur or are predicted. */
function metricsOf({ n, loss, exact, right, support, predicted }: Tally): Metrics {
  const [hits, gold, said] = [sum(right), sum(support), sum(predicted)];
  let macro = 0;
  let present = 0;
  for (const [k, rows] of support.entries()) {
    if (rows + predicted[k]! === 0) continue;
    macro += ratio(2 * right[k]!, rows + predicted[k]!);
    present++;
  }
  return {
    accuracy: exact / n,
    f1_macro: ratio(macro, present),
    f1_micro: ratio(2 * hits, gold + said),
    precision: ratio(hits, said),
    recall: ratio(hits, gold),
    loss: loss / n,
  };
}

/**
 * The threshold with the highest micro F1 on some rows, the one nearest to a half where several have it: the middle
 * between the two probabilities that it parts.
 */
export function bestThreshold(items: readonly LabelledItem[], logits: Float32Array): number {
  const scores = items.flatMap(({ labels }, i) =>
    Array.from(labels, (target, k) => ({ target, p: sigmoid(logits[i * labels.length + k]!) })),
  );
  scores.sort((a, b) => b.p - a.p);
  const gold = scores.reduce((n, { target }) => n + target, 0);
  if (gold === 0) return THRESHOLD;
  let best = { f1: -1, threshold: THRESHOLD };
  let right = 0;
  for (const [i, { target, p }] of scores.entries()) {
    right += target;
    const next = scores[i + 1]?.p ?? 0;
    if (next === p) continue;
    const f1 = (2 * right) / (i + 1 + gold);
    // Of a gap that has a half in it, the half.
    const threshold = p >= THRESHOLD && next < THRESHOLD ? THRESHOLD : (p + next) / 2;
    const isNearer = Math.abs(threshold - THRESHOLD) < Math.abs(best.threshold - THRESHOLD);
    if (f1 > best.f1 || (f1 === best.f1 && isNearer)) best = { f1, threshold };
  }
  return best.threshold;
}

/** Intervals of what all rows have right, or none, of the rows that count for each; the others are as they were drawn. */
function knownEnds(
  { n, labels, targets, predicted }: Answers,
  values: Readonly<Record<string, number>>,
  drawn: Readonly<Record<string, Interval | null>>,
): Record<string, Interval | null> {
  const rowsWith = (counts: (place: number) => number, only?: number) => {
    let rows = 0;
    for (let i = 0; i < n; i++) {
      let has = false;
      for (let k = only ?? 0; k < (only === undefined ? labels : only + 1); k++) has ||= counts(i * labels + k) > 0;
      if (has) rows++;
    }
    return rows;
  };
  const either = (place: number) => targets[place]! + predicted[place]!;
  const of = (key: string, rows: number) => ofAllOrNone(values[key]!, rows, drawn[key]!);
  const each = Array.from({ length: labels }, (_, k) => ({ key: `${k}`, rows: rowsWith(either, k) }));
  const ofLabels = each.map(({ key, rows }) => [key, of(key, rows)] as const);
  const f1_micro = of('f1_micro', rowsWith(either));
  let { f1_macro } = drawn;
  // All labels are right, or none: each is known by its own rows, and all together by no more than there are.
  if (f1_macro && f1_micro && (values.f1_macro === 0 || values.f1_macro === 1)) {
    const weight = (rows: number) => (rows > 0 ? 1 : 0);
    const parts = ofLabels.map(([key, interval], k) => ({
      ...{ value: values[key]!, interval, weight: weight(each[k]!.rows) },
    }));
    const mean = intervalOfMean(parts) ?? f1_macro;
    f1_macro = { low: Math.min(mean.low, f1_micro.low), high: Math.max(mean.high, f1_micro.high) };
  }
  return {
    ...Object.fromEntries(ofLabels),
    ...{ f1_micro, f1_macro: f1_macro! },
    precision: of(
      'precision',
      rowsWith((place) => predicted[place]!),
    ),
    recall: of(
      'recall',
      rowsWith((place) => targets[place]!),
    ),
  };
}

/** Everything that is said about a model's labels for one part of a dataset. @throws LuthierError as answersOf */
export function labelsReport(options: EvaluateOptions<LabelsExample, LabelledItem>): LabelsReport {
  const { split, labels, rows, items, logits, settings, base } = options;
  if (rows.length === 0) throw noRows(split);
  const threshold = settings?.threshold ?? THRESHOLD;
  const answers = answersOf(items, logits, labels.length, threshold);
  const { add } = countsOf(answers);
  const tallied = (numbers: Iterable<number>): Tally => {
    const tally = empty(labels.length);
    for (const row of numbers) add(tally, row);
    return tally;
  };
  const all = tallied(rows.keys());
  const metrics = metricsOf(all);
  const f1Of = ({ right, support, predicted }: Tally) =>
    Object.fromEntries(labels.map((_, k) => [`${k}`, ratio(2 * right[k]!, support[k]! + predicted[k]!)]));
  const drawn = resampled<string>(rows.length, { ...f1Of(all), ...metrics }, (numbers) => {
    const tally = tallied(numbers);
    return { ...f1Of(tally), ...metricsOf(tally) };
  });
  const intervals = { ...drawn, ...knownEnds(answers, { ...f1Of(all), ...metrics }, drawn) };
  const namesAt = (values: Uint8Array, i: number) => labels.filter((_, k) => values[i * labels.length + k] === 1);
  const wrong = [...rows.keys()].filter((i) =>
    labels.some((_, k) => answers.targets[i * labels.length + k] !== answers.predicted[i * labels.length + k]),
  );
  wrong.sort((a, b) => answers.loss[b]! - answers.loss[a]!);
  return {
    task: 'multi_label_classification',
    split,
    n: rows.length,
    labels,
    threshold,
    tuned: options.tuned ?? false,
    metrics,
    intervals: {
      ...(Object.fromEntries(Object.keys(metrics).map((key) => [key, intervals[key]!])) as LabelsReport['intervals']),
      accuracy: clopperPearson(all.exact, rows.length),
    },
    per_class: labels.map((label, k) => ({
      label,
      ...classScores(all.right[k]!, all.support[k]!, all.predicted[k]!),
      ...{ right: all.right[k]!, predicted: all.predicted[k]! },
      f1_interval: all.support[k]! > 0 ? intervals[`${k}`]! : null,
    })),
    worst: wrong.slice(0, NUM_WORST).map((i): LabelsRow => {
      return {
        ...shownRow(rows[i]!, base),
        labels: namesAt(answers.targets, i),
        predicted: namesAt(answers.predicted, i),
        loss: answers.loss[i]!,
      };
    }),
  };
}

/** One report of the folds of a cross-validation, each with the threshold of its own model. */
export function pooledLabels(reports: readonly LabelsReport[]): LabelsReport {
  const first = reports[0]!;
  const n = reports.reduce((total, report) => total + report.n, 0);
  const mean = meanByRows(reports);
  const tally = empty(first.labels.length);
  for (const { per_class } of reports) {
    for (const [k, { right, support, predicted }] of per_class.entries()) {
      tally.right[k]! += right;
      tally.support[k]! += support;
      tally.predicted[k]! += predicted;
    }
  }
  tally.n = n;
  tally.loss = mean(({ metrics }) => metrics.loss) * n;
  tally.exact = mean(({ metrics }) => metrics.accuracy) * n;
  const metrics = metricsOf(tally);
  /** Around the pooled value, which is not quite the mean of the folds'. */
  const around = (
    value: number,
    of: (report: LabelsReport) => Part,
    intervalOf: typeof intervalOfMean = intervalOfShare,
  ): Interval | null => {
    const interval = intervalOf(reports.map(of));
    return interval && { low: Math.min(interval.low, value), high: Math.max(interval.high, value) };
  };
  const keys = Object.keys(first.metrics) as (keyof LabelsReport['intervals'])[];
  return {
    ...first,
    n,
    folds: reports.length,
    threshold: mean(({ threshold }) => threshold),
    metrics,
    intervals: {
      ...(Object.fromEntries(
        keys.map((key) => [
          key,
          around(
            metrics[key]!,
            (report) => ({
              value: report.metrics[key]!,
              weight: report.n,
              interval: report.intervals[key] ?? null,
            }),
            key === 'loss' ? intervalOfMean : intervalOfShare,
          ),
        ]),
      ) as LabelsReport['intervals']),
      accuracy: clopperPearson(Math.round(tally.exact), n),
    },
    per_class: first.labels.map((label, k) => {
      const scores = classScores(tally.right[k]!, tally.support[k]!, tally.predicted[k]!);
      const parts = (report: LabelsReport): Part => {
        const { f1, f1_interval, support } = report.per_class[k]!;
        return { value: f1 ?? 0, weight: support, interval: f1_interval };
      };
      return {
        label,
        ...scores,
        ...{ right: tally.right[k]!, predicted: tally.predicted[k]! },
        f1_interval: scores.f1 === null ? null : around(scores.f1, parts),
      };
    }),
    worst: reports
      .flatMap(({ worst }) => worst)
      .sort((a, b) => b.loss - a.loss)
      .slice(0, NUM_WORST),
  };
}
