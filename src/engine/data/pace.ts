import { setImmediate } from 'node:timers/promises';
import { LuthierError } from '../errors.ts';

/** Called after a piece of work that takes a few milliseconds: lets the process answer others, and ends the work when it is cancelled. */
export type Pace = () => Promise<void>;

/** Bytes of rows after which to call it, where there are no pieces. */
export const PACE_BYTES = 1 << 16;

/** How long the event loop may wait for a reader, in milliseconds. */
const SLICE_MS = 15;

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
