import { basename, relative } from 'node:path';
import { shellQuoted } from '../../files/shell.ts';
import { findRunFolders } from '../../runs/find.ts';

/** A run as commands take it, typed into a shell: its id where `luthier runs resume` finds it by that, else its folder. */
export async function typedName(folder: string): Promise<string> {
  const known = await findRunFolders(process.cwd());
  return shellQuoted(known.includes(folder) ? basename(folder) : shortPath(folder));
}

/** A path as it is shortest from the folder that the command runs in. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' ? '.' : short.startsWith('..') ? path : short;
}
