import { basename, dirname } from 'node:path';
import { nearest } from '../protocol/nearest.ts';
import { listFolder } from './folders.ts';

/**
 * What stands beside a file or folder that is not there, by the name that a misspelt one may mean.
 * @returns undefined where nothing is so near, or the folder cannot be read
 */
export async function nearFile(path: string): Promise<string | undefined> {
  const wanted = basename(path);
  const entries = await listFolder(dirname(path)).catch(() => []);
  const names = entries.map(({ name }) => name).filter((name) => !name.startsWith('.') || wanted.startsWith('.'));
  return nearest(wanted, names, Math.max(1, wanted.length / 4));
}
