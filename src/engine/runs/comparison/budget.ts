import { largest } from '../../../protocol/index.ts';

/** A run needs this long to begin and to end, whatever it trains: a share is no smaller while there is time. */
const LEAST_SHARE_S = 15;
/** Of a candidate's share: what measuring and writing it takes once it is asked to stop. */
const ENDING = { share: 0.1, least: 2, most: 60 };

/**
 * How many candidates fit into a budget, by what they are expected to take, the fastest first: those behind them would
 * only be begun.
 */
export function countFitting(estimates: readonly number[], budget: number | null): number {
  if (budget === null) return estimates.length;
  let used = 0;
  const over = estimates.findIndex((seconds) => {
    used += seconds;
    return used > budget;
  });
  return over === -1 ? estimates.length : over;
}

/**
 * Seconds that the next candidate may take. What is left is divided as the estimates are, so that what one does not use
 * goes to those after it, which are slower, and one that was expected wrongly does not take their time.
 * @param left seconds of the budget
 * @param estimates of the candidate and of those after it
 */
export function shareOf(left: number, estimates: readonly [number, ...number[]]): number {
  const all = estimates.reduce((sum, seconds) => sum + seconds, 0);
  return Math.min(left, Math.max((left * estimates[0]) / all, LEAST_SHARE_S));
}

/** A candidate is not expected to take less than this of its estimate, however fast those before it were. */
const LEAST_PACE = 0.5;

/**
 * Seconds that a candidate may take which was expected to take too long, once the others are done.
 * @param estimate what was expected before anything was trained
 * @param paces of those that are done: the time that each took over what was expected; none where that is not known
 */
export const expectedAfter = (estimate: number, paces: readonly number[]): number =>
  estimate * Math.max(LEAST_PACE, paces.length === 0 ? 1 : largest(paces));

/** Seconds before the end of a share at which a run is asked to stop, so that it is measured within it. */
export const endingOf = (share: number): number =>
  Math.min(share / 2, Math.max(ENDING.least, Math.min(ENDING.most, ENDING.share * share)));
