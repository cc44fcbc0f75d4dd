import { join } from 'node:path';
import { readOwnJson } from '../files/json.ts';
import { processLives } from '../files/processes.ts';
import { FILES } from './folder.ts';

const MAX_BYTES = 4096;

/**
 * Whether the process that took a run's lock has ended without giving it back: it was killed. False where there is no
 * lock (nobody has begun yet), and where a process of that id lives, which may be another one by now.
 */
export async function holderGone(folder: string): Promise<boolean> {
  const lock = await readOwnJson(join(folder, FILES.lock), MAX_BYTES).catch(() => null);
  const pid = typeof lock === 'object' && lock !== null && 'pid' in lock ? lock.pid : null;
  return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 && !processLives(pid);
}
