import { basename, relative } from 'node:path';
import { findRunFolders } from '../../runs/find.ts';

/** The run's id where `luthier runs resume` finds it by that, else its folder. */
export async function nameOf(folder: string): Promise<string> {
  const known = await findRunFolders(process.cwd());
  return known.includes(folder) ? basename(folder) : shortPath(folder);
}

/** A path as it is shortest from the folder that the command runs in. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' ? '.' : short.startsWith('..') ? path : short;
}
