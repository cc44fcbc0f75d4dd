import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** What stands where a regular file was expected. `code` is `EISDIR` for a folder and `ENOTREG` for the rest. */
export class NotRegularError extends Error {
  readonly code: 'EISDIR' | 'ENOTREG';

  constructor(
    readonly path: string,
    readonly kind: 'folder' | 'pipe' | 'device' | 'socket',
  ) {
    super(`${path} is a ${kind}, not a file.`);
    this.name = 'NotRegularError';
    this.code = kind === 'folder' ? 'EISDIR' : 'ENOTREG';
  }
}

/** A file that has more bytes than its reader takes. */
export class TooLargeError extends Error {
  readonly code = 'EFBIG';

  constructor(
    readonly path: string,
    /** As far as it is known: a file that grows while it is read has more. */
    readonly size: number,
    readonly limit: number,
  ) {
    super(`${path} has ${size.toLocaleString('en')} bytes; at most ${limit.toLocaleString('en')} are read.`);
    this.name = 'TooLargeError';
  }
}

export interface OpenOptions {
  /** Refuses a symbolic link as the path's last part (`ELOOP`; Windows has no such flag). */
  noFollow?: boolean | undefined;
}

/**
 * Opens a regular file for reading. What the path names is checked on the open file, so that nothing can take its
 * place in between; a pipe that nobody writes to and a device without an end are refused, never waited for.
 * @throws NotRegularError, or the file system's own error (`ENOENT`, `EACCES`, `ELOOP`…)
 */
export async function openRegularFile(
  path: string,
  { noFollow = false }: OpenOptions = {},
): Promise<{ handle: FileHandle; size: number }> {
  // Windows has neither flag; there a pipe's name cannot be taken for a file's.
  const { O_RDONLY, O_NONBLOCK = 0, O_NOCTTY = 0, O_NOFOLLOW = 0 } = constants;
  let handle: FileHandle;
  try {
    handle = await open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | (noFollow ? O_NOFOLLOW : 0));
  } catch (error) {
    // What opening a socket, or a device without a driver, gives.
    if (error instanceof Error && 'code' in error && error.code === 'ENXIO') throw new NotRegularError(path, 'socket');
    throw error;
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) {
      const kind = stat.isDirectory() ? 'folder' : stat.isFIFO() ? 'pipe' : stat.isSocket() ? 'socket' : 'device';
      throw new NotRegularError(path, kind);
    }
    return { handle, size: stat.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * A regular file's content, at most `limit` bytes of it, whatever size its entry says that it has.
 * @throws NotRegularError, TooLargeError, or the file system's own error
 */
export async function readRegularFile(path: string, limit: number, options: OpenOptions = {}): Promise<Buffer> {
  const { handle, size } = await openRegularFile(path, options);
  try {
    if (size > limit) throw new TooLargeError(path, size, limit);
    // One byte more than it has shows its end; entries of /proc say 0 and have more.
    let bytes = Buffer.allocUnsafe(Math.max(size, 4095) + 1);
    let length = 0;
    for (;;) {
      if (length === bytes.length) {
        const larger = Buffer.allocUnsafe(2 * bytes.length);
        bytes.copy(larger);
        bytes = larger;
      }
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, null);
      if (bytesRead === 0) return bytes.subarray(0, length);
      length += bytesRead;
      if (length > limit) throw new TooLargeError(path, length, limit);
    }
  } finally {
    await handle.close();
  }
}
