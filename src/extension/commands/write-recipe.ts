import { join } from 'node:path';
import { listFolder } from '../../files/folders.ts';
import { uniqueName } from '../../files/names.ts';
import { writeFileAtomically } from '../../files/write-file.ts';
import type { RecipeInput } from '../../protocol/index.ts';
import { HostError } from '../errors.ts';
import { RECIPE_SUFFIX } from '../ids.ts';
import { recipeText } from '../recipes/suggest.ts';

/** The recipe as a file in the project folder, so that it can be read, edited and trained again, here or in a terminal. */
export async function writeRecipe(project: string, name: string, recipe: RecipeInput): Promise<string> {
  const taken = (await listFolder(project)).map((entry) => entry.name.replace(RECIPE_SUFFIX, ''));
  const path = join(project, `${uniqueName(name, taken)}${RECIPE_SUFFIX}`);
  try {
    await writeFileAtomically(path, recipeText(recipe));
  } catch (error) {
    throw new HostError(
      'not-writable',
      `The recipe could not be written to ${project}: ${(error as Error).message}`,
      'Open a folder that you can write to.',
    );
  }
  return path;
}
