import { setImmediate } from 'node:timers/promises';
import { LuthierError } from '../../protocol/index.ts';

/** Called after a piece of work that takes a few milliseconds: lets the process answer others, and ends the work when it is cancelled. */
export type Pace = () => Promise<void>;

/** Bytes of rows that are as much work as a piece of a file. */
const PACE_BYTES = 1 << 16;

/** How long the event loop may wait for a reader, in milliseconds. */
const SLICE_MS = 15;

/** Calls a pace after so much work, where there are rows and no pieces. */
export class Stride {
  #bytes = 0;

  constructor(private readonly pace: Pace | undefined) {}

  /** To be awaited when there is something: most steps have nothing, and an await costs more than a row. */
  step(bytes: number): Promise<void> | undefined {
    this.#bytes += bytes;
    if (this.#bytes < PACE_BYTES || !this.pace) return undefined;
    this.#bytes = 0;
    return this.pace();
  }
}

export function pacer(signal?: AbortSignal): Pace {
  let since = performance.now();
  return async () => {
    if (performance.now() - since >= SLICE_MS) {
      await setImmediate();
      since = performance.now();
    }
    if (signal?.aborted) throw new LuthierError('cancelled', 'Reading the data was cancelled.');
  };
}
