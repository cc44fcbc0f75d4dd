import { readdir } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, posix, resolve } from 'node:path';
import { distance } from 'fastest-levenshtein';
import type { RecipeFix, RecipeProblem } from '../../protocol/index.ts';
import type { Places } from './check-recipe-text.ts';

const DATA_FILE = /\.(csv|tsv|jsonl|ndjson)$/i;

/**
 * The problem that a file which a recipe names is not there, in fewer words than the terminal needs, which does not show
 * the recipe; with those beside it that may be meant.
 * @param noun what was looked for: “template”
 * @param keys where the recipe names it
 * @param isOne of the names of such files
 */
export async function missingFile(
  noun: string,
  reference: string,
  keys: readonly PropertyKey[],
  { base, places }: { base: string; places: Places },
  isOne: RegExp = DATA_FILE,
): Promise<RecipeProblem> {
  const near = await filesBeside(resolve(base, reference), isOne);
  const path = (name: string) =>
    isAbsolute(reference) ? join(dirname(reference), name) : posix.join(dirname(reference).replaceAll('\\', '/'), name);
  const meant = near.find(({ isNear }) => isNear);
  const guess = meant === undefined ? '.' : `; did you mean ${JSON.stringify(path(meant.name))}?`;
  const fixes = near.map(
    ({ name, isNear }): RecipeFix => ({ ...places.replace(keys, path(name)), ...(isNear && { preferred: true }) }),
  );
  return {
    ...{ severity: 'error', code: 'missing-file', message: `No ${noun} "${reference}" found${guess}` },
    ...{ hint: 'Paths are relative to the recipe’s folder.', ...places.value(keys), fixes, choices: [] },
  };
}

/** Files beside the missing one, the nearest first; of that, whether it is near enough to be meant. */
async function filesBeside(file: string, isOne: RegExp): Promise<{ name: string; isNear: boolean }[]> {
  const wanted = basename(file);
  const names = (await readdir(dirname(file)).catch(() => [])).filter((name) => isOne.test(name));
  const sorted = names.sort((a, b) => distance(a, wanted) - distance(b, wanted)).slice(0, 5);
  const isNear = (name: string) => distance(name, wanted) <= Math.max(2, wanted.length / 3);
  return sorted.map((name, i) => ({ name, isNear: i === 0 && isNear(name) }));
}
