import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { isMissing } from './errno.ts';

/** Folder's entries, none when it is not there. */
export async function listFolder(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

const looks = async (looking: Promise<Stats>, has: (status: Stats) => boolean): Promise<boolean> =>
  looking.then(has, () => false);

export const exists = (path: string): Promise<boolean> => looks(stat(path), () => true);

export const isFolder = (path: string): Promise<boolean> => looks(stat(path), (status) => status.isDirectory());

export const isFile = (path: string): Promise<boolean> => looks(stat(path), (status) => status.isFile());

/** A file that is no link to one. */
export const isOwnFile = (path: string): Promise<boolean> => looks(lstat(path), (status) => status.isFile());

/** Whether a path is a folder or in it, as the two are written. */
export function contains(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/**
 * Whether what is written to a path stands in one of the folders, links followed; the path itself may be a link, which
 * is replaced and not written through.
 */
export async function isWithin(path: string, folders: readonly string[]): Promise<boolean> {
  const real = (place: string) => realpath(place).catch(() => resolve(place));
  const parent = (await isFolder(path)) ? await real(path) : await real(dirname(path));
  for (const folder of folders) {
    if (contains(await real(folder), parent)) return true;
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
