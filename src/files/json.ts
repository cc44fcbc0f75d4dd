import { isMissing } from './errno.ts';
import { readOwnFile, readRegularFile } from './regular-file.ts';

/** Largest JSON file that is read whole. */
const MAX_BYTES = 16 << 20;

/**
 * Parsed JSON of a file, `undefined` when there is no such file; throws SyntaxError and system errors. Pipes and
 * devices are refused, and so is what is too large to be read at once.
 */
export const readJson = (path: string): Promise<unknown> => parse(path, readRegularFile, MAX_BYTES);

/** The same of a file in a `.luthier` folder, which may have come from elsewhere: a link is refused, too. */
export const readOwnJson = (path: string, limit = MAX_BYTES): Promise<unknown> => parse(path, readOwnFile, limit);

async function parse(path: string, read: typeof readOwnFile, limit: number): Promise<unknown> {
  try {
    return JSON.parse((await read(path, limit)).toString('utf8')) as unknown;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
