import { NotRegularError, readRegularFile, TooLargeError } from '../../files/regular-file.ts';
import { LuthierError } from '../../protocol/index.ts';
import { isNestedDeeper } from '../hub/json-file.ts';

/** A recipe has three levels; what parses it calls itself for each. */
const MAX_DEPTH = 100;
/** Far above any recipe; a link to a device has no end. */
const MAX_BYTES = 1 << 20;

/** @throws LuthierError `recipe-invalid` when there is no such file or it cannot be read as UTF-8 text */
export async function readTextFile(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readRegularFile(path, MAX_BYTES);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const why =
      error instanceof NotRegularError
        ? `is a ${error.kind}`
        : error instanceof TooLargeError
          ? `has ${error.size.toLocaleString('en')} bytes; a recipe has at most ${MAX_BYTES.toLocaleString('en')}`
          : code === 'ENOENT'
            ? 'does not exist'
            : `cannot be read (${code})`;
    throw new LuthierError('recipe-invalid', `${path} ${why}.`, 'Name a recipe file, such as tickets.recipe.json.', {
      cause: error,
    });
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new LuthierError('recipe-invalid', `${path} is not UTF-8 text.`, 'Save it as UTF-8.', { cause: error });
  }
  if (isNestedDeeper(text, MAX_DEPTH)) {
    throw new LuthierError(
      'recipe-invalid',
      `${path} is nested more than ${MAX_DEPTH} levels deep, so it is not a recipe.`,
    );
  }
  return text;
}
