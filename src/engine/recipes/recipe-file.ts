import { readTextFile } from '../../files/text-file.ts';
import { LuthierError } from '../../protocol/index.ts';
import { isNestedDeeper } from '../hub/json-file.ts';

/** A recipe has three levels; what parses it calls itself for each. */
const MAX_DEPTH = 100;
/** Far above any recipe; a link to a device has no end. */
const MAX_BYTES = 1 << 20;

/** @throws LuthierError `recipe-invalid` when there is no such file or it cannot be read as UTF-8 text */
export async function readRecipeText(path: string): Promise<string> {
  const text = await readTextFile(path, {
    ...{ code: 'recipe-invalid', noun: 'a recipe', most: MAX_BYTES },
    hint: 'Name a recipe file, such as tickets.recipe.json.',
  });
  if (isNestedDeeper(text, MAX_DEPTH)) {
    throw new LuthierError(
      'recipe-invalid',
      `${path} is nested more than ${MAX_DEPTH} levels deep, so it is not a recipe.`,
    );
  }
  return text;
}
