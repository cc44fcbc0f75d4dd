import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../../files/errno.ts';
import { writeError } from '../../files/write-file.ts';
import { type Candidate, type Recipe, type Search, trainingData } from '../../protocol/index.ts';
import { type LoadedRecipe, readWritten } from '../recipes/recipe.ts';
import { requireModels } from '../runs/comparison/candidates.ts';
import { planSearch } from '../runs/comparison/search.ts';
import { runComparison } from './compare.ts';
import { trainCommand } from './findings.ts';
import { bold, EXIT, note, printJson } from './output.ts';
import { shortPath } from './run-names.ts';

const ENDING = '.recipe.json';

interface SearchOptions {
  /** Writes the best recipe beside the one that searches. */
  write?: boolean;
  json?: boolean;
}

/**
 * Tries the values of a recipe's search and says which are the best; with `--write` they become a recipe beside it.
 * @param sets `key=value`, as the recipe was loaded with
 * @returns the exit code
 */
export async function searchRecipe(
  { recipe, base, path }: LoadedRecipe,
  search: Search,
  sets: readonly string[],
  { json = false, write = false }: SearchOptions,
): Promise<number> {
  const written = await readWritten(path!, sets);
  const plan = planSearch(written, recipe, search);
  const { code, comparison } = await runComparison({
    ...{ compared: 'search', data: dataName(recipe), base, sets: [], json, search: plan, takesDone: write },
    budget_s: search.minutes === undefined ? null : 60 * search.minutes,
    candidates: async () => {
      const { candidates } = plan.first;
      await requireModels(
        { base },
        candidates.map(({ model }) => model),
      );
      return { candidates, rows: null };
    },
  });
  const { choice, candidates } = comparison;
  if (code !== EXIT.done || choice === null) return code;
  const file = basename(path!);
  if (!write) {
    if (!json)
      note(`To write it into a recipe: ${trainCommand({ recipe_path: path, sets: [...sets] }, shortPath)} --write`);
    return code;
  }
  const best = await writeBest(
    candidates[choice.candidate]!,
    join(dirname(path!), `${file.replace(/(\.recipe)?\.json$/, '')}-best`),
  );
  if (json) printJson({ event: 'written', recipe: best });
  else note(`Recipe: ${bold(shortPath(best))}`);
  return code;
}

/** What the rows are called: their file, or the dataset's name. */
const dataName = ({ dataset }: Recipe): string => basename(trainingData(dataset));

/** Writes the chosen recipe; a file that is there is left, and the next name taken. @throws LuthierError `not-writable` */
async function writeBest({ recipe }: Candidate, stem: string): Promise<string> {
  const text = `${JSON.stringify(recipe, null, 2)}\n`;
  for (let count = 1; ; count++) {
    const path = `${stem}${count === 1 ? '' : `-${count}`}${ENDING}`;
    try {
      await writeFile(path, text, { flag: 'wx' });
      return path;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw writeError(path, error);
    }
  }
}
