import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readOwnFile } from './folders.ts';

const MAX_BYTES = 4096;

/**
 * Whether the process that took a run's lock has ended without giving it back: it was killed. False where there is no
 * lock (nobody has begun yet), and where a process of that id lives, which may be another one by now.
 */
export async function holderGone(folder: string): Promise<boolean> {
  try {
    const lock: unknown = JSON.parse((await readOwnFile(join(folder, 'run.lock'), MAX_BYTES)).toString('utf8'));
    const pid = typeof lock === 'object' && lock !== null && 'pid' in lock ? lock.pid : null;
    return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 && !(await processLives(pid));
  } catch {
    return false;
  }
}

/** Whether a process of this id does something; one that has ended and that nobody has asked about (Linux) does not. */
export async function processLives(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process cannot be signalled, and lives.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  const status = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return status.split(') ').at(-1)?.[0] !== 'Z';
}
