import { RECIPE_VERSION } from '../../protocol/index.ts';

type Written = Record<string, unknown>;

interface Refused {
  isNewer: boolean;
  problem: string;
  hint: string;
}

/**
 * What makes a recipe of each version one of the next. A key that is renamed, or whose default or meaning changes, gets
 * its step here together with a higher RECIPE_VERSION: a file that somebody keeps goes on meaning what it meant.
 */
const STEPS: Readonly<Record<number, (recipe: Written) => Written>> = {
  // 0.1 wrote no version. All of its keys mean the same today.
  1: (recipe) => recipe,
};

/**
 * A recipe as the current version writes it.
 * @param recipe of any version; one that does not say is 0.1's
 * @returns the sentence that refuses it where its version is newer, or none at all
 */
export function migrateRecipe(recipe: Written): { recipe: Written } | Refused {
  const { version: written = 1, ...rest } = recipe;
  if (typeof written !== 'number' || !Number.isInteger(written) || written < 1) {
    const problem = `"version" is ${JSON.stringify(written)} and must be a whole number from 1 to ${RECIPE_VERSION}.`;
    return { isNewer: false, problem, hint: `This version of Luthier writes ${RECIPE_VERSION}.` };
  }
  if (written > RECIPE_VERSION) {
    return {
      isNewer: true,
      problem: `the recipe was written by a newer version of Luthier ("version": ${written}; this one knows up to ${RECIPE_VERSION}).`,
      hint: 'Update Luthier.',
    };
  }
  let migrated: Written = rest;
  for (let version = written; version < RECIPE_VERSION; version++) migrated = STEPS[version]!(migrated);
  return { recipe: { version: RECIPE_VERSION, ...migrated } };
}
