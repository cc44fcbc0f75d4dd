import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LuthierError } from '../errors.ts';
import { errnoOf, writeError } from '../hub/write-file.ts';
import { lookAtProcess } from './client.ts';
import { FILES } from './folder.ts';

/** From taking the lock to opening the socket, a process has this long. */
const OPENING_MS = 20_000;

/**
 * Takes the lock of a run's folder; whoever holds it may write there. That of a dead process is taken over: a pid
 * proves nothing, since the system uses it again, so the holder must answer on the run's socket.
 * @returns a function that gives it back
 * @throws LuthierError `run-busy`, `not-writable`
 */
export async function lockRun(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, FILES.lock);
  const mine = JSON.stringify({ pid: process.pid, nonce: randomBytes(8).toString('hex') });
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await create(path, mine)) {
      return async () => {
        if ((await read(path)) === mine) await rm(path, { force: true });
      };
    }
    const held = await read(path);
    if (held === null) continue;
    if (await holderLives(folder, path, held)) throw busy(folder);
    await takeAway(path, held);
  }
  throw busy(folder);
}

const busy = (folder: string) =>
  new LuthierError(
    'run-busy',
    `Another process already works on the run in ${folder}.`,
    `luthier runs show ${folder} tells how it is; luthier runs stop ${folder} ends it.`,
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
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

async function holderLives(folder: string, path: string, held: string): Promise<boolean> {
  if ((await lookAtProcess(folder)) !== null) return true;
  const age =
    Date.now() -
    (await stat(path).then(
      (s) => s.mtimeMs,
      () => 0,
    ));
  const pid = /"pid":(\d+)/.exec(held)?.[1];
  // Neither its socket nor its pid: gone. Its pid alone: it may be about to open the socket.
  return age < OPENING_MS && pid !== undefined && pidExists(Number(pid));
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

/** Removes exactly the lock that was judged dead: if another process has replaced it meanwhile, its lock is put back. */
async function takeAway(path: string, held: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  if ((await read(aside)) !== held) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}
