import {
  type Candidate,
  type CandidateResult,
  type Choice,
  type Compared,
  candidateName,
  counted,
  formatInterval,
  formatMetric,
  largest,
  type MetricKey,
  metricName,
  metricOf,
} from '../../../protocol/index.ts';

export type Measured = Candidate & { result: CandidateResult };

export const isMeasured = (candidate: Candidate): candidate is Measured => candidate.result !== null;

/** The highest rung of candidates; 0 where there are none. */
export const lastRung = (candidates: readonly Candidate[]): number =>
  candidates.reduce((last, { rung }) => Math.max(last, rung?.rung ?? 0), 0);

const isLower = (metric: MetricKey): boolean => metricOf(metric)?.better === 'lower';

/** By its figure, and of equal ones by its time. */
export const isBetterCandidate = (metric: MetricKey, a: Measured, b: Measured): boolean =>
  a.result.value === b.result.value
    ? a.result.wall_s < b.result.wall_s
    : isLower(metric) !== a.result.value > b.result.value;

/**
 * Those that were measured on all rows that any was, and those that were stopped after fewer folds: figures of a part
 * of the rows cannot be compared with figures of all.
 */
export function comparable<T extends Measured>(measured: readonly T[]): { whole: T[]; partial: T[] } {
  const most = largest(measured, ({ result }) => result.n);
  const isPartial = ({ result }: T) => result.stopped && result.n < most;
  return { whole: measured.filter((other) => !isPartial(other)), partial: measured.filter(isPartial) };
}

/**
 * Of ways and models the fastest of those that cannot be told from the best: whose value lies within the 95 % interval
 * of the best one's. Of a search the best, since its candidates take about as long; with successive halving that of the
 * last rung. One that was measured on fewer rows than others takes no part. Null where none was measured.
 */
export function choose(compared: Compared, metric: MetricKey, candidates: readonly Candidate[]): Choice | null {
  const all = candidates.filter(isMeasured);
  const last = lastRung(all);
  const { whole: measured, partial } = comparable(all.filter(({ rung }) => (rung?.rung ?? 0) === last));
  if (measured.length === 0) return null;
  const lower = isLower(metric);
  const best = measured.reduce((found, other) => (isBetterCandidate(metric, other, found) ? other : found));
  const { low, high } = best.result;
  const isWithin = ({ result }: Measured) =>
    lower ? high !== null && result.value <= high : low !== null && result.value >= low;
  if (compared === 'search') {
    const others = measured.filter((candidate) => candidate !== best && isWithin(candidate)).length;
    const reason = [
      whyBest(metric, all, measured, best, others),
      ...doubts(metric, best, best, lower),
      ...asides(compared, best, partial),
    ].join(' ');
    return { candidate: candidates.indexOf(best), reason };
  }
  const chosen = measured
    .filter((candidate) => candidate === best || isWithin(candidate))
    .reduce((found, other) => (other.result.wall_s < found.result.wall_s ? other : found));
  const reason = [
    whyChosen(compared, metric, measured, best, chosen, partial.length === 0),
    ...doubts(metric, best, chosen, lower),
    ...asides(compared, best, partial),
  ].join(' ');
  return { candidate: candidates.indexOf(chosen), reason };
}

function whyChosen(
  compared: Compared,
  metric: MetricKey,
  measured: Measured[],
  best: Measured,
  chosen: Measured,
  isAll: boolean,
): string {
  const name = candidateName(compared, chosen);
  const value = ({ result }: Measured) => formatMetric(metric, result.value);
  const what = `${metricName(metric)} ${value(chosen)}`;
  if (measured.length === 1)
    return `${name}: ${what}, the only one that was measured${isAll ? '' : ` on ${counted(chosen.result.n, 'row')}`}.`;
  const interval = rangeOf(metric, best.result);
  if (chosen !== best) {
    const saved = ofTheTime(chosen.result.wall_s / best.result.wall_s);
    return `${name}: ${what}, within the interval of ${candidateName(compared, best)} (${value(best)}, ${interval}) ${saved}.`;
  }
  const fastest = measured.every(({ result }) => result.wall_s >= chosen.result.wall_s);
  if (fastest) return `${name}: ${what}, the best, and the fastest.`;
  if (interval === null) return `${name}: ${what}, the best; there are too few rows for intervals.`;
  return `${name}: ${what}, the best; no faster one comes within its interval (${interval}).`;
}

/** @param others those of the same rung within the interval of the best */
function whyBest(metric: MetricKey, all: Measured[], measured: Measured[], best: Measured, others: number): string {
  const name = candidateName('search', best);
  const what = `${metricName(metric)} ${formatMetric(metric, best.result.value)}`;
  const { rung } = best;
  if (rung && rung.rung < rung.rungs)
    return `${name}: ${what}, the best of ${counted(measured.length, 'candidate')} of rung ${rung.rung}; none was trained to the end.`;
  if (all.length === 1) return `${name}: ${what}, the only one that was measured.`;
  const of = rung ? `the best of ${all.length} trainings by successive halving` : `the best of ${all.length}`;
  if (others === 0) return `${name}: ${what}, ${of}.`;
  const range = rangeOf(metric, best.result);
  return `${name}: ${what}, ${of}; ${others === 1 ? 'another lies' : `${others} others lie`} within its interval (${range}), so on these rows they cannot be told apart.`;
}

/** What keeps the choice from being sure. */
function doubts(metric: MetricKey, best: Measured, chosen: Measured, lower: boolean): string[] {
  const found: string[] = [];
  const { majority, low } = best.result;
  if (!lower && majority !== null && (low ?? best.result.value) <= majority)
    found.push(
      `But always answering the most frequent class comes to ${formatMetric(metric, majority)}, which even the best can hardly be told from.`,
    );
  if (chosen.result.stopped) found.push('It was stopped early, and may come further with more time.');
  else if (best.result.stopped) found.push('The best was stopped early, and may come further with more time.');
  return found;
}

/** Who takes no part, since it ended after a part of the folds. */
const asides = (compared: Compared, best: Measured, partial: readonly Measured[]): string[] =>
  partial.map(
    (other) =>
      `${candidateName(compared, other)} was stopped after ${counted(other.result.n, 'row')}, where ${candidateName(compared, best)} was measured on ${best.result.n.toLocaleString('en')}, so its figure cannot be compared.`,
  );

/** `68.3 – 75.1 %`; null without an interval. */
export const rangeOf = (metric: MetricKey, { low, high }: Pick<CandidateResult, 'low' | 'high'>): string | null =>
  low === null || high === null ? null : formatInterval(metric, { low, high });

const PARTS = ['a third', 'a quarter', 'a fifth', 'a sixth', 'a seventh', 'an eighth', 'a ninth', 'a tenth'];

/** `at a tenth of the time`. */
export function ofTheTime(ratio: number): string {
  if (ratio > 0.95) return 'in as much time';
  if (ratio > 0.55) return `at ${Math.round(100 * ratio)} % of the time`;
  const parts = Math.round(1 / ratio);
  return parts === 2 ? 'at half the time' : `at ${PARTS[parts - 3] ?? `1/${parts}`} of the time`;
}
