import { Peer, type PeerOptions } from '../files/rpc.ts';
import { shellQuoted } from '../files/shell.ts';
import {
  LuthierError,
  type RunNotifications,
  type RunRecord,
  type RunRequests,
  WORKING_STATES,
} from '../protocol/index.ts';
import { dialRun } from './dial.ts';
import { isJustStarting } from './holder.ts';
import { readRecord } from './record.ts';

/** A step blocks the run's thread, and a first one of a large model takes long. */
const HELLO_MS = 60_000;
/** How long a list waits for a run to say how it is. */
const LOOK_MS = 500;

/** A connection to a run's process. Everything on it ends: when the process dies, what is pending is rejected. */
export interface RunClient {
  readonly record: RunRecord;
  readonly pid: number;
  request<K extends keyof RunRequests>(method: K, params: RunRequests[K]['params']): Promise<RunRequests[K]['result']>;
  onEvent(listener: (event: RunNotifications['event']) => void): void;
  onClose(listener: () => void): void;
  close(): void;
}

export interface RunClientOptions extends PeerOptions {
  /** Longest silence in milliseconds until the run's process says who it is. */
  helloMs?: number;
  /** The same for its later answers; default: as long as the connection lives. */
  answerMs?: number;
}

/**
 * Connects to the process of a run. Pids are used again, so only the handshake proves who answers.
 * @throws LuthierError `interrupted` when no process answers there, `run-busy` (or what `silent` says) when one is there
 * and says nothing
 */
export async function connectRun(
  folder: string,
  client: string,
  { helloMs = HELLO_MS, answerMs, ...options }: RunClientOptions = {},
): Promise<RunClient> {
  let why: string | undefined;
  const called = await dialRun(folder, (reason) => {
    why = reason;
    options.log?.debug(`${folder}: ${reason}`);
  });
  if (called === null) throw noProcess(folder, why);
  const { socket, endpoint } = called;
  const peer = new Peer<RunRequests, Record<string, never>, RunNotifications>(socket, socket, {
    silent: () => busy(folder),
    ...options,
  });
  const listeners: ((event: RunNotifications['event']) => void)[] = [];
  peer.hear('event', (event) => {
    for (const listener of listeners) listener(event);
  });
  peer.listen();
  try {
    const hello = await peer.request('hello', { token: endpoint.token, client }, { silenceMs: helloMs });
    return {
      ...hello,
      request: (method, params) => peer.request(method, params, { silenceMs: answerMs }),
      onEvent: (listener) => void listeners.push(listener),
      onClose: (listener) => peer.onClose(listener),
      close: () => {
        peer.close();
        socket.end();
      },
    };
  } catch (error) {
    peer.close();
    socket.destroy();
    throw error;
  }
}

const noProcess = (folder: string, cause: string | undefined) =>
  new LuthierError(
    'interrupted',
    `No process is working on ${folder}.`,
    `Resume the run with luthier runs resume ${shellQuoted(folder)}.`,
    { cause },
  );

const busy = (folder: string) =>
  new LuthierError(
    'run-busy',
    `The process of ${folder} does not answer.`,
    'It may be busy with a long step; try again later.',
  );

/** How a run's process is: its state as it says itself, `busy` when it is there but in a step, or null when it is not there. */
export async function lookAtProcess(folder: string): Promise<RunRecord | 'busy' | null> {
  try {
    const client = await connectRun(folder, 'look', { helloMs: LOOK_MS });
    client.close();
    return client.record;
  } catch (error) {
    return error instanceof LuthierError && error.code === 'run-busy' ? 'busy' : null;
  }
}

/**
 * A run's record as a reader should see it: one that says that it works while its process does not answer is
 * `interrupted`. (A process is known by its answer, not by its pid, which the system uses again.)
 * @throws LuthierError as readRecord
 */
export async function readRun(folder: string): Promise<RunRecord> {
  const record = await readRecord(folder);
  if (!WORKING_STATES.has(record.state)) return record;
  const seen = await lookAtProcess(folder);
  if (seen === 'busy') return record;
  if (seen !== null) return seen;
  // Its process may have ended between the two looks.
  const now = await readRecord(folder);
  if (!WORKING_STATES.has(now.state)) return now;
  return (await isJustStarting(folder, now)) ? now : { ...now, state: 'interrupted' };
}
