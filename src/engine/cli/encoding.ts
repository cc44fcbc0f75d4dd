import { resolve } from 'node:path';
import { isFolder } from '../../files/folders.ts';
import type { RecipeInput } from '../../protocol/index.ts';
import { refuseUnsure } from '../data/encoding.ts';
import type { EncodingGuess } from '../data/encoding-guess.ts';
import { guessFileEncoding } from '../data/read.ts';
import { readsFolders, resolveDataset } from '../data/resolve.ts';
import { isInteractive } from './output.ts';

/**
 * Settles the encoding of a recipe's files before a run is made: letters that are read wrong are learnt wrong.
 * In a terminal a person chooses where it is uncertain; elsewhere such files are refused.
 * @returns the encoding to write into the recipe; undefined where none need be named, null when the person gave up
 * @throws LuthierError `data-invalid` naming the file, what it may be, and how to say which
 */
export async function settleEncoding(
  { dataset, encoding, task }: Pick<RecipeInput, 'dataset' | 'encoding' | 'task'>,
  base: string,
  json: boolean,
): Promise<string | undefined | null> {
  if (encoding !== undefined) return encoding;
  const { parts } = await resolveDataset(dataset, base, { takesFolders: readsFolders(task) });
  for (const { file, encoding: known } of Object.values(parts)) {
    const path = resolve(base, file);
    // Each file of a folder is looked at when it is read.
    if (known !== undefined || (await isFolder(path))) continue;
    const guess = await guessFileEncoding(path);
    if (!guess || guess.is_sure) continue;
    if (json || !isInteractive()) refuseUnsure(file, guess);
    return askForEncoding(file, guess);
  }
  return undefined;
}

/** @returns null when the person gave up */
export async function askForEncoding(
  file: string,
  { encoding, sample, alternatives }: EncodingGuess,
): Promise<string | null> {
  const { isCancel, select } = await import('./prompts.ts');
  const chosen = await select({
    message: `${file} is not UTF-8. Which of these reads correctly?`,
    options: [{ encoding, sample }, ...alternatives].map((each) => ({
      value: each.encoding,
      label: each.sample,
      hint: each.encoding,
    })),
  });
  return isCancel(chosen) ? null : (chosen as string);
}
