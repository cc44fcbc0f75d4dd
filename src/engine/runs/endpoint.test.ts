import { existsSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunRecord } from '../../protocol/index.ts';
import { connectRun } from '../../runs/client.ts';
import { readEndpoint } from '../../runs/endpoint.ts';
import { FILES } from '../../runs/folder.ts';
import { Endpoint } from './endpoint.ts';
import { EventLog } from './event-log.ts';

const isWindows = process.platform === 'win32';
let folder: string;
let log: EventLog;
let endpoint: Endpoint;

const fine = () => ({ step: 1 });
const record = { id: 'r', state: 'running' } as RunRecord;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-endpoint-'));
  log = EventLog.open(join(folder, FILES.metrics));
  endpoint = await Endpoint.open(folder, log, () => ({ record, pid: process.pid }), {
    pause: fine,
    resume: fine,
    stop: fine,
    interrupt: fine,
    cancel: fine,
    describe: () => ({ record }),
    ping: () => ({ state: 'running', step: 1 }),
  });
});
afterEach(async () => {
  await endpoint.close();
  log.close();
  await rm(folder, { recursive: true });
});

/** Sends bytes as they are and gives back what comes until the far end closes. */
function send(address: string, bytes: Buffer | string): Promise<{ answer: string; sent: number }> {
  return new Promise((resolve) => {
    const socket = connect({ path: address });
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ answer, sent: socket.bytesWritten }));
    socket.write(bytes);
  });
}

describe('before the handshake', () => {
  it('a message of any length is not kept: the connection ends', async () => {
    const { address } = (await readEndpoint(folder))!;
    const head = `Content-Length: ${300 << 20}\r\n\r\n`;
    const { answer } = await send(address, head + 'x'.repeat(1 << 20));
    expect(answer).toBe('');
    await send(address, 'no header at all '.repeat(10_000));
    // It serves others all the same.
    const client = await connectRun(folder, 'test');
    expect(await client.request('ping', {})).toEqual({ state: 'running', step: 1 });
    client.close();
  });
});

describe('a client', () => {
  it('that asks nonsense is told so', async () => {
    const client = await connectRun(folder, 'test');
    const usage = { code: 'usage' };
    await expect(client.request('subscribe', { from_line: -1 })).rejects.toMatchObject(usage);
    await expect(client.request('subscribe', { from_line: 'x' as unknown as number })).rejects.toMatchObject(usage);
    await expect(client.request('ping', null as unknown as Record<string, never>)).rejects.toMatchObject(usage);
    expect(await client.request('subscribe', { from_line: Number.MAX_SAFE_INTEGER })).toBeDefined();
    client.close();
  });

  it.skipIf(isWindows).each([
    ['a port', (port: number) => port],
    ['a port in words', (port: number) => String(port)],
    ['a socket that is not in a private folder', () => join(folder, 'plain', 'open.sock')],
    ['another program’s socket', () => join(folder, 'luthier-x', 'daemon.socket')],
  ])('does not connect to %s that a folder names', async (_, addressOf) => {
    let connections = 0;
    await mkdir(join(folder, 'plain'), { recursive: true });
    const server = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const open = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => open.listen(join(folder, 'plain', 'open.sock'), resolve));
    const address = addressOf((server.address() as { port: number }).port);
    await writeFile(join(folder, FILES.endpoint), JSON.stringify({ pid: process.pid, address, token: 't' }));
    await expect(connectRun(folder, 'test')).rejects.toMatchObject({ code: 'interrupted' });
    expect(connections).toBe(0);
    await Promise.all([server, open].map((one) => new Promise((resolve) => one.close(resolve))));
  });
});

it.skipIf(isWindows)(
  'sockets that killed runs left behind are taken away; those in use and new ones stay',
  async () => {
    const { address } = JSON.parse(await readFile(join(folder, FILES.endpoint), 'utf8'));
    const around = dirname(address);
    // A process that dies leaves its socket; here one that lets go of it.
    const leave = async (name: string): Promise<string> => {
      const path = join(around, name);
      const { spawnSync } = await import('node:child_process');
      spawnSync(process.execPath, [
        '-e',
        `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
      ]);
      expect((await lstat(path)).isSocket()).toBe(true);
      return path;
    };
    const dead = await leave('aaaa-dead.sock');
    const young = await leave('aaaa-young.sock');
    const old = new Date(Date.now() - 3_600_000);
    await utimes(dead, old, old);
    await utimes(address, old, old);
    const other = await mkdtemp(join(tmpdir(), 'luthier-endpoint-'));
    const otherLog = EventLog.open(join(other, FILES.metrics));
    const second = await Endpoint.open(other, otherLog, () => ({ record, pid: process.pid }), {} as never);
    await expect.poll(() => existsSync(dead)).toBe(false);
    expect(existsSync(young)).toBe(true);
    expect(existsSync(address)).toBe(true);
    await second.close();
    otherLog.close();
    await rm(other, { recursive: true });
    await rm(young);
  },
);
