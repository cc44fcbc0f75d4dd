import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { APPEND_FLAGS, appendProblem, readOwnFile } from '../../guard/index.ts';
import type { RunEvent } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { errnoOf, writeError } from '../hub/write-file.ts';

const NEWLINE = 10;
/** Of a longer log no string could be made. */
const MAX_LOG_BYTES = 500_000_000;

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

export interface LoggedEvent {
  line: number;
  event: RunEvent;
}

/** All whole events from a line on, as they stand. A line that is torn is passed over; a missing file has no events. */
export async function readEvents(path: string, fromLine = 0): Promise<LoggedEvent[]> {
  let text: string;
  try {
    text = (await readOwnFile(path, MAX_LOG_BYTES)).toString('utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
  const events: LoggedEvent[] = [];
  const lines = text.split('\n');
  // What follows the last newline is still being written, or was torn.
  for (let line = fromLine; line < lines.length - 1; line++) {
    const event = parseEvent(lines[line]!);
    if (event !== null) events.push({ line, event });
  }
  return events;
}

function parseEvent(line: string): RunEvent | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'event' in value ? (value as RunEvent) : null;
  } catch {
    return null;
  }
}

/**
 * What counts of a log: after a resume the steps beyond its checkpoint were done again or never reached, so a `start`
 * takes back whatever came after its step, and of a step the last line holds.
 */
export function effectiveEvents(events: readonly LoggedEvent[]): RunEvent[] {
  let kept: RunEvent[] = [];
  for (const { event } of events) {
    if (event.event === 'start') kept = kept.filter((e) => !isOfStep(e) || e.step <= event.step);
    kept.push(event);
  }
  const lastOfStep = new Map<number, RunEvent>();
  for (const event of kept) if (event.event === 'step') lastOfStep.set(event.step, event);
  return kept.filter((event) => event.event !== 'step' || lastOfStep.get(event.step) === event);
}

const isOfStep = (event: RunEvent) => event.event === 'step' || event.event === 'eval' || event.event === 'checkpoint';
