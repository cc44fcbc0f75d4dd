import type { MetricKey } from '../../protocol/index.ts';
import { Random } from '../data/random.ts';
import type { Predictions } from './predictions.ts';
import { Tally } from './tally.ts';

export interface Interval {
  low: number;
  high: number;
}

/** Φ⁻¹(0.975): two-sided 95 %. */
const Z = 1.959963984540054;
const RESAMPLES = 1000;
/** Percentiles of fewer resamples are rougher, but an interval over so many rows is narrow anyway, and time counts. */
const MANY_ROWS = 20_000;
const RESAMPLES_OF_MANY = 200;
/** Fixed, so that the same predictions always have the same intervals. */
const BOOTSTRAP_SEED = 20260101;

/**
 * 95 % Wilson score interval of a share (Wilson 1927; scipy's binomtest(...).proportion_ci(method='wilson')).
 * @param hits of n rows, n at least 1.
 */
export function wilson(hits: number, n: number): Interval {
  const share = hits / n;
  const centre = share + (Z * Z) / (2 * n);
  const spread = Z * Math.sqrt((share * (1 - share)) / n + (Z * Z) / (4 * n * n));
  const scale = 1 + (Z * Z) / n;
  return { low: Math.max(0, (centre - spread) / scale), high: Math.min(1, (centre + spread) / scale) };
}

/**
 * 95 % intervals of all metrics but accuracy: the 2.5th and 97.5th percentile over 1,000 resamples of the rows
 * (200 above 20,000 rows; Efron 1979), from a fixed seed. An interval is widened to hold `values` where it would not: resampling biases
 * expected calibration error upwards. null for all below two rows, which cannot be resampled.
 */
export function bootstrap(
  predictions: Predictions,
  values: Record<MetricKey, number>,
): Record<Exclude<MetricKey, 'accuracy'>, Interval | null> {
  const keys = ['loss', 'f1_macro', 'f1_weighted', 'mcc', 'ece'] as const;
  const intervals = { loss: null, f1_macro: null, f1_weighted: null, mcc: null, ece: null } as ReturnType<
    typeof bootstrap
  >;
  const { n } = predictions;
  if (n < 2) return intervals;
  const random = new Random(BOOTSTRAP_SEED);
  const tally = new Tally(predictions);
  const resamples = n > MANY_ROWS ? RESAMPLES_OF_MANY : RESAMPLES;
  const samples = keys.map(() => new Float64Array(resamples));
  for (let r = 0; r < resamples; r++) {
    tally.reset();
    // Random.below without its exactness: a row is favoured by n/2³² at most, and a million draws take half the time.
    for (let i = 0; i < n; i++) tally.add(Math.floor((random.next() / 2 ** 32) * n));
    const metrics = tally.metrics();
    keys.forEach((key, k) => {
      samples[k]![r] = metrics[key];
    });
  }
  keys.forEach((key, k) => {
    const sorted = samples[k]!.sort();
    intervals[key] = {
      low: Math.min(percentile(sorted, 0.025), values[key]),
      high: Math.max(percentile(sorted, 0.975), values[key]),
    };
  });
  return intervals;
}

/** Linear interpolation between order statistics, as numpy's default. */
function percentile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (at - below) * (high - low);
}
