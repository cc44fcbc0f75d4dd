import { join } from 'node:path';
import { readOwnJson } from '../files/json.ts';
import { processLives } from '../files/processes.ts';
import type { RunRecord } from '../protocol/index.ts';
import { FILES } from './folder.ts';
import { recordTime } from './record.ts';

const MAX_BYTES = 4096;

/** The process that has a run's lock, or ended without giving it back; null where nobody has it. */
export async function holderOf(folder: string): Promise<number | null> {
  const lock = await readOwnJson(join(folder, FILES.lock), MAX_BYTES).catch(() => null);
  const pid = typeof lock === 'object' && lock !== null && 'pid' in lock ? lock.pid : null;
  return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 ? pid : null;
}

/**
 * Whether the process that took a run's lock has ended without giving it back: it was killed. False where there is no
 * lock (nobody has begun yet), and where a process of that id lives, which may be another one by now.
 */
async function holderGone(folder: string): Promise<boolean> {
  const pid = await holderOf(folder);
  return pid !== null && !processLives(pid);
}

/** A process that was just started has this long to open its socket. */
const STARTING_MS = 20_000;

/**
 * Whether a run that nobody answers for is just starting: its record has said so for a short time only, and no process
 * that took its lock has ended.
 * @param now milliseconds since the epoch; replaced in tests
 */
export async function isJustStarting(folder: string, { state }: RunRecord, now = Date.now()): Promise<boolean> {
  if (state !== 'starting') return false;
  const time = await recordTime(folder).catch(() => null);
  return time !== null && now - time < STARTING_MS && !(await holderGone(folder));
}
