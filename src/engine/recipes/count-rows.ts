import { stat } from 'node:fs/promises';
import { LuthierError, type RowCounts, taskNameOf, taskOf } from '../../protocol/index.ts';
import { loadDataset } from '../data/dataset.ts';
import { resolveDataset } from '../data/resolve.ts';
import { resolveModel } from '../hub/resolve.ts';
import type { AnyTask } from '../tasks/task.ts';
import { Tokenizer } from '../text/tokenizer.ts';
import type { LoadedRecipe } from './recipe.ts';
import { learntOfRecipe } from './template.ts';

/** A larger file holds more rows than folds are suggested for: 300 of which a tenth is held out, of 10 kB each. */
const MOST_BYTES = 3_000_000;

/**
 * Rows that a run of a recipe would learn from and hold out, read as the run reads them. Null where that decides
 * nothing: for a task whose models write, for large files, and for data that cannot be read, of which the run says why.
 */
export async function countRows(
  { recipe, base }: Pick<LoadedRecipe, 'recipe' | 'base'>,
  { cacheFolder, signal }: { cacheFolder?: string | undefined; signal?: AbortSignal | undefined } = {},
): Promise<RowCounts | null> {
  const name = taskNameOf(recipe);
  if (taskOf(name).writes !== undefined) return null;
  try {
    const { parts } = await resolveDataset(recipe.dataset, base);
    for (const part of [parts.train, parts.validation])
      if (part && (await stat(part.file)).size > MOST_BYTES) return null;
    const { task } = await learntOfRecipe(recipe, undefined, {
      tokenizer: async () => Tokenizer.load((await resolveModel(recipe.model, { base, cacheFolder })).path),
      load: read,
    });
    const { train, validation } = await read(task);
    return { task: name, rows: train.length + validation.length, validation_rows: validation.length };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof LuthierError) return null;
    throw error;
  }

  function read(task: AnyTask) {
    return loadDataset(task, recipe.dataset, {
      base,
      columns: recipe.columns,
      encoding: recipe.encoding,
      validation_split: recipe.validation_split,
      seed: recipe.seed,
      weighted: 'class_weight' in recipe,
      signal,
    });
  }
}
