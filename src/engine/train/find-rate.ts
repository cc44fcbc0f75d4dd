import {
  type FoundRate,
  LuthierError,
  type Note,
  type RatePoint,
  type Recipe,
  rateOf,
  ratePath,
} from '../../protocol/index.ts';
import { RANGE, rangeTest, suggestRates } from './range-test.ts';
import { createTrainer } from './trainer.ts';

export interface FindRateOptions {
  /** Complete, with absolute paths. */
  recipe: Recipe;
  base: string;
  signal: AbortSignal;
  note: Note;
  onPoint?: (point: RatePoint) => void;
}

/**
 * Finds a learning rate for a recipe, whose model, rows and strategy are as they would be in a run; nothing is kept of the
 * training.
 * @throws LuthierError as a run does before its start; `usage` for a strategy that has no rate
 */
export async function findRate({ recipe, base, signal, note, onPoint }: FindRateOptions): Promise<FoundRate> {
  const rate = rateOf(recipe);
  if (rate === null)
    throw new LuthierError(
      'usage',
      'This recipe’s classifier is solved to its end, which takes no learning rate.',
      'Choose another strategy, or remove "solver": "lbfgs".',
    );
  const { search: _, ...one } = recipe;
  const trainer = await createTrainer({
    recipe: { ...one, max_steps: RANGE.steps },
    base,
    note,
    skipsPretraining: true,
  });
  try {
    const { points, end } = await rangeTest(trainer, { signal, ...(onPoint && { onPoint }) });
    return { key: ratePath(rate), points, end, ...suggestRates(points) };
  } finally {
    trainer.dispose();
  }
}
