import { Cancelled } from './errors.ts';

/**
 * What `ask` gives; whoever cancels does not wait for it. Where `signal` has ended already, nothing is asked.
 * @throws Cancelled as soon as `signal` ends
 */
export async function abortable<T>(ask: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await ask();
  if (signal.aborted) throw new Cancelled();
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new Cancelled());
  });
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([ask(), aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
