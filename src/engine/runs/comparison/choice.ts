import {
  type Candidate,
  type CandidateResult,
  type Choice,
  type Compared,
  candidateName,
  type MetricKey,
  metricName,
  metricOf,
} from '../../../protocol/index.ts';
import { metricValue } from '../../evaluate/format.ts';

type Measured = Candidate & { result: CandidateResult };

/**
 * The fastest of those that cannot be told from the best: whose value lies within the 95 % interval of the best one's.
 * Null where none was measured.
 */
export function choose(compared: Compared, metric: MetricKey, candidates: readonly Candidate[]): Choice | null {
  const measured = candidates.filter((candidate): candidate is Measured => candidate.result !== null);
  if (measured.length === 0) return null;
  const lower = metricOf(metric)?.better === 'lower';
  const isBetter = (a: Measured, b: Measured) =>
    a.result.value === b.result.value ? a.result.wall_s < b.result.wall_s : lower !== a.result.value > b.result.value;
  const best = measured.reduce((found, other) => (isBetter(other, found) ? other : found));
  const { low, high } = best.result;
  const isWithin = ({ result }: Measured) =>
    lower ? high !== null && result.value <= high : low !== null && result.value >= low;
  const chosen = measured
    .filter((candidate) => candidate === best || isWithin(candidate))
    .reduce((found, other) => (other.result.wall_s < found.result.wall_s ? other : found));
  const reason = [whyChosen(compared, metric, measured, best, chosen), ...doubts(metric, best, chosen, lower)].join(
    ' ',
  );
  return { candidate: candidates.indexOf(chosen), reason };
}

function whyChosen(
  compared: Compared,
  metric: MetricKey,
  measured: Measured[],
  best: Measured,
  chosen: Measured,
): string {
  const name = candidateName(compared, chosen);
  const value = ({ result }: Measured) => metricValue(metric, result.value);
  const what = `${metricName(metric)} ${value(chosen)}`;
  if (measured.length === 1) return `${name}: ${what}, the only one that was measured.`;
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

/** What keeps the choice from being sure. */
function doubts(metric: MetricKey, best: Measured, chosen: Measured, lower: boolean): string[] {
  const found: string[] = [];
  const { majority, low } = best.result;
  if (!lower && majority !== null && (low ?? best.result.value) <= majority)
    found.push(
      `But always answering the most frequent class comes to ${metricValue(metric, majority)}, which even the best can hardly be told from.`,
    );
  if (chosen.result.stopped) found.push('It was stopped at its share of the time, and may come further with more.');
  else if (best.result.stopped)
    found.push('The best was stopped at its share of the time, and may come further with more.');
  return found;
}

/** `0.683 to 0.751`; null without an interval. */
export const rangeOf = (metric: MetricKey, { low, high }: Pick<CandidateResult, 'low' | 'high'>): string | null =>
  low === null || high === null ? null : `${metricValue(metric, low)} to ${metricValue(metric, high)}`;

const PARTS = ['a third', 'a quarter', 'a fifth', 'a sixth', 'a seventh', 'an eighth', 'a ninth', 'a tenth'];

/** `at a tenth of the time`. */
export function ofTheTime(ratio: number): string {
  if (ratio > 0.95) return 'in as much time';
  if (ratio > 0.55) return `at ${Math.round(100 * ratio)} % of the time`;
  const parts = Math.round(1 / ratio);
  return parts === 2 ? 'at half the time' : `at ${PARTS[parts - 3] ?? `1/${parts}`} of the time`;
}
