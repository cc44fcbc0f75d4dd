import {
  type AnswerPart,
  type Comparison,
  type ComparisonAsked,
  LuthierError,
  type RecipeSource,
  type RunEstimate,
} from '../../protocol/index.ts';
import { loadRecipe, readWritten } from '../recipes/recipe.ts';
import { models, requireModels, ways } from '../runs/comparison/candidates.ts';
import { compare } from '../runs/comparison/compare.ts';
import { planSearch, type SearchPlan } from '../runs/comparison/search.ts';

/** A step may take a tenth of a second: that often a page need not hear of it. */
const TELL_MS = 250;

export interface RunComparisonOptions {
  cacheFolder: string | undefined;
  signal: AbortSignal;
  /** In a process of its own: it cuts texts and measures the machine. */
  estimate: (source: RecipeSource) => Promise<RunEstimate>;
  tell: (part: AnswerPart) => void;
  note: (message: string) => void;
}

/** A comparison as the editor asks for it. @throws LuthierError as compare */
export async function runComparison(
  {
    compared,
    models: names,
    minutes,
    task,
    columns,
    encoding,
    rows,
    classes,
    named,
    base,
    data,
    home,
    sets,
    recipe,
  }: ComparisonAsked,
  { cacheFolder, signal, estimate, tell, note }: RunComparisonOptions,
): Promise<Comparison> {
  const asked = { task, dataset: data, columns, encoding, rows, classes, named, base, cacheFolder };
  const search = compared === 'search' ? await searchOf(recipe ?? '', sets) : undefined;
  if (search)
    await requireModels(
      { base, cacheFolder },
      search.first.candidates.map(({ model }) => model),
    );
  const candidates = search
    ? search.first.candidates
    : compared === 'ways'
      ? await ways(asked, names[0] ?? '')
      : await models(asked, names);
  let now: Comparison | null = null;
  let told = 0;
  return compare({
    ...{ compared, candidates, data, base, home, signal, note, search },
    budget_s: minutes === 0 ? null : 60 * minutes,
    // Those of a search are in its candidates.
    sets: search ? [] : sets,
    rows: search ? null : asked,
    // What --set changes is in the recipe by now.
    estimate: ({ recipe: whole, base: folder }) => estimate({ recipe: whole, base: folder }),
    onChange: (comparison) => {
      now = comparison;
      tell({ type: 'comparison', comparison, share: 0 });
    },
    onProgress: ({ share }) => {
      if (now === null || Date.now() - told < TELL_MS) return;
      told = Date.now();
      tell({ type: 'comparison', comparison: now, share });
    },
  });
}

/** @throws LuthierError `recipe-invalid`; `usage` where the recipe has no search by now */
async function searchOf(path: string, sets: readonly string[]): Promise<SearchPlan> {
  const [{ recipe }, written] = await Promise.all([loadRecipe(path, sets), readWritten(path, sets)]);
  if (recipe.search === undefined)
    throw new LuthierError('usage', `${path} has no search.`, 'Add “search” to it, or start it as a run.');
  return planSearch(written, recipe, recipe.search);
}
