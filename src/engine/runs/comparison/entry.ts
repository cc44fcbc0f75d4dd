import type { Candidate, RunEstimate } from '../../../protocol/index.ts';
import { type LoadedRecipe, resolveRecipe } from '../../recipes/recipe.ts';

/** A candidate with all that is needed to try it. */
export interface Entry {
  candidate: Candidate;
  loaded: LoadedRecipe;
  estimate: RunEstimate | null;
}

/** Candidates with their recipes complete; of a rung with the length that its candidates train for. */
export const entriesOf = (
  candidates: readonly Candidate[],
  { base, sets = [] }: { base: string; sets?: readonly string[] | undefined },
): Promise<Entry[]> =>
  Promise.all(
    candidates.map(async (candidate) => {
      const { recipe, rung } = candidate;
      const loaded = await resolveRecipe(recipe, base, [...sets, ...(rung ? [`${rung.key}=${rung.value}`] : [])]);
      return { candidate: structuredClone(candidate), loaded, estimate: null };
    }),
  );

/** Whether a comparison's file has this candidate. */
export const isSame = (a: Candidate, b: Candidate): boolean =>
  a.strategy === b.strategy &&
  a.model === b.model &&
  JSON.stringify([a.values, a.rung]) === JSON.stringify([b.values, b.rung]);

/** Keys that change nothing of what a run takes. */
const TIMELESS = [
  ...(['learning_rate', 'weight_decay', 'adam_beta1', 'adam_beta2', 'adam_epsilon', 'max_grad_norm'] as const),
  ...(['warmup_steps', 'lr_scheduler_type', 'cut_frac', 'ratio', 'label_smoothing_factor'] as const),
];

/** What two recipes have in common that take the same. */
export const timeKey = ({ recipe }: LoadedRecipe): string =>
  JSON.stringify(Object.entries(recipe).filter(([key]) => !(TIMELESS as readonly string[]).includes(key)));

export function leaveOut(candidate: Candidate, reason: string): void {
  Object.assign(candidate, { state: 'left-out', reason });
}

export function fail(candidate: Candidate, reason: string): void {
  Object.assign(candidate, { state: 'failed', reason });
}
