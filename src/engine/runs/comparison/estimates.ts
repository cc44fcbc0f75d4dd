import { inOneLine, LuthierError, type RunEstimate } from '../../../protocol/index.ts';
import type { LoadedRecipe } from '../../recipes/recipe.ts';
import { type Entry, leaveOut } from './entry.ts';

/** Keys that change nothing of what a run takes. */
const TIMELESS = [
  ...(['learning_rate', 'weight_decay', 'adam_beta1', 'adam_beta2', 'adam_epsilon', 'max_grad_norm'] as const),
  ...(['warmup_steps', 'lr_scheduler_type', 'cut_frac', 'ratio', 'label_smoothing_factor'] as const),
];

/** What two recipes have in common that take the same. */
const timeKey = ({ recipe }: LoadedRecipe): string =>
  JSON.stringify(Object.entries(recipe).filter(([key]) => !(TIMELESS as readonly string[]).includes(key)));

/** What the candidates' runs would take; those that take the same are estimated once. */
export class Estimates {
  readonly #estimate: (loaded: LoadedRecipe) => Promise<RunEstimate>;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, Promise<RunEstimate>>();

  constructor(estimate: (loaded: LoadedRecipe) => Promise<RunEstimate>, signal: AbortSignal) {
    this.#estimate = estimate;
    this.#signal = signal;
  }

  /**
   * Gives each candidate its estimate, and leaves out those that there is none of.
   * @returns the first that could be made
   * @throws LuthierError what is wrong with every candidate; `cancelled`
   */
  async give(entries: readonly Entry[]): Promise<RunEstimate> {
    let problem: unknown;
    for (const entry of entries) {
      if (this.#signal.aborted) throw new LuthierError('cancelled', 'The comparison was interrupted before it began.');
      try {
        entry.estimate = await this.#of(entry.loaded);
      } catch (error) {
        if (!(error instanceof LuthierError)) throw error;
        problem ??= error;
        leaveOut(entry.candidate, inOneLine(error));
      }
    }
    const known = entries.find(({ estimate }) => estimate !== null)?.estimate;
    if (!known) throw problem;
    return known;
  }

  #of(loaded: LoadedRecipe): Promise<RunEstimate> {
    const key = timeKey(loaded);
    const known = this.#known.get(key) ?? this.#estimate(loaded);
    this.#known.set(key, known);
    return known;
  }
}
