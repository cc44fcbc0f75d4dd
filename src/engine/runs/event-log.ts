import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { errnoOf } from '../../files/errno.ts';
import { APPEND_FLAGS, appendProblem } from '../../files/regular-file.ts';
import { writeError } from '../../files/write-file.ts';
import { LuthierError, type RunEvent } from '../../protocol/index.ts';

const NEWLINE = 10;

/** How bytes reach the file, as fs.writeSync; replaced in the test of a full disk. @returns how many were written */
export type Append = (fd: number, bytes: Uint8Array) => number;

/**
 * The append-only log of a run's events, one JSON object a line. Lines are counted as they stand in the file, so
 * that a reader that has seen n of them can ask for the next.
 */
export class EventLog {
  readonly path: string;
  readonly #fd: number;
  readonly #append: Append;
  #lines: number;

  private constructor(path: string, fd: number, lines: number, append: Append) {
    this.path = path;
    this.#fd = fd;
    this.#lines = lines;
    this.#append = append;
  }

  /** Opens or makes the file. A last line torn by a kill is ended, so that what is written next stands on its own. */
  static open(path: string, append: Append = writeSync): EventLog {
    try {
      const fd = openSync(path, APPEND_FLAGS, 0o666);
      const problem = appendProblem(path, fstatSync(fd));
      if (problem !== null) {
        closeSync(fd);
        throw new LuthierError('run-untrusted', problem);
      }
      const { lines, torn } = countLines(fd);
      if (torn) writeSync(fd, '\n');
      return new EventLog(path, fd, lines + (torn ? 1 : 0), append);
    } catch (error) {
      if (errnoOf(error) === 'ELOOP')
        throw new LuthierError('run-untrusted', `${path} is a link.`, undefined, { cause: error });
      throw writeError(path, error);
    }
  }

  get lines(): number {
    return this.#lines;
  }

  /** @returns the line's index @throws LuthierError `disk-full` */
  append(event: RunEvent): number {
    try {
      // A disk that is almost full takes a part, and refuses the next.
      let rest: Uint8Array = Buffer.from(`${JSON.stringify(event)}\n`);
      while (rest.length > 0) rest = rest.subarray(this.#append(this.#fd, rest));
    } catch (error) {
      throw writeError(this.path, error);
    }
    return this.#lines++;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function countLines(fd: number): { lines: number; torn: boolean } {
  const { size } = fstatSync(fd);
  const buffer = Buffer.alloc(1 << 20);
  let lines = 0;
  let last = NEWLINE;
  for (let at = 0; at < size; ) {
    const read = readSync(fd, buffer, 0, buffer.length, at);
    if (read === 0) break;
    for (let i = buffer.indexOf(NEWLINE); i !== -1 && i < read; i = buffer.indexOf(NEWLINE, i + 1)) lines++;
    last = buffer[read - 1]!;
    at += read;
  }
  return { lines, torn: last !== NEWLINE };
}
