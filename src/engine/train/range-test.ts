import { setImmediate } from 'node:timers/promises';
import { type FoundRate, LuthierError, type RatePoint, type SuggestedRates } from '../../protocol/index.ts';
import type { Trainer } from './types.ts';

/** Steps of a range test at most, and the rates that it begins and ends with. */
export const RANGE = { steps: 100, first: 1e-7, last: 1 } as const;
/** Decay of the losses' running mean. */
const SMOOTHING = 0.98;
/** It ends where the smoothed loss is so many times the best one. */
const DIVERGED = 4;
/** Points at the beginning, where the mean is not settled, and at the end, where the loss rises, that suggest nothing. */
const SKIPPED = { first: 1 / 10, last: 5 };

export type RangeTest = Pick<FoundRate, 'points' | 'end'>;

/** Rate of the step with this 0-based number: each is the same factor above the last. */
export const rateAt = (step: number, { first, last, steps }: { first: number; last: number; steps: number } = RANGE) =>
  first * (last / first) ** (step / (steps - 1));

/**
 * Trains with rates that grow from step to step, and records the loss of each (Smith 2017, section 3.3); the trainer's
 * parameters are of no use afterwards. Smoothing and end are fastai's (LRFinder): a running mean with decay 0.98, and
 * four times its lowest value.
 * @param trainer before its first step, with as many steps as RANGE has
 * @throws LuthierError as a step does, but for a loss that is not finite, which ends the test
 */
export async function rangeTest(
  trainer: Trainer,
  { signal, onPoint }: { signal: AbortSignal; onPoint?: (point: RatePoint) => void },
): Promise<RangeTest> {
  const points: RatePoint[] = [];
  let mean = 0;
  let best = Number.POSITIVE_INFINITY;
  // Not by the optimiser's own count of steps, which leaves out those that float16 skipped.
  trainer.schedule = () => rateAt(points.length);
  while (points.length < RANGE.steps) {
    // A signal is heard between two steps.
    await setImmediate();
    if (signal.aborted) return { points, end: 'interrupted' };
    let done: Awaited<ReturnType<Trainer['trainStep']>>;
    try {
      done = await trainer.trainStep();
    } catch (error) {
      if (error instanceof LuthierError && error.code === 'loss-not-finite' && points.length > 0)
        return { points, end: 'diverged' };
      throw error;
    }
    if (!Number.isFinite(done.loss)) return { points, end: 'diverged' };
    mean = SMOOTHING * mean + (1 - SMOOTHING) * done.loss;
    const smoothed = mean / (1 - SMOOTHING ** (points.length + 1));
    const point = { step: done.step, learning_rate: done.learning_rate, loss: done.loss, smoothed };
    points.push(point);
    onPoint?.(point);
    if (smoothed > DIVERGED * best) return { points, end: 'diverged' };
    best = Math.min(best, smoothed);
  }
  return { points, end: 'done' };
}

/** What fastai's `steep` and `minimum` say of a test, to two digits. */
export function suggestRates(points: readonly RatePoint[]): SuggestedRates {
  const kept = points.slice(Math.floor(points.length * SKIPPED.first), Math.max(0, points.length - SKIPPED.last));
  if (kept.length < 3) return { steepest: null, tenth_of_lowest: null };
  let steepest: { slope: number; rate: number } | null = null;
  for (const [at, { learning_rate, smoothed }] of kept.slice(0, -1).entries()) {
    const next = kept[at + 1]!;
    const slope = (next.smoothed - smoothed) / Math.log(next.learning_rate / learning_rate);
    if (slope < 0 && (steepest === null || slope < steepest.slope)) steepest = { slope, rate: learning_rate };
  }
  const lowest = kept.reduce((a, b) => (b.smoothed < a.smoothed ? b : a));
  return {
    steepest: steepest && twoDigits(steepest.rate),
    // At the first point it never fell.
    tenth_of_lowest: lowest === kept[0] ? null : twoDigits(lowest.learning_rate / 10),
  };
}

const twoDigits = (rate: number): number => Number(rate.toPrecision(2));
