import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Broken, isNewer, whyUnreadable } from '../files/broken.ts';
import { readOwnJson } from '../files/json.ts';
import { withLock } from '../files/lock.ts';
import { writeJson } from '../files/write-file.ts';
import { homeProblem } from '../guard/index.ts';
import { LuthierError, type RunState } from '../protocol/index.ts';

/** Layout of `.luthier/queue.json`: ids of the runs that wait, the next first. Every window and terminal reads the same file. */
const QUEUE_FORMAT = 1;
interface QueueFile {
  format: 1;
  order: string[];
}

/** Ids of the runs that wait in this `.luthier` folder; of a file that cannot be read none, and why. */
export async function lookAtQueue(home: string): Promise<{ order: string[]; broken: Broken | null }> {
  const path = join(home, 'queue.json');
  const refuse = (problem: string) => ({ order: [], broken: { path, problem } });
  let value: unknown;
  try {
    value = await readOwnJson(path);
  } catch (error) {
    return refuse(whyUnreadable(path, error));
  }
  if (value === undefined) return { order: [], broken: null };
  const { order, format } = (value ?? {}) as Partial<Record<keyof QueueFile, unknown>>;
  if (typeof format === 'number' && format > QUEUE_FORMAT) return refuse(isNewer(path, format, QUEUE_FORMAT));
  if (!Array.isArray(order)) return refuse('queue.json is damaged: it has no order.');
  return { order: [...new Set(order.filter((id): id is string => typeof id === 'string'))], broken: null };
}

export const readQueue = async (home: string): Promise<string[]> => (await lookAtQueue(home)).order;

/** Changes the queue under its lock and returns the new order. */
export async function changeQueue(home: string, change: (order: string[]) => string[]): Promise<string[]> {
  const problem = await homeProblem(home);
  if (problem !== null) throw new LuthierError('run-untrusted', problem, 'Put a real folder in its place.');
  await mkdir(home, { recursive: true });
  return await withLock(join(home, 'queue.lock'), async () => {
    const { order: before, broken } = await lookAtQueue(home);
    // What a newer Luthier or another person wrote there is not written over.
    if (broken)
      throw new LuthierError(
        'not-writable',
        broken.problem,
        'Remove it in the Runs view; runs can be queued again then.',
      );
    const order = [...new Set(change([...before]))];
    if (order.join('\n') !== before.join('\n')) {
      const file: QueueFile = { format: 1, order };
      await writeJson(join(home, 'queue.json'), file);
    }
    return order;
  });
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
