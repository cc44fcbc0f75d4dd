import { formatMetric } from './metrics.ts';
import type { RatePath } from './recipe.ts';
import type { RecipeEdit } from './recipe-check.ts';

/** One step of a learning-rate range test. */
export interface RatePoint {
  step: number;
  learning_rate: number;
  loss: number;
  /** Exponential running mean of the losses up to here, its start corrected. */
  smoothed: number;
}

/** Rates that a test suggests; null where it was too short for them, or the loss never fell. */
export interface SuggestedRates {
  /** Where the smoothed loss falls fastest by the rate's logarithm. */
  steepest: number | null;
  /** A tenth of the rate at which it is lowest. */
  tenth_of_lowest: number | null;
}

/** What a range test of a recipe came to. */
export interface FoundRate extends SuggestedRates {
  /** Of the recipe, whose value it suggests. */
  key: RatePath;
  points: RatePoint[];
  /** Why it ended: all rates were tried, the loss rose, or somebody ended it. */
  end: 'done' | 'diverged' | 'interrupted';
}

/** A rate that is suggested, with what writes it into the recipe's text. */
export interface RateChoice {
  rate: number;
  why: keyof SuggestedRates;
  edits: RecipeEdit[];
}

/** Lines of the curve, and letters of its longest bar. */
const LINES = 25;
const WIDEST = 40;

/** The smoothed losses by rate, a line each. */
export function rateCurve(points: readonly RatePoint[]): string {
  const every = Math.max(1, Math.ceil(points.length / LINES));
  const shown = points.filter((_, at) => at % every === 0 || at === points.length - 1);
  const highest = shown.reduce((most, { smoothed }) => Math.max(most, smoothed), 0) || 1;
  const lines = shown.map(
    ({ learning_rate, smoothed }) =>
      `${learning_rate.toExponential(1).padStart(8)}  ${formatMetric('loss', smoothed).padStart(8)}  ${'━'.repeat(Math.max(1, Math.round((WIDEST * smoothed) / highest)))}`,
  );
  return ['    rate      loss', ...lines].join('\n');
}

/** What a test says in sentences, of which the first names the rate to begin with. */
export function rateSentences({ key, end, steepest, tenth_of_lowest }: Omit<FoundRate, 'points'>): string[] {
  const found = [
    ...(steepest === null ? [] : [`The loss falls fastest at ${steepest}: a good ${key} to begin with.`]),
    ...(tenth_of_lowest === null ? [] : [`A tenth of the rate with the lowest loss: ${tenth_of_lowest}.`]),
  ];
  const ended = {
    done: ['The loss did not diverge up to a rate of 1.'],
    diverged: [],
    interrupted: ['The test was interrupted: not all rates were tried.'],
  }[end];
  if (found.length > 0) return [...found, ...ended];
  return [
    'The loss did not fall at any of these rates, so none is suggested. More rows in a batch make its curve smoother.',
    ...ended,
  ];
}
