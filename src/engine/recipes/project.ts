import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { contains } from '../../files/folders.ts';
import { HOME } from '../../guard/index.ts';

/** The outermost of a folder, the current one around it and the project's (with `.git` or `.luthier`) around it. */
export function projectOf(base: string): string {
  const own = resolve(base);
  // The home folder and what is above it hold everything that a person has: they are nobody's project.
  const tooWide = (folder: string) => contains(folder, homedir());
  const candidates = [own];
  if (!tooWide(process.cwd())) candidates.push(process.cwd());
  for (let folder = own; dirname(folder) !== folder && !tooWide(folder); folder = dirname(folder)) {
    if (!existsSync(join(folder, '.git')) && !existsSync(join(folder, HOME))) continue;
    candidates.push(folder);
    break;
  }
  return candidates.reduce((outermost, folder) => (contains(folder, outermost) ? folder : outermost));
}
