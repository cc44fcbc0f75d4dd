import { realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';

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
