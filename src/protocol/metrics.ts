import type { Interval } from './evaluation.ts';
import { formatPercent, formatShares, formatSignificant, type WriteNumber } from './figures.ts';

/**
 * Every metric that a run or an evaluation can have, in the order in which they are listed: the only place that knows
 * their names, units and directions. Terminal, editor, pages, recipe and docs read it. Formulas: docs/evaluation.md.
 */
export interface MetricDefinition {
  readonly key: string;
  /** What people read, within a sentence. */
  readonly name: string;
  /** A share of one; the distance of two shares in percentage points; nats (of a regression's loss, its numbers squared); or a figure of a scale of its own. */
  readonly unit: 'share' | 'points' | 'nats' | 'score';
  readonly better: 'higher' | 'lower';
  /** How its interval is made: exactly, as that of a proportion, or by resampling, which says nothing of few rows. */
  readonly interval: 'proportion' | 'resampled' | null;
  /** Whether it stands where there is room for two or three, and in charts. */
  readonly headline?: true;
  /** What the Hugging Face hub calls it. */
  readonly hub?: string;
}

export const METRICS = [
  {
    key: 'accuracy',
    name: 'accuracy',
    unit: 'share',
    better: 'higher',
    interval: 'proportion',
    headline: true,
    hub: 'accuracy',
  },
  {
    key: 'f1_macro',
    name: 'macro F1',
    unit: 'share',
    better: 'higher',
    interval: 'resampled',
    headline: true,
    hub: 'f1',
  },
  {
    key: 'f1_micro',
    name: 'micro F1',
    unit: 'share',
    better: 'higher',
    interval: 'resampled',
    headline: true,
    hub: 'f1',
  },
  { key: 'f1_weighted', name: 'weighted F1', unit: 'share', better: 'higher', interval: 'resampled' },
  { key: 'mcc', name: 'MCC', unit: 'score', better: 'higher', interval: 'resampled', hub: 'matthews_correlation' },
  { key: 'f1', name: 'F1', unit: 'share', better: 'higher', interval: 'resampled', headline: true, hub: 'f1' },
  { key: 'precision', name: 'precision', unit: 'share', better: 'higher', interval: 'resampled', hub: 'precision' },
  { key: 'recall', name: 'recall', unit: 'share', better: 'higher', interval: 'resampled', hub: 'recall' },
  {
    key: 'pearson',
    name: 'Pearson correlation',
    unit: 'score',
    better: 'higher',
    interval: 'resampled',
    headline: true,
    hub: 'pearsonr',
  },
  {
    key: 'spearmanr',
    name: 'Spearman correlation',
    unit: 'score',
    better: 'higher',
    interval: 'resampled',
    headline: true,
    hub: 'spearmanr',
  },
  { key: 'mse', name: 'mean squared error', unit: 'score', better: 'lower', interval: 'resampled', hub: 'mse' },
  {
    key: 'perplexity',
    name: 'perplexity',
    unit: 'score',
    better: 'lower',
    interval: 'resampled',
    headline: true,
    hub: 'perplexity',
  },
  { key: 'bits_per_byte', name: 'bits per byte', unit: 'score', better: 'lower', interval: 'resampled' },
  { key: 'loss', name: 'loss', unit: 'nats', better: 'lower', interval: 'resampled', headline: true },
  { key: 'ece', name: 'calibration error', unit: 'points', better: 'lower', interval: 'resampled' },
] as const satisfies readonly MetricDefinition[];

export type MetricKey = (typeof METRICS)[number]['key'];

const BY_KEY: ReadonlyMap<string, MetricDefinition> = new Map(METRICS.map((metric) => [metric.key, metric]));

/** Undefined for what another version measured. */
export const metricOf = (key: string): MetricDefinition | undefined => BY_KEY.get(key);

/** What people read for a metric, within a sentence. */
export const metricName = (key: string): string => BY_KEY.get(key)?.name ?? key;

/** Keys of those that say most. */
export const HEADLINES: readonly MetricKey[] = METRICS.filter((metric) => 'headline' in metric).map(({ key }) => key);

/** Whether it is shown as a percentage. */
export const isPercentage = (key: string): boolean => {
  const unit = BY_KEY.get(key)?.unit;
  return unit === 'share' || unit === 'points';
};

/**
 * A metric as people read it, in tables, sentences, charts and files alike: shares as percentages (`77.0 %`), all others
 * in three significant digits (`0.213`), from 1,000 on as whole numbers; MCC runs from −1 to 1 and is no share.
 * @param write numbers, where they are not English
 */
export const formatMetric = (key: string, value: number, write?: WriteNumber): string =>
  isPercentage(key) ? formatPercent(value, undefined, write) : formatSignificant(value, 3, write);

/** An interval of a metric, its unit said once: `68.3 – 75.1 %`. */
export const formatInterval = (key: string, range: Interval, write?: WriteNumber): string =>
  isPercentage(key)
    ? formatShares(range, 1, write)
    : `${formatSignificant(range.low, 3, write)} – ${formatSignificant(range.high, 3, write)}`;

/** Whether nothing can be better: whatever is better where it is higher ends at 1. */
export const isBestPossible = (key: string, value: number | undefined): boolean =>
  BY_KEY.get(key)?.better === 'higher' && value !== undefined && value >= 1;

/** Those of some metrics that are there, in the table's order. */
export const measured = (
  metrics: Readonly<Record<string, unknown>>,
): readonly (MetricDefinition & { key: MetricKey })[] => METRICS.filter(({ key }) => typeof metrics[key] === 'number');
