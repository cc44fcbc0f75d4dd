import { randomBytes } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  LEARNED_LIMITS,
  type LearnedCompletion,
  learnedOf,
  lineOf,
  parseLearned,
  withinLimits,
} from '../../completions/learned.ts';
import { isMissing } from '../../files/errno.ts';
import { withLock } from '../../files/lock.ts';
import { APPEND_FLAGS, appendProblem, readOwnFile } from '../../files/regular-file.ts';
import { writeFileAtomically } from '../../files/write-file.ts';
import { HostError } from '../errors.ts';
import { Emitter } from '../events.ts';

/** Larger than what is kept: a file that a person has written into may be. */
const MOST_BYTES = 64 << 20;
const NEWLINE = 10;

export type NewRow = Omit<LearnedCompletion, 'id'>;

/**
 * Completions that a person lets Luthier learn from: a file of JSON lines in the extension's global storage. Windows add
 * lines to its end under a lock, one at a time; a line that cannot be read stays as it is and is passed over.
 */
export class LearnedStore {
  /** There are more, or fewer; of this window alone. */
  readonly changed = new Emitter<void>();
  readonly file: string;
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    this.file = join(folder, 'learned.jsonl');
  }

  /** Adds rows; the oldest go where there are too many then. @returns how many went */
  async add(rows: readonly NewRow[]): Promise<number> {
    if (rows.length === 0) return 0;
    const text = rows.map((row) => lineOf({ id: randomBytes(6).toString('hex'), ...row })).join('');
    const gone = await this.locked(async () => {
      const size = await this.append(text);
      if (size <= LEARNED_LIMITS.bytes) return 0;
      const lines = linesOf(await this.text());
      const left = withinLimits(lines);
      await this.write(left);
      return lines.length - left.length;
    });
    this.changed.fire();
    return gone;
  }

  /** All rows, the oldest first, and the numbers of lines that are none. @throws HostError where the file cannot be read */
  async read(): Promise<{ rows: LearnedCompletion[]; broken: number[] }> {
    return parseLearned(await this.text());
  }

  /** Takes rows out; everything else stays as it stands there. @returns how many there were */
  async remove(ids: readonly string[]): Promise<number> {
    const unwanted = new Set(ids);
    const count = await this.locked(async () => {
      const lines = linesOf(await this.text());
      const left = lines.filter((line) => !unwanted.has(learnedOf(line)?.id ?? ''));
      if (left.length < lines.length) await this.write(left);
      return lines.length - left.length;
    });
    this.changed.fire();
    return count;
  }

  /** Deletes all of them. */
  async delete(): Promise<void> {
    await this.locked(() => rm(this.file, { force: true }));
    this.changed.fire();
  }

  private async locked<T>(work: () => Promise<T>): Promise<T> {
    await mkdir(this.folder, { recursive: true });
    return await withLock(`${this.file}.lock`, work);
  }

  private write = (lines: readonly string[]): Promise<void> =>
    writeFileAtomically(this.file, lines.map((line) => `${line}\n`).join(''), 0o600);

  /** What a window that was killed wrote last may lack its line end: then it alone is broken. @returns the file's size */
  private async append(text: string): Promise<number> {
    const handle = await open(this.file, APPEND_FLAGS, 0o600);
    try {
      const status = await handle.stat();
      const problem = appendProblem(this.file, status);
      if (problem !== null) throw new HostError('not-writable', problem, `Delete ${this.file}.`);
      const last = Buffer.alloc(1);
      if (status.size > 0) await handle.read(last, 0, 1, status.size - 1);
      const isTorn = status.size > 0 && last[0] !== NEWLINE;
      await handle.appendFile(isTorn ? `\n${text}` : text);
      return (await handle.stat()).size;
    } finally {
      await handle.close();
    }
  }

  private async text(): Promise<string> {
    try {
      return (await readOwnFile(this.file, MOST_BYTES)).toString('utf8');
    } catch (error) {
      if (isMissing(error)) return '';
      throw new HostError(
        'data-unreadable',
        `The completions to learn from cannot be read: ${(error as Error).message}`,
        `Look at ${this.file}, or delete it.`,
      );
    }
  }
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');
