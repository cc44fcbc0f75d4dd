import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Broken, isNewer, whyUnreadable } from '../files/broken.ts';
import { readOwnJson } from '../files/json.ts';
import { withLock } from '../files/lock.ts';
import { processLives } from '../files/processes.ts';
import { writeJson } from '../files/write-file.ts';
import { homeProblem } from '../guard/index.ts';
import { LuthierError, type RunState } from '../protocol/index.ts';
import { lookAtRecord, writeRecordInPlace } from './record.ts';

/** Layout of `.luthier/queue.json`. Every window and terminal reads the same file. */
const QUEUE_FORMAT = 1;
interface QueueFile {
  format: 1;
  /** Ids of the runs that wait, the next first. */
  order: string[];
  /** Processes of the terminals that wait for a run's turn, by its id: they start it, in their own environment. */
  terminals?: Record<string, number>;
}

export interface Queue {
  order: string[];
  /** Runs that a terminal waits with that is still there. */
  inTerminals: ReadonlySet<string>;
  /** Why the file cannot be read; null when it can. */
  broken: Broken | null;
}

/** The line of a `.luthier` folder; of a file that cannot be read it is empty. */
export async function lookAtQueue(home: string): Promise<Queue> {
  const { file, broken } = await read(home);
  const waiting = Object.entries(file.terminals ?? {}).filter(([, pid]) => processLives(pid));
  return { order: file.order, inTerminals: new Set(waiting.map(([id]) => id)), broken };
}

async function read(home: string): Promise<{ file: QueueFile; broken: Broken | null }> {
  const path = join(home, 'queue.json');
  const refuse = (problem: string) => ({ file: { format: 1 as const, order: [] }, broken: { path, problem } });
  let value: unknown;
  try {
    value = await readOwnJson(path);
  } catch (error) {
    return refuse(whyUnreadable(path, error));
  }
  if (value === undefined) return { file: { format: 1, order: [] }, broken: null };
  const { order, format, terminals } = (value ?? {}) as Partial<Record<keyof QueueFile, unknown>>;
  if (typeof format === 'number' && format > QUEUE_FORMAT) return refuse(isNewer(path, format, QUEUE_FORMAT));
  if (!Array.isArray(order)) return refuse('queue.json is damaged: it has no order.');
  const ids = [...new Set(order.filter((id): id is string => typeof id === 'string'))];
  const pids = Object.entries(typeof terminals === 'object' && terminals !== null ? terminals : {}).filter(
    (entry): entry is [string, number] => ids.includes(entry[0]) && Number.isSafeInteger(entry[1]) && entry[1] > 0,
  );
  return { file: { format: 1, order: ids, terminals: Object.fromEntries(pids) }, broken: null };
}

export const readQueue = async (home: string): Promise<string[]> => (await lookAtQueue(home)).order;

/**
 * Changes the queue under its lock and returns the new order.
 * @param terminal the process that waits with a run, where it is a terminal that puts it in line
 */
export async function changeQueue(
  home: string,
  change: (order: string[]) => string[],
  terminal?: { id: string; pid: number },
): Promise<string[]> {
  const problem = await homeProblem(home);
  if (problem !== null) throw new LuthierError('run-untrusted', problem, 'Put a real folder in its place.');
  await mkdir(home, { recursive: true });
  return await withLock(join(home, 'queue.lock'), async () => {
    const { file, broken } = await read(home);
    // What a newer Luthier or another person wrote there is not written over.
    if (broken)
      throw new LuthierError('not-writable', broken.problem, `Delete ${broken.path}; runs can be queued again then.`);
    const order = [...new Set(change([...file.order]))];
    const terminals = { ...file.terminals, ...(terminal && { [terminal.id]: terminal.pid }) };
    for (const id of Object.keys(terminals)) if (!order.includes(id)) delete terminals[id];
    const changed: QueueFile = { format: 1, order, ...(Object.keys(terminals).length > 0 && { terminals }) };
    if (terminal || order.join('\n') !== file.order.join('\n')) await writeJson(join(home, 'queue.json'), changed);
    return order;
  });
}

/** One start at a time in a `.luthier` folder: whoever starts a run looks again under this lock whether it may. */
export const whileStarting = <T>(home: string, work: () => Promise<T>): Promise<T> =>
  withLock(join(home, 'start.lock'), work);

/**
 * Takes a waiting run out of the line; its folder stays, marked as discarded, or as interrupted where it had begun.
 * Nothing is written of one that has been started meanwhile.
 */
export async function withdraw(home: string, folder: string, id: string): Promise<void> {
  await changeQueue(home, (order) => order.filter((other) => other !== id));
  const found = await lookAtRecord(folder);
  if (found?.record.state !== 'queued' || found.problem !== null) return;
  const state = found.record.started_at === null ? 'cancelled' : 'interrupted';
  // Written as the file's word, since no process is there to say it.
  await writeRecordInPlace(folder, { ...found.record, state, finished_at: new Date().toISOString() });
}

/** `order` with `id` moved by `by` places (-1: earlier), as far as there are places. */
export function moved(order: readonly string[], id: string, by: number): string[] {
  const from = order.indexOf(id);
  if (from < 0) return [...order];
  const to = Math.max(0, Math.min(order.length - 1, from + by));
  const rest = order.filter((other) => other !== id);
  return [...rest.slice(0, to), id, ...rest.slice(to)];
}

interface Waiting {
  record: { id: string };
  state: RunState;
  foreign: boolean;
  readOnly: string | null;
}

/**
 * The runs that wait, in order: those of `order` that still exist, are queued, and were put there on this machine. A
 * queue.json that came with a repository starts nothing.
 */
export function waiting<R extends Waiting>(runs: readonly R[], order: readonly string[]): R[] {
  const queued = new Map(
    runs
      .filter((run) => run.state === 'queued' && !run.foreign && run.readOnly === null)
      .map((run) => [run.record.id, run]),
  );
  return order.map((id) => queued.get(id)).filter((run) => run !== undefined);
}
