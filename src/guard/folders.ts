import type { Stats } from 'node:fs';
import { lstat, mkdtemp, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isMissing } from '../files/errno.ts';
import { listFolder } from '../files/folders.ts';
import { hardLinkAt, linkAt } from '../files/regular-file.ts';

/** Name of the folder that holds datasets, runs and models. */
export const HOME = '.luthier';
/** A run's folder holds some dozens of files; one that holds this many was not made by a run. */
const MAX_ENTRIES = 20_000;
const MAX_DEPTH = 12;

/**
 * Why nothing may be written to or deleted from a run's or a dataset's folder: it, `runs` or `.luthier` is a link (a junction on
 * Windows counts as one), so that it stands in another place than it says. Null when it is where it seems to be.
 * Folders further up are the person's own choice and may be links.
 */
export async function placeProblem(folder: string): Promise<string | null> {
  const kind = dirname(folder);
  const home = dirname(kind);
  for (const path of basename(home) === HOME ? [home, kind, folder] : [folder]) {
    const problem = await folderProblem(path);
    if (problem !== null) return problem;
  }
  return null;
}

/** The same for a `.luthier` folder: it and what is to be written in it are real folders, as far as they exist. */
export async function homeProblem(home: string, ...parts: readonly string[]): Promise<string | null> {
  let path = home;
  for (const part of ['', ...parts]) {
    path = join(path, part);
    const problem = await folderProblem(path);
    if (problem !== null) return problem;
  }
  return null;
}

/** A folder that is not there yet will be made, and a file in its place makes that fail. */
async function folderProblem(path: string): Promise<string | null> {
  return (await look(path))?.isSymbolicLink() ? linkAt(path) : null;
}

/**
 * Why a run may not be worked on: its place is not what it seems (`placeProblem`), or something in its folder is a
 * link, a pipe or a device, has a second name elsewhere, or belongs to somebody else. A folder that came with a
 * repository or an archive can hold any of these, and a run appends to, replaces and deletes what is there.
 */
export async function runFolderProblem(folder: string): Promise<string | null> {
  const place = await placeProblem(folder);
  if (place !== null) return place;
  const own = await look(folder);
  if (own === null || !own.isDirectory()) return null;
  let mine = process.getuid?.();
  if (mine !== undefined && own.uid !== mine) {
    // Some file systems give every file one owner, whoever makes it: then that one is us.
    mine = await ownerOfNew(folder);
    if (own.uid !== mine) return `${folder} belongs to another user.`;
  }
  return walk(folder, mine, { entries: MAX_ENTRIES }, 0);
}

async function ownerOfNew(folder: string): Promise<number | undefined> {
  try {
    const made = await mkdtemp(join(folder, '.owner-'));
    const { uid } = await lstat(made);
    await rmdir(made);
    return uid;
  } catch {
    return undefined;
  }
}

async function walk(
  folder: string,
  mine: number | undefined,
  left: { entries: number },
  depth: number,
): Promise<string | null> {
  if (depth > MAX_DEPTH) return `${folder} is nested deeper than any run's folder.`;
  for (const { name } of await listFolder(folder)) {
    if (--left.entries < 0) return `${folder} contains more files than any run's folder.`;
    const path = join(folder, name);
    const status = await look(path);
    // Deleted since it was listed.
    if (status === null) continue;
    if (status.isSymbolicLink()) return linkAt(path);
    if (mine !== undefined && status.uid !== mine) return `${path} belongs to another user.`;
    if (status.isDirectory()) {
      const problem = await walk(path, mine, left, depth + 1);
      if (problem !== null) return problem;
    } else if (!status.isFile()) return `${path} is not a file.`;
    else if (status.nlink > 1) return hardLinkAt(path);
  }
  return null;
}

async function look(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
