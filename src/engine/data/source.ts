import { basename } from 'node:path';
import { nearFile } from '../../files/near-file.ts';
import { NotRegularError, openRegularFile } from '../../files/regular-file.ts';
import { LuthierError } from '../../protocol/index.ts';
import { orMeant } from '../../protocol/nearest.ts';
import type { Pace } from './pace.ts';

/** Largest file that is read. Rows are kept in memory, packed: about a byte for each byte of the file. */
export const MAX_BYTES = 512 * 2 ** 20;

/** Bytes of a piece: a few milliseconds of work for any reader, so that a cancellation is heard at once. */
const PIECE = 1 << 16;

/** Bytes that can be gone through more than once without all being in memory. */
export interface Source {
  /** The file as messages call it. */
  name: string;
  size: number;
  /** The bytes from the first on. A piece holds until the next is asked for; its memory is then used again. */
  pieces(pace: Pace): AsyncGenerator<Buffer>;
  close(): Promise<void>;
}

export function bufferSource(bytes: Buffer, name: string): Source {
  refuseTooLarge(bytes.length, name);
  return {
    name,
    size: bytes.length,
    async *pieces(pace) {
      for (let from = 0; from < bytes.length; from += PIECE) {
        yield bytes.subarray(from, from + PIECE);
        await pace();
      }
    },
    close: async () => {},
  };
}

/**
 * A regular file. What is written at its end while it is read does not count; any other change ends the reading.
 * @throws LuthierError `data-unreadable`
 */
export async function fileSource(file: string): Promise<Source> {
  const name = basename(file);
  try {
    const { handle, size } = await openRegularFile(file);
    try {
      refuseTooLarge(size, name);
      const { mtimeMs } = await handle.stat();
      const memory = Buffer.allocUnsafeSlow(Math.min(PIECE, Math.max(size, 1)));
      return {
        name,
        size,
        async *pieces(pace) {
          for (let from = 0; from < size; ) {
            const { bytesRead } = await handle
              .read(memory, 0, Math.min(PIECE, size - from), from)
              .catch(async (error) => {
                throw await asReadError(error, file);
              });
            if (bytesRead === 0) throw changed(name);
            yield memory.subarray(0, bytesRead);
            from += bytesRead;
            await pace();
          }
          const now = await handle.stat();
          // A log that grows has another time, too: its first lines stay.
          if (now.size < size || (now.size === size && now.mtimeMs !== mtimeMs)) throw changed(name);
        },
        close: () => handle.close(),
      };
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    throw await asReadError(error, file);
  }
}

function changed(name: string): LuthierError {
  return new LuthierError(
    'data-unreadable',
    `${name} changed while it was being read.`,
    'Try again once it is complete.',
  );
}

function refuseTooLarge(size: number, name: string): void {
  if (size <= MAX_BYTES) return;
  throw new LuthierError(
    'data-unreadable',
    `${name} is ${Math.round(size / 2 ** 20).toLocaleString('en')} MB in size; the limit is ${MAX_BYTES / 2 ** 20} MB.`,
    'Fine-tuning rarely needs that much: use some of its rows.',
  );
}

/** An error of the file system as one that names the file and the way out. */
export async function asReadError(error: unknown, file: string): Promise<unknown> {
  if (!(error instanceof Error) || error instanceof LuthierError || !('code' in error)) return error;
  const cause = { cause: error };
  if (error instanceof NotRegularError) {
    return new LuthierError(
      'data-unreadable',
      `${file} is a ${error.kind}, not a file.`,
      error.kind === 'folder' ? 'Name one of the files in it.' : 'Save its output to a file, and name that file.',
      cause,
    );
  }
  switch (error.code) {
    case 'ENOENT':
      return new LuthierError(
        'data-unreadable',
        `There is no file ${file}${orMeant(await nearFile(file))}`,
        'Check the path; in a recipe, paths are relative to the recipe.',
        cause,
      );
    case 'EISDIR':
      return new LuthierError(
        'data-unreadable',
        `${file} is a folder, not a file.`,
        'Name one of the files in it.',
        cause,
      );
    case 'EACCES':
    case 'EPERM':
      return new LuthierError(
        'data-unreadable',
        `${file} cannot be read: permission denied.`,
        'Give yourself permission to read it.',
        cause,
      );
    default:
      return new LuthierError(
        'data-unreadable',
        `${file} cannot be read (${error.message}).`,
        'Check the disk and the path.',
        cause,
      );
  }
}
