import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from './errno.ts';

// Windows has none of these flags; there a link needs rights that a clone of a repository does not give it.
const { O_NOFOLLOW = 0, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants;

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

/** A link where a file of ours was expected. */
class LinkError extends Error {
  readonly code = 'ELOOP';

  constructor(path: string, options?: ErrorOptions) {
    super(linkAt(path), options);
    this.name = 'LinkError';
  }
}

export const linkAt = (path: string) => `${path} is a link, and runs do not write or delete through links.`;

export interface OpenedFile {
  handle: FileHandle;
  size: number;
}

/**
 * Opens a regular file for reading. What the path names is checked on the open file, so that nothing can take its
 * place in between; a pipe that nobody writes to and a device without an end are refused, never waited for.
 * @throws NotRegularError, or the file system's own error (`ENOENT`, `EACCES`…)
 */
export const openRegularFile = (path: string): Promise<OpenedFile> => openWith(path, 0);

/**
 * The same of a file in a folder of ours, which may have come from elsewhere: a link is refused, too.
 * @throws LinkError, and as openRegularFile
 */
export const openOwnFile = (path: string): Promise<OpenedFile> => openWith(path, O_NOFOLLOW);

async function openWith(path: string, flags: number): Promise<OpenedFile> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | O_NONBLOCK | O_NOCTTY | flags);
  } catch (error) {
    const code = errnoOf(error);
    if (flags !== 0 && (code === 'ELOOP' || code === 'EMLINK')) throw new LinkError(path, { cause: error });
    // What opening a socket, or a device without a driver, gives.
    if (code === 'ENXIO') throw new NotRegularError(path, 'socket');
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
export const readRegularFile = async (path: string, limit: number): Promise<Buffer> =>
  readWhole(await openRegularFile(path), path, limit);

/** The same of a file in a folder of ours. @throws LinkError, and as readRegularFile */
export const readOwnFile = async (path: string, limit: number): Promise<Buffer> =>
  readWhole(await openOwnFile(path), path, limit);

async function readWhole({ handle, size }: OpenedFile, path: string, limit: number): Promise<Buffer> {
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

/** Flags that open a file to append to it, and neither follow a link nor wait for a pipe's reader. */
export const APPEND_FLAGS =
  constants.O_APPEND | constants.O_CREAT | constants.O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

/** Why an open file is nothing to append to, or null. */
export function appendProblem(path: string, status: Stats): string | null {
  if (!status.isFile()) return `${path} is not a file.`;
  return status.nlink > 1 ? hardLinkAt(path) : null;
}

export const hardLinkAt = (path: string) =>
  `${path} is a hard link: what is written to it also appears under another name.`;
