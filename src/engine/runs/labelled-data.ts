import { dirname, join } from 'node:path';
import type { RunRecord } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { loadDataset } from '../data/dataset.ts';
import { LABELLED } from '../data/labelled.ts';
import type { Example, TaskData } from '../data/types.ts';
import { taskOfRecipe } from '../recipes/template.ts';
import { Tokenizer } from '../text/tokenizer.ts';

/**
 * The rows of a text classification as its run read and split them, through its template where it had one.
 * @param labels of its model
 * @throws LuthierError as loadDataset
 */
export async function labelledDataOf(
  record: RunRecord,
  run: string,
  labels: readonly string[],
  signal?: AbortSignal,
): Promise<TaskData<Example>> {
  const { recipe, recipe_path, template } = record;
  const kind =
    template === undefined
      ? LABELLED
      : ((await taskOfRecipe(recipe, template, () => Tokenizer.load(join(run, FILES.model)))) as typeof LABELLED);
  return loadDataset(kind, recipe.dataset, {
    base: recipe_path === null ? run : dirname(recipe_path),
    columns: recipe.columns,
    encoding: recipe.encoding,
    validation_split: recipe.validation_split,
    seed: recipe.seed,
    labels,
    rules: record.data_rules ?? 1,
    signal,
  });
}
