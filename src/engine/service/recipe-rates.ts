import type { FoundRate, Note, RateChoice } from '../../protocol/index.ts';
import { checkText } from '../recipes/check-recipe-text.ts';
import { loadRecipe } from '../recipes/recipe.ts';
import { readRecipeText } from '../recipes/recipe-file.ts';
import { findRate } from '../train/find-rate.ts';
import { RANGE } from '../train/range-test.ts';

/** A range test of a recipe's file, with what writes each rate into its text. @throws LuthierError as findRate */
export async function findRatesFor(
  path: string,
  signal: AbortSignal,
  note: Note,
  onProgress: (done: number, total: number) => void,
): Promise<FoundRate & { choices: RateChoice[] }> {
  const { recipe, base } = await loadRecipe(path);
  const onPoint = ({ step }: { step: number }) => onProgress(step, RANGE.steps);
  const found = await findRate({ recipe, base, signal, note, onPoint });
  // As it is now: it may have been edited meanwhile.
  const { places } = checkText(await readRecipeText(path));
  const choices = (['steepest', 'tenth_of_lowest'] as const).flatMap((why): RateChoice[] => {
    const rate = found[why];
    return rate === null || places === null ? [] : [{ rate, why, edits: places.set(found.key.split('.'), rate) }];
  });
  return { ...found, choices };
}
