import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../files/errno.ts';
import { processLives } from '../../files/processes.ts';
import { readOwnFile } from '../../files/regular-file.ts';
import { shellQuoted } from '../../files/shell.ts';
import { writeError } from '../../files/write-file.ts';
import { LuthierError, WORKING_STATES } from '../../protocol/index.ts';
import { lookAtProcess } from '../../runs/client.ts';
import { readEndpoint } from '../../runs/endpoint.ts';
import { FILES } from '../../runs/folder.ts';

/** From taking the lock to opening the socket, a process has this long. */
const OPENING_MS = 20_000;
/** From the end of its run to giving the lock back, it has this long. */
const ENDING_MS = 20_000;
const ATTEMPTS = 20;
const MAX_LOCK_BYTES = 4096;

/**
 * Takes the lock of a run's folder; whoever holds it may write there. One whose run has come to its end is waited for.
 * That of a dead process is taken over: a pid proves nothing, since the system uses it again, so the holder must answer
 * on the run's socket.
 * @returns a function that gives it back
 * @throws LuthierError `run-busy`, `not-writable`
 */
export async function lockRun(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, FILES.lock);
  const mine = JSON.stringify({ pid: process.pid, nonce: randomBytes(8).toString('hex') });
  const patience = performance.now() + ENDING_MS;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await create(path, mine)) {
      return async () => {
        if ((await read(path)) === mine) await rm(path, { force: true });
      };
    }
    const held = await read(path);
    if (held === null) continue;
    const holder = await lookAtHolder(folder, path, held);
    if (holder === 'works' || (holder === 'ends' && performance.now() > patience)) throw busy(folder);
    if (holder === 'gone') await takeAway(path, held);
    else {
      attempt--;
      await sleep(50);
    }
  }
  throw busy(folder);
}

const busy = (folder: string) =>
  new LuthierError(
    'run-busy',
    `Another process is already working on the run in ${folder}.`,
    `See how it is doing with luthier runs show ${shellQuoted(folder)}, or end it with luthier runs stop ${shellQuoted(folder)}.`,
  );

async function create(path: string, content: string): Promise<boolean> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx');
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw writeError(path, error);
  }
  try {
    await file.writeFile(content);
    return true;
  } catch (error) {
    // On a full disk an empty file would stand there as a lock that nobody holds.
    await rm(path, { force: true });
    throw writeError(path, error);
  } finally {
    await file.close();
  }
}

async function read(path: string): Promise<string | null> {
  try {
    return (await readOwnFile(path, MAX_LOCK_BYTES)).toString('utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

async function lookAtHolder(folder: string, path: string, held: string): Promise<'works' | 'ends' | 'gone'> {
  const seen = await lookAtProcess(folder);
  if (seen !== null) return seen === 'busy' || WORKING_STATES.has(seen.state) ? 'works' : 'ends';
  return (await isOpening(folder, path, held)) ? 'works' : 'gone';
}

/** Whether a process without a socket is about to open it. */
async function isOpening(folder: string, path: string, held: string): Promise<boolean> {
  const since = await stat(path).then(
    (s) => s.mtimeMs,
    () => 0,
  );
  if (Date.now() - since > OPENING_MS) return false;
  const pid = /"pid":(\d+)/.exec(held)?.[1];
  // It is being written at this moment.
  if (pid === undefined) return true;
  // One that had opened its socket and does not answer is gone, though its pid may linger until somebody asks about it.
  if ((await readEndpoint(folder))?.pid === Number(pid)) return false;
  return processLives(Number(pid));
}

/**
 * Removes exactly the lock that was judged dead. Of several processes that judged so only one may at a time, and each
 * looks again first: the lock may have been removed, and taken anew, meanwhile.
 */
async function takeAway(path: string, held: string): Promise<void> {
  const turn = `${path}.takeover`;
  try {
    await mkdir(turn);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw writeError(turn, error);
    await waitForTurn(turn);
    return;
  }
  try {
    if ((await read(path)) === held) await rm(path, { force: true });
  } finally {
    await rmdir(turn);
  }
}

async function waitForTurn(turn: string): Promise<void> {
  const began = await stat(turn).then(
    (s) => s.mtimeMs,
    () => null,
  );
  // Whoever had the turn was killed in it.
  if (began !== null && Date.now() - began > OPENING_MS) await rmdir(turn).catch(() => undefined);
  else await sleep(20);
}
