import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errnoOf } from '../../files/errno.ts';
import { formatBytes, LuthierError } from '../../protocol/index.ts';

/** Bytes that an ordinary user can still write at `path`, or at its nearest folder that exists. */
export async function freeDiskBytes(path: string): Promise<number> {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    try {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    } catch (error) {
      const code = errnoOf(error);
      if ((code !== 'ENOENT' && code !== 'ENOTDIR') || folder === dirname(folder)) throw error;
    }
  }
}

/**
 * @param free what freeDiskBytes says; given for tests
 * @throws LuthierError `disk-full` when `bytes` and a little beside do not fit at `path`
 */
export async function requireDiskBytes(path: string, bytes: number, what: string, free?: number): Promise<void> {
  const there = free ?? (await freeDiskBytes(path));
  if (there >= bytes + SPARE_BYTES) return;
  throw new LuthierError(
    'disk-full',
    `${what} takes ${formatBytes(bytes)}, but only ${formatBytes(there)} are free at ${path}.`,
    'Free some space, or choose a folder on another disk.',
  );
}

/** Nobody wants a disk filled to its last byte. */
const SPARE_BYTES = 50e6;
