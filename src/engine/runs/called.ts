import { basename } from 'node:path';
import { LuthierError } from '../../protocol/index.ts';
import { nearest } from '../../protocol/nearest.ts';
import { readRecord } from '../../runs/record.ts';

const namesOf = (runs: readonly string[]): Promise<(string | undefined)[]> =>
  Promise.all(runs.map(async (folder) => (await readRecord(folder).catch(() => null))?.name));

/** Of folders of runs that of the one to which a person gave a name. @throws LuthierError `usage` when several have it */
export async function runCalled(name: string, runs: readonly string[]): Promise<string | undefined> {
  const names = await namesOf(runs);
  const called = runs.filter((_, i) => names[i] === name);
  if (called.length < 2) return called[0];
  throw new LuthierError(
    'usage',
    `${called.length} runs are called “${name}”: ${called.map((folder) => basename(folder)).join(', ')}.`,
    'Use the id of the one you mean.',
  );
}

/** Characters of an id's beginning that are more than chance. */
const BEGINNING = 4;

/** The run whose id or name a misspelt one may mean, by that: of those whose id begins so, the newest. */
export async function nearRun(name: string, runs: readonly string[]): Promise<string | undefined> {
  const ids = runs.map((folder) => basename(folder));
  const known = [...ids, ...(await namesOf(runs)).filter((other) => other !== undefined)];
  const near = nearest(name, known, Math.max(2, name.length / 4));
  if (near !== undefined || name.length < BEGINNING) return near;
  // An id ends in the time at which its run was made.
  const timeOf = (id: string) => id.slice(-TIME_AND_LETTERS);
  return ids.filter((id) => id.startsWith(name)).sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1))[0];
}

/** `20261124-0815-k3f9` */
const TIME_AND_LETTERS = 18;
