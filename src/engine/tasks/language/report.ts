import {
  FEWEST_ROWS_FOR_INTERVALS,
  type Interval,
  type LanguageReport,
  type LanguageRow,
  largest,
  smallest,
} from '../../../protocol/index.ts';
import { Random } from '../../data/random.ts';
import type { TaskRow } from '../../data/types.ts';
import { noRows, notFinite } from '../../evaluate/errors.ts';
import { intervalOfMean } from '../../evaluate/intervals.ts';
import { fileShown } from '../../evaluate/report.ts';
import { type EvaluateOptions, IGNORED } from '../task.ts';
import type { LanguageItem } from './items.ts';

/** Rows that are kept to be shown, those with the highest loss. */
const NUM_WORST = 50;
/** Tokens of each of them that are shown. */
const SHOWN_TOKENS = 400;
const BARS = 20;
const RESAMPLES = 1000;
const MANY = 20_000;
const RESAMPLES_OF_MANY = 200;
const TAIL = 0.025;
/** Fixed, so that the same answers always have the same intervals. */
const SEED = 20260101;

const NONE = new Float32Array();

/** What is summed of a row; sums of these give every metric. */
type Counts = LanguageReport['counts'];
const FIELDS = ['tokens', 'loss', 'bytes', 'text_loss'] as const;

type Figures = { perplexity: number; loss: number; bits_per_byte?: number };

/**
 * In nats a token, in bits a byte of what was written: tokens that end a text are not. Where nothing else is learnt,
 * there is no byte to measure.
 */
const metricsFrom = ({ tokens, loss, bytes, text_loss }: Counts): Figures => ({
  perplexity: Math.exp(loss / tokens),
  ...(bytes > 0 && { bits_per_byte: text_loss / bytes / Math.LN2 }),
  loss: loss / tokens,
});

type MetricName = 'perplexity' | 'bits_per_byte' | 'loss';
const METRICS = {
  'text-generation': ['perplexity', 'bits_per_byte', 'loss'],
  conversational: ['perplexity', 'loss'],
} as const satisfies Record<LanguageReport['task'], readonly MetricName[]>;

const taken = <T>(task: LanguageReport['task'], values: Partial<Record<MetricName, T>>) =>
  Object.fromEntries(METRICS[task].flatMap((key) => (values[key] === undefined ? [] : [[key, values[key]]])));

/**
 * How well a model foretells held-out rows, token by token.
 * @throws LuthierError `data-invalid` without rows, `loss-not-finite`
 */
export function languageReport(
  task: LanguageReport['task'],
  { split, rows, items, losses = NONE, base }: EvaluateOptions<TaskRow, LanguageItem>,
): LanguageReport {
  if (items.length === 0) throw noRows(split);
  const measured = new Map<number, Counts>();
  let at = 0;
  const starts = items.map((item) => {
    const counts = measured.get(item.row) ?? { tokens: 0, loss: 0, bytes: 0, text_loss: 0 };
    measured.set(item.row, counts);
    let last = 0;
    for (const [i, label] of item.labels.entries()) {
      if (label === IGNORED) continue;
      last = losses[at + i]!;
      if (!Number.isFinite(last)) throw notFinite(item.row, rows.length);
      counts.tokens++;
      counts.loss += last;
      counts.text_loss += last;
    }
    counts.bytes += item.bytes;
    if (item.ends) counts.text_loss -= last;
    const start = at;
    at += item.ids.length;
    return start;
  });
  const each = [...measured.values()];
  const total = sum(each);
  const metrics = metricsFrom(total);
  const order = [...measured].sort(([, a], [, b]) => b.loss / b.tokens - a.loss / a.tokens);
  const worst = order.slice(0, NUM_WORST).map(([row, { tokens, loss }]): LanguageRow => {
    const { file, line } = rows[row]!;
    const of = items.findIndex((item) => item.row === row);
    return {
      ...{ line, file: fileShown(file, base), tokens, loss: loss / tokens },
      pieces: piecesOf(items[of]!, losses.subarray(starts[of]!)),
    };
  });
  return {
    task,
    split,
    n: each.length,
    metrics: taken(task, metrics),
    intervals: taken(task, intervalsOf(each, metrics)),
    counts: total,
    spread: spreadOf(each),
    worst,
  } as LanguageReport;
}

/** The tokens around the first that is measured, those that no character ends with joined to what follows. */
function piecesOf(item: LanguageItem, losses: Float32Array): LanguageRow['pieces'] {
  const first = item.labels.findIndex((label) => label !== IGNORED);
  const from = Math.max(0, first + 1 - SHOWN_TOKENS / 4);
  const texts = item.pieces(from, from + SHOWN_TOKENS);
  const pieces: LanguageRow['pieces'] = [];
  let open: { losses: number[] } = { losses: [] };
  for (const [i, text] of texts.entries()) {
    const token = from + i;
    if (token > 0 && item.labels[token - 1] !== IGNORED) open.losses.push(losses[token - 1]!);
    if (text === '') continue;
    const loss = open.losses.length === 0 ? null : open.losses.reduce((a, b) => a + b) / open.losses.length;
    const last = pieces.at(-1);
    if (loss === null && last?.loss === null) last.text += text;
    else pieces.push({ text, loss });
    open = { losses: [] };
  }
  const [head] = pieces;
  // What is left out before it ends within a word.
  if (from > 0 && head?.loss === null) head.text = `…${head.text.replace(/^\S+(?=\s)/, '')}`;
  return pieces;
}

const sum = (all: readonly Counts[]): Counts => {
  const total: Counts = { tokens: 0, loss: 0, bytes: 0, text_loss: 0 };
  for (const counts of all) for (const key of FIELDS) total[key] += counts[key];
  return total;
};

/** Rows by their mean loss, in steps of a twentieth of where they lie. */
function spreadOf(each: readonly Counts[]): LanguageReport['spread'] {
  const means = each.map(({ loss, tokens }) => loss / tokens);
  const [low, high] = [smallest(means), largest(means)];
  const step = high > low ? (high - low) / BARS : 1;
  const rows = new Array<number>(high > low ? BARS : 1).fill(0);
  for (const mean of means) rows[Math.min(rows.length - 1, Math.floor((mean - low) / step))]!++;
  return { from: low, step, rows };
}

/** Percentiles over resamples of the rows (bootstrap), widened to hold the value; null below ten rows. */
function intervalsOf(each: readonly Counts[], metrics: Figures): Record<MetricName, Interval | null> {
  const n = each.length;
  if (n < FEWEST_ROWS_FOR_INTERVALS) return { perplexity: null, bits_per_byte: null, loss: null };
  const random = new Random(SEED);
  const columns = FIELDS.map((field) => Float64Array.from(each, (of) => of[field]));
  const drawn = Array.from({ length: n > MANY ? RESAMPLES_OF_MANY : RESAMPLES }, () => {
    const totals = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const row = random.below(n);
      for (let f = 0; f < totals.length; f++) totals[f]! += columns[f]![row]!;
    }
    return metricsFrom(Object.fromEntries(FIELDS.map((field, f) => [field, totals[f]!])) as Counts);
  });
  const interval = (key: MetricName): Interval | null => {
    const value = metrics[key];
    if (value === undefined) return null;
    const sorted = Float64Array.from(drawn.flatMap((values) => values[key] ?? [])).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
    return { low: Math.min(value, at(TAIL)), high: Math.max(value, at(1 - TAIL)) };
  };
  return { perplexity: interval('perplexity'), bits_per_byte: interval('bits_per_byte'), loss: interval('loss') };
}

/** One report of the folds of a cross-validation. */
export function pooledLanguage(reports: readonly LanguageReport[]): LanguageReport {
  const first = reports[0]!;
  const n = reports.reduce((total, report) => total + report.n, 0);
  const counts = sum(reports.map((report) => report.counts));
  const pooled = (key: 'loss' | 'bits_per_byte', weight: 'tokens' | 'bytes'): Interval | null =>
    intervalOfMean(
      reports.map(({ metrics, intervals, counts }) => ({
        value: (metrics as Partial<Record<MetricName, number>>)[key] ?? 0,
        weight: counts[weight],
        interval: (intervals as Partial<Record<MetricName, Interval | null>>)[key] ?? null,
      })),
    );
  const loss = pooled('loss', 'tokens');
  const rows = reports.flatMap(({ spread }) =>
    spread.rows.flatMap((count, i) =>
      Array.from({ length: count }, () => ({ ...counts, tokens: 1, loss: spread.from + (i + 0.5) * spread.step })),
    ),
  );
  return {
    ...first,
    n,
    folds: reports.length,
    metrics: taken(first.task, metricsFrom(counts)),
    intervals: taken(first.task, {
      // A mean's interval, on perplexity's scale.
      perplexity: loss && { low: Math.exp(loss.low), high: Math.exp(loss.high) },
      bits_per_byte: pooled('bits_per_byte', 'bytes'),
      loss,
    }),
    counts,
    spread: spreadOf(rows),
    worst: reports
      .flatMap(({ worst }) => worst)
      .sort((a, b) => b.loss - a.loss)
      .slice(0, NUM_WORST),
  } as LanguageReport;
}
