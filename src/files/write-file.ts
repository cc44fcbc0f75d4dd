import { randomBytes } from 'node:crypto';
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LuthierError } from '../protocol/index.ts';
import { errnoOf } from './errno.ts';
import { processLives } from './processes.ts';

/** Turns a failed write into what a person can act on; anything that is no known file error comes back as it is. */
export function writeError(path: string, error: unknown): unknown {
  switch (errnoOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new LuthierError(
        'disk-full',
        `The disk is full: ${path} could not be written.`,
        'Free some space, or choose another folder. What was there before is unchanged.',
        { cause: error },
      );
    default: {
      const why = WHY_NOT[errnoOf(error) ?? ''];
      if (why === undefined) return error;
      const message = `${path} cannot be written: ${why} (${errnoOf(error)}).`;
      return new LuthierError('not-writable', message, 'Choose a folder that you can write to.', { cause: error });
    }
  }
}

/** What stands in the way, by the code of Node's system error. */
const WHY_NOT: Readonly<Record<string, string>> = {
  ENOENT: 'a folder of its path is missing',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'a file has this name',
  EISDIR: 'a folder has this name',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the disk is read-only',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'links lead in a circle',
};

/**
 * Writes a file so that a reader sees the old one or the whole new one: beside it under another name, fsync, rename.
 * @param content its text or bytes, or what writes them
 * @param mode of a new file: 0o600 keeps it from other users
 * @throws LuthierError `disk-full` or `not-writable`; whatever `content` throws. The old file is then untouched.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array | ((file: FileHandle) => Promise<void>),
  mode = 0o666,
): Promise<void> {
  const aside = join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(aside, 'wx', mode);
    try {
      await (typeof content === 'function' ? content(file) : file.writeFile(content));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw writeError(path, error);
  }
  await syncFolder(dirname(path));
}

/** The same of a value as JSON that people can read. */
export const writeJson = (path: string, value: unknown): Promise<void> =>
  writeFileAtomically(path, `${JSON.stringify(value, null, 2)}\n`);

/**
 * Makes a folder that files of ours go to, with its parents. One that is a link already stands elsewhere, and what is
 * there is somebody's own.
 * @throws LuthierError `disk-full` or `not-writable`
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    if (!(await lstat(path)).isSymbolicLink()) return;
  } catch (error) {
    throw writeError(path, error);
  }
  throw new LuthierError(
    'not-writable',
    `${path} is a link, and models are not written through links.`,
    'Put a real folder in its place.',
  );
}

/** Versions before 0.2 did not say whose a file is; of theirs only old ones are known to be left behind. */
const ASIDE = /^\..+\.(?:(\d+)-)?[0-9a-f]{12}\.tmp$/;
const OLD_MS = 3_600_000;

/**
 * Deletes what writeFileAtomically left in a folder when its process was killed: files as large as a model, which
 * nothing else would ever take away. Those of processes that live stay.
 */
export async function sweepAside(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const match = ASIDE.exec(name);
    if (match === null) continue;
    const path = join(folder, name);
    const status = await lstat(path).catch(() => null);
    if (!status?.isFile()) continue;
    const isLeft = match[1] === undefined ? Date.now() - status.mtimeMs > OLD_MS : !processLives(Number(match[1]));
    if (isLeft) await rm(path, { force: true }).catch(() => undefined);
  }
}

/** Makes a rename durable. Windows cannot open folders and some file systems cannot sync them: then the rename is all. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined || !['EISDIR', 'EACCES', 'EPERM', 'EINVAL', 'ENOTSUP'].includes(code)) throw error;
  }
}
