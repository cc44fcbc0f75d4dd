import { type ClassificationMetric, FEWEST_ROWS_FOR_INTERVALS, type Interval } from '../../protocol/index.ts';
import { Random } from '../data/random.ts';
import type { Predictions } from './predictions.ts';
import { averageScores, Tally } from './tally.ts';

/** Two-sided 95 %. */
const TAIL = 0.025;
const RESAMPLES = 1000;
/** Percentiles of fewer resamples are rougher, but an interval over so many rows is narrow anyway, and time counts. */
const MANY_ROWS = 20_000;
const RESAMPLES_OF_MANY = 200;
/** Fixed, so that the same predictions always have the same intervals. */
const SEED = 20260101;

/**
 * 95 % intervals of every metric: accuracy's is exact; those of F1 and MCC come from a posterior over the confusion
 * matrix, those of loss and calibration error from a bootstrap. All but accuracy's are null below ten rows. Each is
 * widened to hold the value itself where it would not. The same predictions have the same intervals.
 */
export function intervalsOf(
  predictions: Predictions,
  confusion: readonly (readonly number[])[],
  values: Record<ClassificationMetric, number>,
): Record<ClassificationMetric, Interval | null> {
  const { n } = predictions;
  const hits = confusion.reduce((sum, row, k) => sum + row[k]!, 0);
  const accuracy = clopperPearson(hits, n);
  if (n < FEWEST_ROWS_FOR_INTERVALS) {
    return { accuracy, loss: null, f1_macro: null, f1_weighted: null, mcc: null, ece: null };
  }
  const others = { ...bootstrap(predictions), ...posterior(confusion) };
  for (const [key, { low, high }] of Object.entries(others) as [keyof typeof others, Interval][]) {
    others[key] = { low: Math.min(low, values[key]), high: Math.max(high, values[key]) };
  }
  return { accuracy, ...others };
}

/**
 * Exact 95 % interval of a share (Clopper and Pearson 1934; scipy's `binomtest(...).proportion_ci(method='exact')`): it
 * holds the true share in at least 95 of 100 cases whatever that is, where Wilson's holds 0.5 in 87 with four rows.
 * @param hits of n rows, n at least 1.
 */
export function clopperPearson(hits: number, n: number): Interval {
  return {
    low: hits === 0 ? 0 : betaQuantile(TAIL, hits, n - hits + 1),
    high: hits === n ? 1 : betaQuantile(1 - TAIL, hits + 1, n - hits),
  };
}

const isAllOrNone = (value: number): boolean => value === 0 || value === 1;

/**
 * The interval of a share or an F1 that was made by resampling. Where all rows are right, or none, so are those of every
 * resample, which then know nothing else; the interval is Clopper and Pearson's of so many rows of which all are right, or
 * none, as if what is wrong in a row were all of it.
 * @param rows that have something that counts for the value; where there is none, nothing is changed
 */
export function ofAllOrNone(value: number, rows: number, interval: Interval | null): Interval | null {
  if (interval === null || rows === 0 || !isAllOrNone(value)) return interval;
  return clopperPearson(value * rows, rows);
}

const OF_CONFUSION = ['f1_macro', 'f1_weighted', 'mcc'] as const;

/**
 * 95 % intervals of macro F1, weighted F1 and MCC, from posteriors over the confusion matrix (for F1 Goutte and
 * Gaussier 2005; Caelen 2017, "A Bayesian interpretation of the confusion matrix"). Unlike a bootstrap, which at a
 * perfect score knows nothing but a perfect score, they leave room for errors that so few rows did not show. No single
 * prior is right for two rows a class, so that the two ends have one each: in addition to the rows seen, the lower end
 * has `PRIOR_ROWS` that are wrong, the upper end as many that are right (the imprecise Dirichlet model, Walley 1996,
 * whose s this is; for a single share and s = 1 that is Clopper and Pearson's interval), spread evenly over the classes.
 */
export function posterior(confusion: readonly (readonly number[])[]): Record<(typeof OF_CONFUSION)[number], Interval> {
  const low = draws(confusion, PRIOR_ROWS, 0);
  const high = draws(confusion, 0, PRIOR_ROWS);
  const ends = OF_CONFUSION.map((key) => [
    key,
    { low: percentile(low[key].sort(), TAIL), high: percentile(high[key].sort(), 1 - TAIL) },
  ]);
  return Object.fromEntries(ends);
}

/** Metrics of confusion matrices drawn from the posterior with so many more rows answered wrongly and rightly. */
function draws(
  confusion: readonly (readonly number[])[],
  wrong: number,
  right: number,
): Record<(typeof OF_CONFUSION)[number], Float64Array> {
  const support = confusion.map((row) => row.reduce((a, b) => a + b, 0));
  const predicted = confusion.map((_, k) => confusion.reduce((sum, row) => sum + row[k]!, 0));
  const n = support.reduce((a, b) => a + b, 0);
  // Classes that neither occur nor are predicted are not averaged over, as in the value itself.
  const seen = support.flatMap((rows, k) => (rows + predicted[k]! > 0 ? [k] : []));
  const errors = seen.map((i) => seen.flatMap((j) => (j !== i && confusion[i]![j]! > 0 ? [j] : [])));
  const share = 1 / seen.length;
  const random = new Random(SEED, 1);
  const size = n > MANY_ROWS ? RESAMPLES_OF_MANY : RESAMPLES;
  const samples = {
    f1_macro: new Float64Array(size),
    f1_weighted: new Float64Array(size),
    mcc: new Float64Array(size),
  };
  const zeros = () => new Float64Array(confusion.length);
  const drawn = { support: zeros(), predicted: zeros(), hits: zeros() };
  for (let draw = 0; draw < size; draw++) {
    for (const array of Object.values(drawn)) array.fill(0);
    let everywhere = 0;
    let total = 0;
    for (const [at, i] of seen.entries()) {
      const hits = gamma(random, confusion[i]![i]! + right * share);
      drawn.hits[i] = hits;
      drawn.predicted[i]! += hits;
      let rows = hits;
      for (const j of errors[at]!) {
        const missed = gamma(random, confusion[i]![j]!);
        drawn.predicted[j]! += missed;
        rows += missed;
      }
      // An error that was not seen may be any other class.
      const unseen = seen.length > 1 ? gamma(random, wrong * share) : 0;
      const each = unseen / (seen.length - 1 || 1);
      everywhere += each;
      drawn.predicted[i]! -= each;
      drawn.support[i] = rows + unseen;
      total += rows + unseen;
    }
    for (const k of seen) drawn.predicted[k]! += everywhere;
    for (const array of Object.values(drawn)) for (const k of seen) array[k]! /= total;
    const scores = averageScores(drawn);
    for (const key of OF_CONFUSION) samples[key][draw] = scores[key];
  }
  return samples;
}

/** Rows that the prior counts for. */
const PRIOR_ROWS = 2;

/** The 2.5th and 97.5th percentile of loss and calibration error over resamples of the rows (Efron 1979). */
function bootstrap(predictions: Predictions): Record<'loss' | 'ece', Interval> {
  const { n } = predictions;
  const random = new Random(SEED);
  const tally = new Tally(predictions);
  const resamples = n > MANY_ROWS ? RESAMPLES_OF_MANY : RESAMPLES;
  const loss = new Float64Array(resamples);
  const ece = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    tally.reset();
    // Random.below without its exactness: a row is favoured by n/2³² at most, and a million draws take half the time.
    for (let i = 0; i < n; i++) tally.add(Math.floor((random.next() / 2 ** 32) * n));
    const metrics = tally.metrics();
    loss[r] = metrics.loss;
    ece[r] = metrics.ece;
  }
  return { loss: middle(loss), ece: middle(ece) };
}

/**
 * 95 % intervals of figures over resamples of n rows (Efron 1979), widened to hold the value; null below ten rows.
 * @param measure the figures of some rows, by their numbers, each as often as it is drawn
 */
export function resampled<Key extends string>(
  n: number,
  values: Readonly<Record<Key, number>>,
  measure: (rows: Uint32Array) => Readonly<Record<Key, number>>,
): Record<Key, Interval | null> {
  const keys = Object.keys(values) as Key[];
  const intervals = Object.fromEntries(keys.map((key) => [key, null])) as Record<Key, Interval | null>;
  if (n < FEWEST_ROWS_FOR_INTERVALS) return intervals;
  const random = new Random(SEED);
  const resamples = n > MANY_ROWS ? RESAMPLES_OF_MANY : RESAMPLES;
  const drawn = new Map(keys.map((key) => [key, new Float64Array(resamples)]));
  const rows = new Uint32Array(n);
  for (let r = 0; r < resamples; r++) {
    for (let i = 0; i < n; i++) rows[i] = Math.floor((random.next() / 2 ** 32) * n);
    const measured = measure(rows);
    for (const key of keys) drawn.get(key)![r] = measured[key];
  }
  for (const key of keys) {
    const { low, high } = middle(drawn.get(key)!);
    intervals[key] = { low: Math.min(low, values[key]), high: Math.max(high, values[key]) };
  }
  return intervals;
}

const middle = (samples: ArrayLike<number>): Interval => {
  const sorted = Float64Array.from(samples).sort();
  return { low: percentile(sorted, TAIL), high: percentile(sorted, 1 - TAIL) };
};

/** Linear interpolation between order statistics, as numpy's default. */
function percentile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (at - below) * (high - low);
}

/** Gamma(shape, 1) by Marsaglia and Tsang 2000; below 1 from shape + 1, as they say; 0 for none. */
function gamma(random: Random, shape: number): number {
  if (shape === 0) return 0;
  if (shape < 1) return gamma(random, shape + 1) * (1 - random.float()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.float()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Box and Muller 1958. */
const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());

/** x with I_x(a, b) = p, by bisection: 60 halvings leave no digit open. */
function betaQuantile(p: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 60; i++) {
    const x = (low + high) / 2;
    if (regularizedBeta(x, a, b) < p) low = x;
    else high = x;
  }
  return (low + high) / 2;
}

/** I_x(a, b): its continued fraction by Lentz's method (Press et al. 2007, Numerical Recipes, section 6.4). */
function regularizedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges quickly on this side of the mean.
  if (x > (a + 1) / (a + b + 2)) return 1 - regularizedBeta(1 - x, b, a);
  const TINY = 1e-300;
  const safe = (value: number) => (Math.abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / safe(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / safe(1 + even * d);
    c = safe(1 + even / c);
    fraction *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / safe(1 + odd * d);
    c = safe(1 + odd / c);
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  const log = logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x);
  return (Math.exp(log) * fraction) / a;
}

/** ln Γ(x) for x > 0: Stirling's series, after raising x to 10 or more; exact to 14 digits or so. */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  while (z < 10) shift += Math.log(z++);
  const r = 1 / (z * z);
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r / 1680))) / z;
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - shift;
}

/** A part of the rows that a figure is about, and how much of it the part is. */
export interface Part {
  value: number;
  weight: number;
  interval: Interval | null;
}

/**
 * The 95 % interval of a weighted mean of parts that are independent of each other, as a cross-validation's folds are:
 * their errors add up as squares do. Null where a part has none.
 */
export function intervalOfMean(parts: readonly Part[]): Interval | null {
  const whole = parts.reduce((sum, { weight }) => sum + weight, 0);
  if (whole === 0) return null;
  let [value, below, above] = [0, 0, 0];
  for (const part of parts) {
    if (part.interval === null) return null;
    const share = part.weight / whole;
    value += share * part.value;
    below += (share * (part.value - part.interval.low)) ** 2;
    above += (share * (part.interval.high - part.value)) ** 2;
  }
  return { low: value - Math.sqrt(below), high: value + Math.sqrt(above) };
}

/**
 * The same of a share or an F1. Parts that are all right, or of which none is, are together as many rows as they are: each
 * for itself is much less sure, so that beside others they add nothing to the width.
 */
export function intervalOfShare(parts: readonly Part[]): Interval | null {
  const some = parts.filter(({ weight }) => weight > 0);
  const [first] = some;
  if (first === undefined || !isAllOrNone(first.value) || some.some(({ value }) => value !== first.value)) {
    const sure = ({ value, interval }: Part) => interval && { low: value, high: value };
    return intervalOfMean(parts.map((part) => (isAllOrNone(part.value) ? { ...part, interval: sure(part) } : part)));
  }
  let rows = 0;
  for (const { interval } of some) {
    if (interval === null) return null;
    const end = first.value === 1 ? interval.low : 1 - interval.high;
    // What `ofAllOrNone` has made the interval of; a part in which nothing counts has no width, and adds none.
    if (end < 1) rows += Math.log(TAIL) / Math.log(end);
  }
  if (rows === 0) return intervalOfMean(parts);
  const far = TAIL ** (1 / rows);
  return first.value === 1 ? { low: far, high: 1 } : { low: 0, high: 1 - far };
}
