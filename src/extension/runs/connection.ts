import { processLives } from '../../files/processes.ts';
import type { RunNotifications, RunRequests } from '../../protocol/index.ts';
import * as runs from '../../runs/client.ts';
import { readEndpoint } from '../../runs/endpoint.ts';
import { HostError } from '../errors.ts';
import type { Log } from '../log.ts';

/** A run in training answers between two steps; a step of a large model takes seconds, its first tens of seconds. */
const ANSWER_LIMIT_MS = 120_000;
const GREETING_LIMIT_MS = 30_000;
const PING_MS = 10_000;

export interface RunConnection {
  pid: number;
  request<M extends keyof RunRequests>(method: M, params: RunRequests[M]['params']): Promise<RunRequests[M]['result']>;
  /** Lines of metrics.jsonl from `fromLine` on, then every new one. */
  subscribe(fromLine: number, listener: (line: RunNotifications['event']) => void): Promise<number>;
  /** Told from time to time whether the process still answers. */
  onPulse(listener: (answers: boolean) => void): void;
  onClose(listener: () => void): void;
  close(): void;
}

/** `nobody`: no file, a dead socket, or not the run's process. `silent`: a process took the call and says nothing yet. */
export type Attempt = RunConnection | 'nobody' | 'silent';

/**
 * Reads `folder/endpoint.json` and connects to the run's process. Pids are reused, so only the handshake proves who
 * answers; a step blocks the process's thread, so silence alone does not prove that it is dead.
 */
export async function connectRun(
  folder: string,
  client: string,
  log: Log,
  greetingLimitMs = GREETING_LIMIT_MS,
): Promise<Attempt> {
  let silent = false;
  const options = {
    helloMs: greetingLimitMs,
    answerMs: ANSWER_LIMIT_MS,
    log,
    gone: () =>
      new HostError(
        'run-unreachable',
        'The training process stopped unexpectedly.',
        'Resume picks up at its last checkpoint.',
      ),
    silent: () => {
      silent = true;
      return new HostError(
        'run-unreachable',
        'The training process does not answer.',
        'Discard Run ends it; Show Log has its output.',
        ['showLog'],
      );
    },
  };
  try {
    const run = await runs.connectRun(folder, client, options);
    let pulse: NodeJS.Timeout | undefined;
    run.onClose(() => clearInterval(pulse));
    return {
      ...run,
      subscribe: async (fromLine, listener) => {
        run.onEvent(listener);
        return (await run.request('subscribe', { from_line: fromLine })).next_line;
      },
      onPulse: (listener) => {
        let isWaiting = false;
        pulse = setInterval(async () => {
          if (isWaiting) return;
          isWaiting = true;
          const ping = run.request('ping', {});
          listener(await ping.then(() => true).catch(() => false));
          isWaiting = false;
        }, PING_MS);
        pulse.unref();
      },
    };
  } catch (error) {
    log.debug(`${folder}: ${error instanceof Error ? error.message : String(error)}`);
    const called = silent ? await readEndpoint(folder) : null;
    return called && processLives(called.pid) ? 'silent' : 'nobody';
  }
}
