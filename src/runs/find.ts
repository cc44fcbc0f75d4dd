import { readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isOwnFile } from '../files/folders.ts';
import { HOME, homeProblem } from '../guard/index.ts';
import { FILES } from './folder.ts';
import { lookAtRecord } from './record.ts';

const SKIPPED = new Set(['node_modules', 'dist', '__pycache__', 'venv']);
const MAX_DEPTH = 3;
const MAX_FOLDERS = 5_000;

/**
 * Folders of the runs that belong to a place: in the `.luthier` folders at it, above it, and up to three levels below
 * it, since a run stands beside its recipe, and those that `--out` named, at it and below. Links are not followed: they
 * lead to other projects' runs.
 * @param onSkipped told why a `.luthier` folder is not looked into
 */
export async function findRunFolders(
  base: string,
  onSkipped: (reason: string) => void = () => undefined,
): Promise<string[]> {
  const found: string[] = [];
  const collect = async (folder: string) => {
    const home = join(folder, HOME);
    const problem = await homeProblem(home, 'runs').catch(() => null);
    if (problem !== null) onSkipped(problem);
    else for (const name of await folderNames(join(home, 'runs'))) found.push(join(home, 'runs', name));
  };
  for (let folder = dirname(resolve(base)); ; folder = dirname(folder)) {
    await collect(folder);
    if (dirname(folder) === folder) break;
  }
  let level = [resolve(base)];
  let visited = 0;
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      if (++visited > MAX_FOLDERS) break;
      if (await isRunFolder(folder)) {
        found.push(folder);
        continue;
      }
      await collect(folder);
      if (depth === MAX_DEPTH) continue;
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
      for (const entry of entries) {
        if (entry.isDirectory() && !entry.name.startsWith('.') && !SKIPPED.has(entry.name)) {
          next.push(join(folder, entry.name));
        }
      }
    }
    level = next;
  }
  return found;
}

/** Whether a folder is a run's: other programs call a file run.json too, so one that cannot be read needs a second sign. */
async function isRunFolder(folder: string): Promise<boolean> {
  if (!(await isOwnFile(join(folder, FILES.record)))) return false;
  const code = (await lookAtRecord(folder).catch(() => null))?.problem?.code;
  return code === 'run-invalid' ? isOwnFile(join(folder, FILES.metrics)) : true;
}

/** Real folders alone: neither a link nor a file is a run. */
async function folderNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
