import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { openOwnFile } from '../../guard/index.ts';
import { parseRunEvent, type RunEvent } from '../../protocol/index.ts';
import { isMissing } from '../files.ts';

/** Bytes parsed before others get their turn: about 1 ms of work. */
const CHUNK_BYTES = 64 * 1024;

/** Place in metrics.jsonl that reading goes on from. */
export interface MetricsPosition {
  byte: number;
  /** Whole lines before it. */
  line: number;
}

/** An event with its 0-based line in metrics.jsonl. */
export interface MetricsLine {
  line: number;
  event: RunEvent;
}

export const START_OF_METRICS: MetricsPosition = { byte: 0, line: 0 };

/**
 * Reads a run's metrics.jsonl from `from` to its last whole line, handing over the events chunk by chunk and letting
 * the event loop run in between: the extension host never blocks for a file of any size. Lines that are no events
 * (torn by a kill, or a newer version's) are counted and skipped. Returns where to go on. No file reads as empty.
 */
export async function readMetrics(
  folder: string,
  from: MetricsPosition,
  onLines: (lines: MetricsLine[]) => void,
): Promise<MetricsPosition> {
  let file: FileHandle;
  try {
    file = await openOwnFile(join(folder, 'metrics.jsonl'));
  } catch (error) {
    if (isMissing(error)) return from;
    throw error;
  }
  try {
    let { byte, line } = from;
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let rest = Buffer.alloc(0);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, byte + rest.length);
      if (bytesRead === 0) break;
      const data = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      const end = data.lastIndexOf(0x0a) + 1;
      rest = Buffer.from(data.subarray(end));
      if (end === 0) continue;
      const events: MetricsLine[] = [];
      const texts = data.toString('utf8', 0, end).split('\n');
      texts.pop();
      for (const text of texts) {
        const event = parseLine(text);
        if (event) events.push({ line, event });
        line++;
      }
      byte += end;
      if (events.length > 0) onLines(events);
      await breathe();
    }
    return { byte, line };
  } finally {
    await file.close();
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
