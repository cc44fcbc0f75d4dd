import type { Dirent } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
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
