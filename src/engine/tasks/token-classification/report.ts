import {
  FEWEST_ROWS_FOR_INTERVALS,
  type Interval,
  type TaggedRow,
  type TagMistake,
  type TagReport,
} from '../../../protocol/index.ts';
import { Random } from '../../data/random.ts';
import { noRows, notFinite } from '../../evaluate/errors.ts';
import { intervalOfMean, intervalOfShare, ofAllOrNone } from '../../evaluate/intervals.ts';
import { fileShown } from '../../evaluate/report.ts';
import { classScores } from '../../evaluate/tally.ts';
import type { EvaluateOptions } from '../task.ts';
import type { TaggedItem } from './encode.ts';
import { type Sentence, textOf } from './rows.ts';
import { type Span, spansOf } from './spans.ts';

/** Sentences with errors that are kept, those with the highest loss. */
const NUM_ERRORS = 100;
const RESAMPLES = 1000;
const MANY = 20_000;
const RESAMPLES_OF_MANY = 200;
const TAIL = 0.025;
/** Fixed, so that the same answers always have the same intervals. */
const SEED = 20260101;

/** What is counted of a sentence; sums of these give every metric. */
export interface Counts {
  words: number;
  correct: number;
  /** Summed over the words that the model read. */
  loss: number;
  read: number;
  /** Spans: right ones, those that are there, those that were predicted. */
  right: number;
  gold: number;
  predicted: number;
}

type Metrics = TagReport['metrics'];
const KEYS = ['f1', 'precision', 'recall', 'accuracy', 'loss'] as const;

/** Micro-averaged over spans, as seqeval's default mode and conlleval.pl; accuracy over words; loss over words read. */
export function metricsFrom(counts: Counts): Metrics {
  const { right, gold, predicted } = counts;
  const ratio = (n: number, of: number) => (of === 0 ? 0 : n / of);
  return {
    f1: ratio(2 * right, gold + predicted),
    precision: ratio(right, predicted),
    recall: ratio(right, gold),
    accuracy: ratio(counts.correct, counts.words),
    loss: ratio(counts.loss, counts.read),
  };
}

const sum = (all: readonly Counts[]): Counts =>
  all.reduce(
    (total, counts) => {
      for (const key of Object.keys(total) as (keyof Counts)[]) total[key] += counts[key];
      return total;
    },
    { words: 0, correct: 0, loss: 0, read: 0, right: 0, gold: 0, predicted: 0 },
  );

/** Everything that is said about a model's tags for one part of a dataset. @throws LuthierError `data-invalid`, `loss-not-finite` */
export function tagReport(options: EvaluateOptions<Sentence, TaggedItem>): TagReport {
  const { split, labels, rows, base } = options;
  if (rows.length === 0) throw noRows(split, 'sentence');
  const answers = answersFrom(options);
  const types: Types = new Map();
  const ofType = (type: string) => {
    const known = types.get(type) ?? { right: 0, support: 0, predicted: 0 };
    types.set(type, known);
    return known;
  };
  const mistakes = new Map<string, TagMistake>();
  const errors: TaggedRow[] = [];
  const counts = rows.map((row, i): Counts => {
    const { tags, loss, read } = answers[i]!;
    const gold = spansOf(Array.from(row.tags, (tag) => labels[tag]!));
    const predicted = spansOf(tags.map((tag) => labels[tag]!));
    const right = gold.filter((span) => predicted.some((other) => isSame(span, other)));
    for (const { type } of gold) ofType(type).support++;
    for (const { type } of predicted) ofType(type).predicted++;
    for (const { type } of right) ofType(type).right++;
    const wrong = mistakesOf(gold, predicted);
    for (const mistake of wrong) {
      const key = JSON.stringify(mistake);
      const known = mistakes.get(key) ?? { ...mistake, n: 0 };
      known.n++;
      mistakes.set(key, known);
    }
    if (wrong.length > 0) {
      const place = placesIn(row.words);
      errors.push({
        line: row.line,
        file: fileShown(row.file, base),
        text: textOf(row),
        gold: gold.map(place),
        predicted: predicted.map(place),
        loss: read === 0 ? 0 : loss / read,
      });
    }
    const correct = tags.filter((tag, word) => tag === row.tags[word]).length;
    return {
      words: tags.length,
      correct,
      loss,
      read,
      right: right.length,
      gold: gold.length,
      predicted: predicted.length,
    };
  });
  const total = sum(counts);
  const metrics = metricsFrom(total);
  return {
    task: 'token-classification',
    split,
    n: rows.length,
    labels,
    metrics,
    intervals: intervalsOf(counts, metrics),
    counts: total,
    per_class: typeScores(types),
    mistakes: [...mistakes.values()].sort((a, b) => b.n - a.n),
    errors: errors.sort((a, b) => b.loss - a.loss).slice(0, NUM_ERRORS),
  };
}

/** Spans of each type: right ones, those that are there, those that were predicted. */
type Types = Map<string, { right: number; support: number; predicted: number }>;

const typeScores = (types: Types): TagReport['per_class'] =>
  [...types]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, { right, support, predicted }]) => ({
      label,
      ...classScores(right, support, predicted),
      ...{ right, predicted },
    }));

interface Answer {
  /** One for each word; words that no piece was made of have the first label, which nothing says anything of. */
  tags: number[];
  loss: number;
  read: number;
}

function answersFrom({ rows, items, logits, labels }: EvaluateOptions<Sentence, TaggedItem>): Answer[] {
  const width = labels.length;
  const outside = Math.max(0, labels.indexOf('O'));
  const answers = rows.map(({ words }): Answer => ({ tags: words.map(() => outside), loss: 0, read: 0 }));
  let at = 0;
  for (const { ids, words, row } of items) {
    const answer = answers[row]!;
    for (const [token, word] of words.entries()) {
      if (word < 0) continue;
      const from = at + token * width;
      let best = 0;
      for (let k = 1; k < width; k++) if (logits[from + k]! > logits[from + best]!) best = k;
      const max = logits[from + best]!;
      let exponentials = 0;
      for (let k = 0; k < width; k++) exponentials += Math.exp(logits[from + k]! - max);
      const loss = max + Math.log(exponentials) - logits[from + rows[row]!.tags[word]!]!;
      if (!Number.isFinite(loss)) throw notFinite(row, rows.length, 'sentence');
      answer.tags[word] = best;
      answer.loss += loss;
      answer.read++;
    }
    at += ids.length * width;
  }
  return answers;
}

const isSame = (a: Span, b: Span): boolean => a.type === b.type && a.start === b.start && a.end === b.end;
const overlap = (a: Span, b: Span): number => Math.min(a.end, b.end) - Math.max(a.start, b.start);

/** Each span that is not right, beside the one that lies over most of it: what was taken for what. */
function mistakesOf(gold: readonly Span[], predicted: readonly Span[]): Omit<TagMistake, 'n'>[] {
  const nearest = (span: Span, others: readonly Span[]): Span | undefined =>
    others.filter((other) => overlap(span, other) > 0).sort((a, b) => overlap(span, b) - overlap(span, a))[0];
  const missed = gold
    .filter((span) => !predicted.some((other) => isSame(span, other)))
    .map((span) => ({ actual: span.type, predicted: nearest(span, predicted)?.type ?? null }));
  const extra = predicted
    .filter((span) => nearest(span, gold) === undefined)
    .map((span) => ({ actual: null, predicted: span.type }));
  return [...missed, ...extra];
}

/** A span of words as a place in the sentence's text. */
function placesIn(words: readonly string[]): (span: Span) => Span {
  const starts = [0];
  for (const [i, word] of words.entries()) starts.push(starts[i]! + word.length + 1);
  return ({ type, start, end }) => ({ type, start: starts[start]!, end: starts[end]! - 1 });
}

/**
 * Percentiles over resamples of the sentences (bootstrap), widened to hold the value, save for shares of all or none; null
 * below ten sentences.
 */
function intervalsOf(counts: readonly Counts[], metrics: Metrics): TagReport['intervals'] {
  const n = counts.length;
  if (n < FEWEST_ROWS_FOR_INTERVALS) return { f1: null, precision: null, recall: null, accuracy: null, loss: null };
  const random = new Random(SEED);
  const fields = Object.keys(counts[0]!) as (keyof Counts)[];
  const columns = fields.map((field) => Float64Array.from(counts, (of) => of[field]));
  const drawn = Array.from({ length: n > MANY ? RESAMPLES_OF_MANY : RESAMPLES }, () => {
    const total = new Float64Array(fields.length);
    for (let i = 0; i < n; i++) {
      const row = random.below(n);
      for (let f = 0; f < total.length; f++) total[f]! += columns[f]![row]!;
    }
    return metricsFrom(Object.fromEntries(fields.map((field, f) => [field, total[f]!])) as unknown as Counts);
  });
  const interval = (key: (typeof KEYS)[number]): Interval => {
    const sorted = Float64Array.from(drawn, (values) => values[key]).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
    const found = { low: Math.min(metrics[key], at(TAIL)), high: Math.max(metrics[key], at(1 - TAIL)) };
    if (key === 'loss') return found;
    const counted = counts.filter((of) => WEIGHTS[key](of) > 0).length;
    return ofAllOrNone(metrics[key], counted, found)!;
  };
  return Object.fromEntries(KEYS.map((key) => [key, interval(key)])) as TagReport['intervals'];
}

/** How much of a figure's denominator a part has: each figure of all is then the weighted mean of the parts'. */
const WEIGHTS: Record<(typeof KEYS)[number], (counts: Counts) => number> = {
  f1: ({ gold, predicted }) => gold + predicted,
  precision: ({ predicted }) => predicted,
  recall: ({ gold }) => gold,
  accuracy: ({ words }) => words,
  loss: ({ read }) => read,
};

/** One report of the folds of a cross-validation, by all of their spans. */
export function pooledTags(reports: readonly TagReport[]): TagReport {
  const first = reports[0]!;
  const n = reports.reduce((total, report) => total + report.n, 0);
  const counts = sum(reports.map((report) => report.counts));
  const interval = (key: (typeof KEYS)[number]): Interval | null => {
    const parts = reports.map(({ counts, metrics, intervals }) => ({
      value: metrics[key],
      weight: WEIGHTS[key](counts),
      interval: intervals[key],
    }));
    return key === 'loss' ? intervalOfMean(parts) : intervalOfShare(parts);
  };
  const types: Types = new Map();
  const mistakes = new Map<string, TagMistake>();
  for (const report of reports) {
    for (const { label, right, support, predicted } of report.per_class) {
      const known = types.get(label) ?? { right: 0, support: 0, predicted: 0 };
      known.right += right;
      known.support += support;
      known.predicted += predicted;
      types.set(label, known);
    }
    for (const { n: count, ...mistake } of report.mistakes) {
      const key = JSON.stringify(mistake);
      mistakes.set(key, { ...mistake, n: (mistakes.get(key)?.n ?? 0) + count });
    }
  }
  return {
    ...first,
    n,
    folds: reports.length,
    metrics: metricsFrom(counts),
    intervals: Object.fromEntries(KEYS.map((key) => [key, interval(key)])) as TagReport['intervals'],
    counts,
    per_class: typeScores(types),
    mistakes: [...mistakes.values()].sort((a, b) => b.n - a.n),
    errors: reports
      .flatMap(({ errors }) => errors)
      .sort((a, b) => b.loss - a.loss)
      .slice(0, NUM_ERRORS),
  };
}
