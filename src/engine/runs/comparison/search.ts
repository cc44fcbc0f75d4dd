import type { Candidate, MetricKey, Recipe, Rung, Search } from '../../../protocol/index.ts';
import { checkRecipe } from '../../recipes/recipe.ts';
import { type RungSize, rungsOf, triedIn } from '../../recipes/search.ts';
import { searched } from './candidates.ts';
import { comparable, isBetterCandidate, isMeasured, lastRung, type Measured } from './choice.ts';
import { doesNotApply } from './entry.ts';

/** What is tried next, and of how much of the time that is left. */
export interface Round {
  candidates: Candidate[];
  /** 1 where all that is left is theirs. */
  share: number;
}

/** A recipe's search as a comparison works on it. */
export interface SearchPlan {
  search: Search;
  /** The first candidates. */
  first: Round;
  /** What is tried after those that are done; null where that is all. */
  next: (done: readonly Candidate[], metric: MetricKey) => Round | null;
  /** What to know before it begins. */
  notes: string[];
}

/**
 * The candidates of a search.
 * @param written the recipe as it is written, its search included
 * @param recipe the same, complete; `search` is its own
 */
export function planSearch(written: Record<string, unknown>, recipe: Recipe, search: Search): SearchPlan {
  const { search: _, ...rest } = written;
  const trials = triedIn(search, rest, recipe.seed, checkRecipe);
  const candidates = searched(written, recipe, trials);
  const wanted = search.trials;
  const notes = leftOut(search, candidates);
  if (wanted !== undefined && trials.length < wanted)
    notes.push(
      `There are only ${trials.length} different combinations of these values, so ${trials.length} are tried, not ${wanted}.`,
    );
  if (search.method !== 'halving') return { search, first: { candidates, share: 1 }, next: () => null, notes };
  const rungs = rungsOf(candidates.length);
  const round = (at: number, some: readonly Candidate[]): Round => ({
    candidates: some.map((candidate) => ({ ...candidate, rung: rungAt(at, rungs, recipe) })),
    // Each rung takes about as long: a third of the candidates, three times as long.
    share: 1 / (rungs.length - at),
  });
  return {
    search,
    first: round(0, candidates),
    next: (done, metric) => {
      const at = lastRung(done);
      const size = rungs[at];
      if (size === undefined) return null;
      const { whole, partial } = comparable(done.filter(isMeasured).filter(({ rung }) => rung?.rung === at));
      const better = (a: Measured, b: Measured) => (isBetterCandidate(metric, a, b) ? -1 : 1);
      const best = [...whole.sort(better), ...partial.sort(better)].slice(0, size.count);
      // In the order in which they were drawn, as all are tried.
      const names = new Set(best.map(({ title }) => title));
      return best.length === 0
        ? null
        : round(
            at,
            candidates.filter(({ title }) => names.has(title)),
          );
    },
    notes,
  };
}

/** A note for each key that some candidates' strategies do not have. */
const leftOut = ({ values }: Search, candidates: readonly Candidate[]): string[] =>
  Object.keys(values).flatMap((key) => {
    const without = candidates.filter((candidate) => !(key in candidate.values!));
    if (without.length === 0) return [];
    return [
      doesNotApply(
        key,
        without.map(({ strategy }) => strategy),
      ),
    ];
  });

/** How long candidates of a rung train: a share of what the recipe says, as epochs or as steps. */
function rungAt(at: number, rungs: readonly RungSize[], { max_steps, num_train_epochs }: Recipe): Rung {
  const { share } = rungs[at]!;
  const place = { rung: at + 1, rungs: rungs.length };
  if (max_steps > 0) return { ...place, key: 'max_steps', value: Math.max(1, Math.round(max_steps * share)) };
  return { ...place, key: 'num_train_epochs', value: Number((num_train_epochs * share).toPrecision(4)) };
}
