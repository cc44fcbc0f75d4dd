import { setImmediate as breathe } from 'node:timers/promises';
import { isMissing } from '../files/errno.ts';
import { type OpenedFile, openOwnFile } from '../files/regular-file.ts';
import { parseRunEvent, type RunEvent, type RunNotifications } from '../protocol/index.ts';

const NEWLINE = 0x0a;
/** Bytes parsed before others get their turn: about 1 ms of work. */
const CHUNK_BYTES = 64 * 1024;
/** No event is longer; of a longer line the middle is passed over. */
const MAX_LINE_BYTES = 4 << 20;

/** Place in metrics.jsonl that reading goes on from. */
export interface MetricsPosition {
  byte: number;
  /** Whole lines before it. */
  line: number;
}

/** An event with its 0-based line in metrics.jsonl. */
export type MetricsLine = RunNotifications['event'];

export const START_OF_METRICS: MetricsPosition = { byte: 0, line: 0 };

/**
 * Reads a run's metrics.jsonl from `from` to its last whole line, handing over the events chunk by chunk and letting
 * the event loop run in between: nobody is blocked by a file of any size. Lines that are no events (torn by a kill, or
 * a newer version's) are counted and skipped. Returns where to go on. No file reads as empty.
 */
export async function readMetrics(
  path: string,
  from: MetricsPosition,
  onLines: (lines: MetricsLine[]) => void,
): Promise<MetricsPosition> {
  let file: OpenedFile;
  try {
    file = await openOwnFile(path);
  } catch (error) {
    if (isMissing(error)) return from;
    throw error;
  }
  try {
    let { byte, line } = from;
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let rest = Buffer.alloc(0);
    for (let at = byte; ; ) {
      const { bytesRead } = await file.handle.read(buffer, 0, CHUNK_BYTES, at);
      if (bytesRead === 0) return { byte, line };
      const chunk = buffer.subarray(0, bytesRead);
      const end = chunk.lastIndexOf(NEWLINE) + 1;
      if (end === 0) {
        if (rest.length < MAX_LINE_BYTES) rest = Buffer.concat([rest, chunk]);
      } else {
        const texts = Buffer.concat([rest, chunk.subarray(0, end)])
          .toString('utf8')
          .split('\n');
        texts.pop();
        const events: MetricsLine[] = [];
        for (const text of texts) {
          const event = parseLine(text);
          if (event !== null) events.push({ line, event });
          line++;
        }
        rest = Buffer.from(chunk.subarray(end));
        byte = at + end;
        if (events.length > 0) onLines(events);
      }
      at += bytesRead;
      await breathe();
    }
  } finally {
    await file.handle.close();
  }
}

function parseLine(text: string): RunEvent | null {
  if (!text) return null;
  try {
    const parsed = parseRunEvent(JSON.parse(text));
    return parsed.ok ? parsed.message : null;
  } catch {
    return null;
  }
}

/** All whole events from a line on. A missing file has none. */
export async function readEvents(path: string, fromLine = 0): Promise<MetricsLine[]> {
  const events: MetricsLine[] = [];
  await readMetrics(path, START_OF_METRICS, (lines) => {
    for (const logged of lines) if (logged.line >= fromLine) events.push(logged);
  });
  return events;
}

/**
 * What counts of a log: after a resume the steps beyond its checkpoint were done again or never reached, so a `start`
 * takes back whatever came after its step, and of a step the last line holds.
 */
export function effectiveEvents(events: readonly MetricsLine[]): RunEvent[] {
  let kept: RunEvent[] = [];
  for (const { event } of events) {
    if (event.event === 'start') kept = kept.filter((e) => !isAfter(e, event.step));
    kept.push(event);
  }
  const lastOfStep = new Map<number, RunEvent>();
  for (const event of kept) if (event.event === 'step') lastOfStep.set(event.step, event);
  return kept.filter((event) => event.event !== 'step' || lastOfStep.get(event.step) === event);
}

/** Whether it is of a later step: a note is of none, but where it says one. */
const isAfter = (event: RunEvent, step: number): boolean =>
  event.event !== 'start' && event.event !== 'done' && 'step' in event && event.step !== undefined && event.step > step;
