import { LuthierError, type RunEvent } from '../../../protocol/index.ts';
import { connectRun, lookAtProcess } from '../../../runs/client.ts';
import { readRecord } from '../../../runs/record.ts';
import { startRun } from '../start.ts';

export interface WithinOptions {
  /** Seconds after which the run is asked to stop, and after which it is ended whatever it does; null for never. */
  stop_s: number | null;
  end_s: number | null;
  /** First interrupts the run, which can be resumed. */
  signal: AbortSignal;
  /** Ends it at once. */
  killed: AbortSignal;
  onEvent: (event: RunEvent) => void;
  runner?: string | undefined;
}

/** How a run came to its end here: by itself, asked to stop since its time was over, ended at the end of it, or interrupted. */
export type Ending = 'ended' | 'stopped' | 'killed' | 'interrupted';

/**
 * Starts the run of a candidate, or goes on with it, or looks on where its process still works, until it ends.
 * @param folder of a run that has not ended
 * @throws LuthierError as startRun
 */
export async function runWithin(folder: string, options: WithinOptions): Promise<Ending> {
  const { signal, killed, stop_s, end_s, onEvent, runner } = options;
  if (signal.aborted) return 'interrupted';
  const { started_at } = await readRecord(folder);
  // A run outlives whoever began it: one whose process still works is looked on at.
  if ((await lookAtProcess(folder)) === null)
    await startRun(folder, { resume: started_at !== null, ...(runner !== undefined && { runner }) });
  let ending: Ending = 'ended';
  const client = await connectRun(folder, 'a comparison').catch((error: unknown) => {
    // It has come to its end before we could connect.
    if (error instanceof LuthierError && error.code === 'interrupted') return null;
    throw error;
  });
  if (client === null) return ending;
  const closed = new Promise<void>((resolve) => client.onClose(resolve));
  client.onEvent(({ event }) => onEvent(event));
  const ask = (wish: 'stop' | 'interrupt', as: Ending) => {
    ending = as;
    // Its answer may be lost with the connection, which says as much.
    client.request(wish, {}).catch(() => undefined);
  };
  const kill = () => {
    try {
      process.kill(client.pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  };
  const after = (seconds: number | null, work: () => void) =>
    seconds === null ? undefined : setTimeout(work, 1000 * Math.max(0, seconds));
  const timers = [
    after(stop_s, () => ask('stop', 'stopped')),
    after(end_s, () => {
      ending = 'killed';
      kill();
    }),
  ];
  const interrupt = () => ask('interrupt', 'interrupted');
  signal.addEventListener('abort', interrupt);
  killed.addEventListener('abort', kill);
  if (signal.aborted) interrupt();
  try {
    await client.request('subscribe', { from_line: 0 }).catch(() => undefined);
    await closed;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener('abort', interrupt);
    killed.removeEventListener('abort', kill);
    client.close();
  }
  return ending;
}
