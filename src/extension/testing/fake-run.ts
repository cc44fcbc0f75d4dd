import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createMessageConnection,
  type MessageConnection,
  SocketMessageReader,
  SocketMessageWriter,
} from 'vscode-jsonrpc/node';
import type { Recipe, RunEvent, RunRecord, RunState } from '../../protocol/index.ts';

let serial = 0;

/** Sockets are connected to in folders alone that only this user may enter. */
let sockets: string | undefined;
function socketFolder(): string {
  sockets ??= mkdtempSync(join(tmpdir(), 'luthier-t-'));
  return sockets;
}

/** A complete record, with what a test says of it. */
export function recordOf(change: Partial<RunRecord> & { id: string }): RunRecord {
  return {
    format: 1,
    name: change.id,
    note: '',
    state: 'queued',
    recipe: { model: 'starters/bert', dataset: '/data/tickets.csv', metric_for_best_model: 'accuracy' } as Recipe,
    recipe_path: null,
    created_at: new Date(Date.UTC(2026, 0, 1) + 1000 * serial++).toISOString(),
    started_at: null,
    finished_at: null,
    step: 0,
    total_steps: 0,
    labels: ['a', 'b'],
    best: null,
    model: null,
    error: null,
    environment: null,
    ...change,
  };
}

/** Writes a run's folder under `home` and gives its path. */
export function makeRun(home: string, change: Partial<RunRecord> & { id: string }): string {
  const folder = join(home, 'runs', change.id);
  mkdirSync(folder, { recursive: true });
  writeRun(folder, recordOf(change));
  return folder;
}

export const writeRun = (folder: string, record: RunRecord): void =>
  writeFileSync(join(folder, 'run.json'), JSON.stringify(record));

/** A run's process as far as its socket goes, in this process. */
export interface FakeRun {
  folder: string;
  record: RunRecord;
  requests: string[];
  emit(event: RunEvent): void;
  setState(state: RunState): void;
  /** Closes the socket; the record stays as it is, as after a kill. */
  die(): Promise<void>;
}

export async function startFakeRun(
  home: string,
  change: Partial<RunRecord> & { id: string },
  token = 'secret',
): Promise<FakeRun> {
  const folder = makeRun(home, { state: 'running', started_at: new Date().toISOString(), ...change });
  return await serveRun(folder, recordOf({ state: 'running', started_at: new Date().toISOString(), ...change }), token);
}

export async function serveRun(folder: string, record: RunRecord, token = 'secret'): Promise<FakeRun> {
  const address =
    process.platform === 'win32'
      ? `\\\\.\\pipe\\luthier-test-${process.pid}-${serial++}`
      : join(socketFolder(), `${serial++}.sock`);
  const connections = new Set<MessageConnection>();
  const sockets = new Set<Socket>();
  let line = 0;
  const run: FakeRun = {
    folder,
    record,
    requests: [],
    emit: (event) => {
      for (const connection of connections) connection.sendNotification('event', { line, event }).catch(() => {});
      line++;
    },
    setState: (state) => {
      run.record = { ...run.record, state };
      writeRun(folder, run.record);
      run.emit({ event: 'state', time: 0, state });
    },
    die: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      if (process.platform !== 'win32') rmSync(address, { force: true });
    },
  };
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
    connection.onRequest('hello', (params: { token: string }) => {
      if (params.token !== token) throw new Error('wrong token');
      return { record: run.record, pid: process.pid };
    });
    connection.onRequest('subscribe', () => {
      connections.add(connection);
      return { next_line: line };
    });
    connection.onRequest('ping', () => ({ state: run.record.state, step: run.record.step }));
    connection.onRequest('describe', (params: { name?: string; note?: string }) => {
      run.record = { ...run.record, ...params };
      writeRun(folder, run.record);
      return { record: run.record };
    });
    for (const [method, state] of Object.entries({
      pause: 'paused',
      resume: 'running',
      stop: 'stopped',
      cancel: 'cancelled',
    })) {
      connection.onRequest(method, () => {
        run.requests.push(method);
        run.setState(state as RunState);
        return { step: run.record.step };
      });
    }
    connection.onClose(() => connections.delete(connection));
    connection.listen();
  });
  await new Promise<void>((resolve) => server.listen(address, resolve));
  writeFileSync(join(folder, 'endpoint.json'), JSON.stringify({ pid: process.pid, address, token: 'secret' }));
  return run;
}
