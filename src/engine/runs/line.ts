import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { listFolder, mapLimited } from '../../files/folders.ts';
import { processLives } from '../../files/processes.ts';
import { isOwnRun, ownRunFolders } from '../../guard/index.ts';
import { type RunRecord, WORKING_STATES } from '../../protocol/index.ts';
import { readRun } from '../../runs/client.ts';
import { readEndpoint } from '../../runs/endpoint.ts';
import { isJustStarting } from '../../runs/holder.ts';
import { changeQueue, readQueue, whileStarting, withdraw } from '../../runs/queue.ts';
import { lookAtRecord, writeRecordInPlace } from '../../runs/record.ts';

const LOOK_MS = 1_000;
/** A process that was just started has this long to take its run's lock: until then nobody answers. */
const STARTING_MS = 10_000;
const READERS = 16;

/** A run at work on this machine. */
export interface WorkingRun {
  folder: string;
  record: RunRecord;
}

/** Runs at work on this machine: those of a `.luthier` folder, and those that this person started elsewhere. */
export async function workingRuns(home: string, except: string): Promise<WorkingRun[]> {
  const here = await listFolder(join(home, 'runs')).catch(() => []);
  const folders = new Set(here.filter((entry) => entry.isDirectory()).map(({ name }) => join(home, 'runs', name)));
  for (const folder of await ownRunFolders().catch(() => [])) folders.add(folder);
  folders.delete(except);
  const found = await mapLimited([...folders], READERS, async (folder): Promise<WorkingRun | null> => {
    const read = await lookAtRecord(folder).catch(() => null);
    if (read === null || read.problem !== null || !WORKING_STATES.has(read.record.state)) return null;
    const record = (await isJustStarting(folder, read.record)) ? read.record : await readRun(folder).catch(() => null);
    return record !== null && WORKING_STATES.has(record.state) ? { folder, record } : null;
  });
  return found.filter((run) => run !== null);
}

/** A run that waits in the line of a `.luthier` folder. */
export interface InLine {
  home: string;
  folder: string;
  id: string;
}

/** What a run in line waits for. */
export interface Wait {
  /** Its place in the line, 1 for the next. */
  position: number;
  working: WorkingRun[];
}

/** Puts a run in line, with this process as the terminal that waits for its turn. */
export async function standInLine({ home, folder, id }: InLine): Promise<void> {
  const read = await lookAtRecord(folder);
  if (read !== null && read.record.state !== 'queued') {
    await writeRecordInPlace(folder, { ...read.record, state: 'queued', error: null });
  }
  await changeQueue(home, (order) => [...order, id], { id, pid: process.pid });
}

/**
 * Waits until a run in line may start: it is the next, and no run works. It is then out of the line and marked as
 * starting, so that nobody else starts one. `elsewhere`: somebody else started it, took it out of the line or deleted
 * it; `left`: `signal` took it out of the line.
 * @param tell called with what it waits for, whenever that is another
 */
export async function waitForTurn(
  run: InLine,
  tell: (wait: Wait) => void,
  signal: AbortSignal,
): Promise<'turn' | 'elsewhere' | 'left'> {
  const { home, folder, id } = run;
  let told = '';
  while (!signal.aborted) {
    const read = await lookAtRecord(folder);
    if (read?.record.state !== 'queued') return 'elsewhere';
    const position = await placeOf(run);
    if (position === null) return 'elsewhere';
    const working = await workingRuns(home, folder);
    if (position === 1 && working.length === 0) {
      const taken = await whileStarting(home, () => takeTurn(run));
      if (taken) return 'turn';
      continue;
    }
    const now = `${position} ${working.map((other) => other.folder)}`;
    if (now !== told) tell({ position, working });
    told = now;
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  await whileStarting(home, () => withdraw(home, folder, id));
  return (await lookAtRecord(folder))?.record.state === 'starting' ? 'elsewhere' : 'left';
}

/** Waits until the process of a run that somebody else has just started can be called. */
export async function untilStarted(folder: string): Promise<void> {
  for (const end = Date.now() + STARTING_MS; Date.now() < end; await sleep(200)) {
    const read = await lookAtRecord(folder).catch(() => null);
    const endpoint = await readEndpoint(folder);
    if (read?.record.state !== 'starting' || (endpoint !== null && processLives(endpoint.pid))) return;
  }
}

/** Under the lock: looks again, since another may have started a run meanwhile. */
async function takeTurn(run: InLine): Promise<boolean> {
  const { home, folder, id } = run;
  const read = await lookAtRecord(folder);
  if (read?.record.state !== 'queued' || (await placeOf(run)) !== 1) return false;
  if ((await workingRuns(home, folder)).length > 0) return false;
  await changeQueue(home, (order) => order.filter((other) => other !== id));
  await writeRecordInPlace(folder, { ...read.record, state: 'starting' });
  return true;
}

/** Place in the line among this machine's runs that wait; null for one that is not in it. */
async function placeOf({ home, id }: InLine): Promise<number | null> {
  const order = await readQueue(home);
  const at = order.indexOf(id);
  if (at === -1) return null;
  const before = await mapLimited(order.slice(0, at), READERS, async (other) => {
    const folder = join(home, 'runs', other);
    const read = dirname(folder) === join(home, 'runs') ? await lookAtRecord(folder).catch(() => null) : null;
    return read?.record.state === 'queued' && read.problem === null && (await isOwnRun(folder, read.record));
  });
  return 1 + before.filter(Boolean).length;
}
