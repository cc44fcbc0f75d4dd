import { basename, dirname } from 'node:path';
import { readJson } from '../../files/json.ts';
import { type RecipeInput, type Search, taskNameOf, trainingData } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { HostError } from '../errors.ts';

type Searching = RecipeInput & { search: Partial<Search> };

/** A recipe that has a search; null for any other, and for a file that is none: what is wrong with it, the engine says. */
export async function searchingRecipe(path: string): Promise<Searching | null> {
  const recipe: unknown = await readJson(path).catch(() => null);
  const isSearch = typeof recipe === 'object' && recipe !== null && 'search' in recipe && recipe.search;
  return isSearch ? (recipe as Searching) : null;
}

/** Shows the page of a recipe's search and begins, or goes on where it was interrupted. */
export async function startSearch(luthier: Luthier, path: string, recipe: Searching): Promise<void> {
  const { dataset, problem_type, search, task = 'text-classification' } = recipe;
  await luthier.comparisons.compare({
    compared: 'search',
    data: basename(trainingData(dataset)),
    base: dirname(path),
    home: await luthier.homes.besideRecipe(path),
    task: taskNameOf({ task, problem_type }),
    ...{ columns: {}, rows: 0, models: [], sets: [], recipe: path },
    minutes: search.minutes ?? 0,
  });
}

/** @throws HostError where a recipe is to be one run and has a search */
export async function refuseSearch(path: string, what: string): Promise<void> {
  if ((await searchingRecipe(path)) === null) return;
  throw new HostError(
    'usage',
    `${basename(path)} has a search, which ${what} does not take.`,
    'Remove “search” from the recipe, or start it with Start Run.',
  );
}
