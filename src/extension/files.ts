import { randomBytes } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { lstat, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { readFileWithin, readOwnFile } from '../guard/index.ts';
import { systemCode } from './errors.ts';

/** Largest JSON file that the extension host reads whole. */
const MAX_JSON_BYTES = 16 * 1024 * 1024;

/** Writes a file so that a reader sees the old or the new text, never half: aside, fsync, rename. */
export async function writeFileAtomic(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const file = await open(aside, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

/**
 * Parsed JSON of a file, `undefined` when there is no such file; throws SyntaxError and system errors. Pipes and
 * devices are refused, and so is what is too large to be read at once.
 */
export const readJson = (path: string): Promise<unknown> => parseFile(path, readFileWithin);

/** The same of a file in a `.luthier` folder, which may have come from elsewhere: a link is refused, too. */
export const readOwnJson = (path: string): Promise<unknown> => parseFile(path, readOwnFile);

async function parseFile(path: string, read: (path: string, limit: number) => Promise<Buffer>): Promise<unknown> {
  try {
    return JSON.parse((await read(path, MAX_JSON_BYTES)).toString('utf8')) as unknown;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Folder's entries, none when it is not there. */
export async function listFolder(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

export async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

export async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
}

/**
 * Whether what is written to a path stands in one of the folders, links followed; the path itself may be a link, which
 * is replaced and not written through.
 */
export async function isWithin(path: string, folders: readonly string[]): Promise<boolean> {
  const real = (place: string) => realpath(place).catch(() => resolve(place));
  const parent = (await isFolder(path)) ? await real(path) : await real(dirname(path));
  for (const folder of folders) {
    const way = relative(await real(folder), parent);
    if (way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way))) return true;
  }
  return false;
}

/** Bytes of a file, or of all files under a folder (links are not followed). What vanishes meanwhile counts nothing. */
export async function diskUse(path: string): Promise<number> {
  const own = await lstat(path).catch(() => null);
  if (own?.isFile()) return own.size;
  const entries = own?.isDirectory() ? await listFolder(path).catch(() => [] as Dirent[]) : [];
  const sizes = await mapLimited(entries, 16, async (entry) => {
    const child = join(path, entry.name);
    if (entry.isDirectory()) return await diskUse(child);
    return entry.isFile()
      ? await stat(child).then(
          (s) => s.size,
          () => 0,
        )
      : 0;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** `Promise.all(items.map(work))` with at most `limit` at work at once. */
export async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
