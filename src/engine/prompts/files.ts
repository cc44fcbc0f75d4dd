import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { isMissing } from '../../files/errno.ts';
import { contains } from '../../files/folders.ts';
import { nearFile } from '../../files/near-file.ts';
import { readRegularFile } from '../../files/regular-file.ts';
import { parsePrompt } from '../../prompts/parse.ts';
import { filesIn } from '../../prompts/references.ts';
import type { Included } from '../../prompts/source.ts';
import { LuthierError } from '../../protocol/index.ts';
import { orMeant } from '../../protocol/nearest.ts';
import { includedKey, type LoadedPrompt } from './thread.ts';

/** Of a file that a template takes in. */
const MOST_BYTES = 4 << 20;
/** Files that one template takes in. */
const MOST_FILES = 1_000;

/** Where a template stands, and what it may read. */
export interface Surroundings {
  /** Its file; undefined where it was never saved. */
  path: string | undefined;
  folder: string;
  /** Folders that it may read from; its own where there are none. */
  roots: readonly string[];
}

export const surroundingsOf = ({
  path,
  base,
  roots,
}: {
  path?: string;
  base?: string;
  roots?: readonly string[];
}): Surroundings => {
  const folder = path === undefined ? resolve(base ?? '.') : dirname(resolve(path));
  return { path: path === undefined ? undefined : resolve(path), folder, roots: roots?.length ? roots : [folder] };
};

/**
 * Where a file is that a template names. It lies in the workspace, also behind links: a template may come from
 * anywhere, and what it takes in may go to a model elsewhere.
 * @param from folder that the name is looked up from
 * @throws LuthierError `prompt-invalid`
 */
export async function placeInside(target: string, from: string, roots: readonly string[]): Promise<string> {
  const path = resolve(from, target);
  const refuse = (why: string) =>
    new LuthierError(
      'prompt-invalid',
      `${target} ${why}.`,
      'A template reads files of its own folder and the workspace.',
    );
  if (isAbsolute(target)) throw refuse('is an absolute path; write it relative to the template');
  if (!roots.some((root) => contains(resolve(root), path))) throw refuse('lies outside of the workspace');
  const isInside = await leadsInside(roots);
  const real = await realpath(path).catch(async (error: unknown) => {
    if (!isMissing(error)) throw refuse(`cannot be read (${(error as Error).message})`);
    // What a folder elsewhere holds is not told.
    const folder = await realpath(dirname(path)).catch(() => null);
    const near = folder !== null && isInside(folder) ? await nearFile(path) : undefined;
    throw new LuthierError(
      'prompt-invalid',
      `${target} does not exist in ${from}${orMeant(near)}`,
      'Correct its name.',
    );
  });
  if (!isInside(real)) throw refuse('is a link that leads outside of the workspace');
  return real;
}

/** Whether a real path lies in one of the folders, these behind links themselves. */
async function leadsInside(roots: readonly string[]): Promise<(real: string) => boolean> {
  const places = await Promise.all(roots.map((root) => realpath(root).catch(() => resolve(root))));
  return (real) => places.some((root) => contains(root, real));
}

/**
 * As placeInside, for a dataset: of a folder, its files lie in the workspace, too.
 * @throws LuthierError `prompt-invalid`
 */
export async function datasetInside(target: string, from: string, roots: readonly string[]): Promise<string> {
  const place = await placeInside(target, from, roots);
  const isInside = await leadsInside(roots);
  // A file has no entries, and what cannot be listed is told where it is read.
  const entries = await readdir(place, { withFileTypes: true, recursive: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isSymbolicLink()) continue;
    const link = join(entry.parentPath, entry.name);
    const real = await realpath(link).catch(() => null);
    if (real === null || isInside(real)) continue;
    throw new LuthierError(
      'prompt-invalid',
      `${relative(place, link).split(sep).join('/')} in ${target} is a link that leads outside of the workspace.`,
      'A template reads files of its own folder and the workspace. Copy the file there, or name another dataset.',
    );
  }
  return place;
}

/** The text of a file in the workspace, and its real place. @throws LuthierError `prompt-invalid` */
export async function readInside(
  target: string,
  from: string,
  roots: readonly string[],
): Promise<{ place: string; text: string }> {
  const place = await placeInside(target, from, roots);
  try {
    const bytes = await readRegularFile(place, MOST_BYTES);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { place, text };
  } catch (error) {
    const what = error instanceof TypeError ? 'is no text in UTF-8' : `cannot be read (${(error as Error).message})`;
    throw new LuthierError('prompt-invalid', `${target} ${what}.`, 'Save it as UTF-8, or name another file.');
  }
}

/** A template and all files that its text takes in; what is wrong with one is told where it is taken in. */
export async function loadPrompt(text: string, { path, folder, roots }: Surroundings): Promise<LoadedPrompt> {
  const included: LoadedPrompt['included'] = new Map();
  const real = path === undefined ? undefined : await realpath(path).catch(() => path);
  const nameOf = new Map<string, string>();
  const visit = async (body: string, from: string | null, base: string): Promise<void> => {
    for (const { target } of filesIn(body)) {
      const key = includedKey(target, from);
      if (included.has(key) || included.size >= MOST_FILES) continue;
      let found: { place: string; text: string };
      try {
        found = await readInside(target, base, roots);
      } catch (error) {
        if (!(error instanceof LuthierError)) throw error;
        included.set(key, { problem: `\${file:${target}}: ${error.message}` });
        continue;
      }
      const file = shownName(found.place, folder, nameOf);
      const isOwn = found.place === real;
      included.set(key, { file: isOwn ? found.place : file, text: found.text } satisfies Included);
      if (!isOwn) await visit(found.text, file, dirname(found.place));
    }
  };
  const { body } = parsePrompt(text);
  await visit(text.slice(body.start, body.end), null, folder);
  return { text, path: real, included };
}

/** A file as messages name it: from the template's folder on. */
function shownName(place: string, folder: string, known: Map<string, string>): string {
  const own = relative(folder, place) || basename(place);
  known.set(place, own);
  return own.split(sep).join('/');
}

/** What a file gives as a value, as in Prompty: JSON and YAML are read, anything else is a text. */
export async function valueInside(
  target: string,
  from: string,
  roots: readonly string[],
): Promise<{ place: string; value: unknown }> {
  const { place, text } = await readInside(target, from, roots);
  const source = text.replace(/^\uFEFF/, '');
  const kind = extname(place).toLowerCase();
  try {
    if (kind === '.json') return { place, value: JSON.parse(source) as unknown };
    if (kind === '.yaml' || kind === '.yml')
      return { place, value: (await import('yaml')).parse(source, { maxAliasCount: 100 }) as unknown };
  } catch (error) {
    throw new LuthierError(
      'prompt-invalid',
      `${target}: ${(error as Error).message.split('\n')[0]}`,
      'Correct the file.',
    );
  }
  return { place, value: source };
}
