import { createHash } from 'node:crypto';
import { mkdir, realpath, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { listFolder, mapLimited } from '../files/folders.ts';
import { readOwnJson } from '../files/json.ts';
import { writeFileAtomically } from '../files/write-file.ts';

/** What says which run it is and what it does, and stays the same from its making to its end. */
export interface Identity {
  id: string;
  created_at: string;
  recipe_path: string | null;
  recipe: unknown;
}

/**
 * A folder that only this user sees and that no workspace can bring along; LUTHIER_DATA moves it, as tests do.
 * XDG_DATA_HOME is not asked: a VS Code from a snap has another than the terminal beside it, and both share this.
 */
export function dataFolder(...parts: string[]): string {
  const local = () =>
    process.platform === 'win32'
      ? join(process.env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'luthier', 'Data')
      : process.platform === 'darwin'
        ? join(homedir(), 'Library', 'Application Support', 'luthier')
        : join(homedir(), '.local', 'share', 'luthier');
  return join(process.env.LUTHIER_DATA || local(), ...parts);
}

const MAX_BYTES = 16_384;

/**
 * Runs that were made, or said to be theirs, by the person at this machine: one small file for each, named after the
 * run's folder, which holds a hash of what the run is. The editor and the terminal read and write the same ones. A run
 * that is not among them came with its folder, was moved, or is from Luthier 0.1.0; it starts only when asked about.
 */
export async function rememberRun(folder: string, run: Identity): Promise<void> {
  const path = await pathOf(folder);
  await mkdir(dataFolder('runs'), { recursive: true, mode: 0o700 });
  const text = JSON.stringify({ format: 1, folder, identity: hashOf(run) });
  await writeFileAtomically(path, `${text}\n`, 0o600);
}

/** Whether a run is among them, as what it was then: another recipe in the same folder is another run. */
export async function isOwnRun(folder: string, run: Identity): Promise<boolean> {
  try {
    const known = await readOwnJson(await pathOf(folder), MAX_BYTES);
    return typeof known === 'object' && known !== null && 'identity' in known && known.identity === hashOf(run);
  } catch {
    // Not there, or not to be read: then it is asked about.
    return false;
  }
}

/** Folders of all of them, those that are gone by now included. */
export async function ownRunFolders(): Promise<string[]> {
  const files = (await listFolder(dataFolder('runs'))).filter(({ name }) => name.endsWith('.json'));
  const known = await mapLimited(files, 32, ({ name }) =>
    readOwnJson(dataFolder('runs', name), MAX_BYTES).catch(() => null),
  );
  return known.flatMap((run) =>
    typeof run === 'object' && run !== null && 'folder' in run && typeof run.folder === 'string' ? [run.folder] : [],
  );
}

/** For a run that is about to be deleted. */
export async function forgetRun(folder: string): Promise<void> {
  await rm(await pathOf(folder), { force: true });
}

async function pathOf(folder: string): Promise<string> {
  const name = createHash('sha256')
    .update(await realpath(folder))
    .digest('hex');
  return dataFolder('runs', `${name.slice(0, 40)}.json`);
}

const hashOf = ({ id, created_at, recipe_path, recipe }: Identity): string =>
  createHash('sha256')
    .update(JSON.stringify([id, created_at, recipe_path, recipe]))
    .digest('hex');
