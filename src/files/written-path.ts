import { readdir, stat } from 'node:fs/promises';
import system, { basename, dirname, join, type posix, resolve } from 'node:path';

/**
 * The path that a name in a recipe means on this machine, whichever machine it was written on: as it is; else with
 * Windows' backslashes as slashes; else in the Unicode form that the folder's own name has (macOS may decompose `ü`).
 * @returns `resolve(base, name)` where nothing of these is there
 */
export async function writtenPath(base: string, name: string): Promise<string> {
  const path = resolve(base, name);
  for (const candidate of new Set([path, resolve(base, name.replaceAll('\\', '/'))])) {
    const found = (await exists(candidate)) ? candidate : await inOtherForm(candidate);
    if (found !== undefined) return found;
  }
  return path;
}

/** A path as a recipe in a folder names it: relative where it is inside, with slashes that every system reads. */
export function nameIn(folder: string, path: string, paths: typeof posix = system): string {
  const within = paths.relative(folder, path);
  const isOutside = within === '' || paths.isAbsolute(within) || within.split(paths.sep)[0] === '..';
  return isOutside ? path : within.split(paths.sep).join('/');
}

/** Whether a name is an absolute path of Windows on a machine that is none. */
export const isForeignPath = (name: string, platform: NodeJS.Platform = process.platform): boolean =>
  platform !== 'win32' && (/^[a-z]:[\\/]/i.test(name) || name.startsWith('\\\\'));

async function inOtherForm(path: string): Promise<string | undefined> {
  const wanted = basename(path).normalize('NFC');
  const names = await readdir(dirname(path)).catch(() => []);
  const found = names.find((name) => name.normalize('NFC') === wanted);
  return found === undefined ? undefined : join(dirname(path), found);
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
