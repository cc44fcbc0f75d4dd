import { PassThrough } from 'node:stream';
import {
  createMessageConnection,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import type { ServiceProcess } from '../engine/service.ts';

/** The far end of a service's wire, in this process: a test answers requests, stays silent, or dies. */
export interface FakeService extends ServiceProcess {
  connection: MessageConnection;
  /** Ends the streams and says how it ended, as a process does. */
  die(reason: string): void;
  /** Bytes on its output that are no message. */
  babble(text: string): void;
  killed: boolean;
}

export function fakeService(handlers: Record<string, (params: never) => unknown> = {}): FakeService {
  const toHost = new PassThrough();
  const toService = new PassThrough();
  const connection = createMessageConnection(new StreamMessageReader(toService), new StreamMessageWriter(toHost));
  const all: Record<string, (params: never) => unknown> = {
    initialize: () => ({ version: '0', node: process.version, pid: 1 }),
    shutdown: () => null,
    ...handlers,
  };
  for (const [method, handler] of Object.entries(all))
    connection.onRequest(method, (params) => handler(params as never));
  connection.listen();
  const exits: ((reason: string) => void)[] = [];
  const fake: FakeService = {
    connection,
    output: toHost,
    input: toService,
    description: 'a stand-in',
    onExit: (listener) => void exits.push(listener),
    kill: () => {
      if (fake.killed) return;
      fake.killed = true;
      fake.die('signal SIGKILL');
    },
    die: (reason) => {
      connection.dispose();
      toHost.destroy();
      for (const listener of exits.splice(0)) listener(reason);
    },
    babble: (text) => void toHost.write(text),
    killed: false,
  };
  return fake;
}

/** Never answers. */
export const never = (): Promise<never> => new Promise(() => {});
