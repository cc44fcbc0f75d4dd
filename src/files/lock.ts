import { open, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from './errno.ts';

/** A lock this old was left by a process that was killed. */
const STALE_MS = 30_000;

/**
 * Does `work` while no other process does the same, by a lock file made exclusively. Waits for its turn at most
 * `patienceMs`, then throws; a lock left behind by a dead process is taken over.
 */
export async function withLock<T>(path: string, work: () => Promise<T>, patienceMs = 60_000): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      break;
    } catch (error) {
      // Windows says EPERM while a deleted file is still held.
      if (!['EEXIST', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
      const held = await stat(path).catch(() => null);
      if (held && Date.now() - held.mtimeMs > STALE_MS) {
        await rm(path, { force: true });
        continue;
      }
      if (Date.now() > deadline) throw error;
      await sleep(20 + Math.random() * 30);
    }
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}
