import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { errnoOf } from '../../files/errno.ts';
import { type Handlers, Peer } from '../../files/rpc.ts';
import { writeFileAtomically } from '../../files/write-file.ts';
import {
  LuthierError,
  type RunEndpoint,
  type RunEvent,
  type RunNotifications,
  type RunRequests,
} from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { type MetricsLine, readEvents } from '../../runs/metrics.ts';
import type { EventLog } from './event-log.ts';

/** A client that has this much unread is asleep; it can come back and read the file. */
const MAX_UNREAD_BYTES = 64 << 20;
/** What a client says before its token is known. */
const MAX_HELLO_BYTES = 64 << 10;
const FLUSH_MS = 5_000;
const UNWRITTEN_MS = 5_000;

type RunPeer = Peer<Record<string, never>, RunNotifications, Record<string, never>>;
type Answers = Omit<Handlers<RunRequests>, 'hello' | 'subscribe'>;

/**
 * The run's socket: there from the start of its process, opened by the token in endpoint.json, whose mode lets only
 * its owner read it. (Node cannot set the access list of a Windows pipe, so the token guards it on every system.)
 */
export class Endpoint {
  readonly #server: Server;
  readonly #folder: string;
  readonly #address: string;
  #unwritten: readonly RunEvent[] = [];
  #heard: (() => void) | null = null;
  readonly #clients = new Map<Socket, { peer: RunPeer; subscribed: boolean }>();

  private constructor(server: Server, folder: string, address: string) {
    this.#server = server;
    this.#folder = folder;
    this.#address = address;
  }

  static async open(
    folder: string,
    log: EventLog,
    hello: () => RunRequests['hello']['result'],
    answers: Answers,
  ): Promise<Endpoint> {
    const address = await freeAddress(folder);
    const token = randomBytes(24).toString('base64url');
    const server = createServer();
    const endpoint = new Endpoint(server, folder, address);
    server.on('connection', (socket) => endpoint.#welcome(socket, token, log, hello, answers));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(address, resolve);
    });
    if (process.platform !== 'win32') void sweep(dirname(address)).catch(() => undefined);
    try {
      const told: RunEndpoint = { pid: process.pid, address, token };
      await writeFileAtomically(join(folder, FILES.endpoint), JSON.stringify(told), 0o600);
    } catch (error) {
      // A socket that nobody can find would keep the process alive.
      await endpoint.close();
      throw error;
    }
    return endpoint;
  }

  #welcome(
    socket: Socket,
    token: string,
    log: EventLog,
    hello: () => RunRequests['hello']['result'],
    answers: Answers,
  ): void {
    const peer: RunPeer = new Peer(socket, socket);
    const client = { peer, subscribed: false };
    this.#clients.set(socket, client);
    peer.onClose(() => this.#clients.delete(socket));
    let trusted = false;
    let received = 0;
    const count = (chunk: Buffer) => {
      received += chunk.length;
      if (trusted) socket.off('data', count);
      else if (received > MAX_HELLO_BYTES) socket.destroy();
    };
    socket.on('data', count);
    const guarded = {} as Handlers<RunRequests>;
    const guard = <K extends keyof RunRequests>(method: K, answer: Handlers<RunRequests>[K]) => {
      guarded[method] = ((params: RunRequests[K]['params'], cancellation: AbortSignal) => {
        if (!trusted)
          throw new LuthierError('usage', 'The first request on a run’s socket must be hello with its token.');
        return answer(params, cancellation);
      }) as Handlers<RunRequests>[K];
    };
    for (const method of Object.keys(answers) as (keyof Answers)[]) guard(method, answers[method]);
    guard('subscribe', async ({ from_line }) => {
      if (!Number.isSafeInteger(from_line) || from_line < 0) {
        throw new LuthierError('usage', 'from_line must be a whole number, 0 or more.');
      }
      let next = from_line;
      // What is written while we read is read in the next round; once there is nothing more, the rest comes live.
      while (next < log.lines) {
        const upTo = log.lines;
        for (const logged of await readEvents(log.path, next)) if (logged.line < upTo) peer.tell('event', logged);
        next = upTo;
      }
      client.subscribed = true;
      for (const event of this.#unwritten) peer.tell('event', { line: log.lines, event });
      this.#heard?.();
      return { next_line: next };
    });
    guarded.hello = (params) => {
      if (!sameToken(params.token, token)) {
        void peer.flush().then(() => socket.end());
        throw new LuthierError('usage', 'The token does not belong to this run.');
      }
      trusted = true;
      return hello();
    };
    peer.answer(guarded);
    peer.listen();
  }

  broadcast(logged: MetricsLine): void {
    for (const [socket, { peer, subscribed }] of this.#clients) {
      if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
      else if (subscribed) peer.tell('event', logged);
    }
  }

  /** Tells what the disk would not take: those who listen, and whoever comes in the next seconds. */
  async tellUnwritten(events: readonly RunEvent[], line: number): Promise<void> {
    this.#unwritten = events;
    for (const event of events) this.broadcast({ line, event });
    if (Array.from(this.#clients.values()).some(({ subscribed }) => subscribed)) return;
    await Promise.race([
      new Promise<void>((resolve) => {
        this.#heard = resolve;
      }),
      new Promise((resolve) => setTimeout(resolve, UNWRITTEN_MS)),
    ]);
  }

  /** Takes endpoint.json away, sends what is still unsent and closes. */
  async close(): Promise<void> {
    await rm(join(this.#folder, FILES.endpoint), { force: true }).catch(() => undefined);
    this.#server.close();
    const sent = Array.from(this.#clients, async ([socket, { peer }]) => {
      await peer.flush();
      await new Promise<void>((resolve) => socket.end(resolve));
    });
    const timer = new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS));
    await Promise.race([Promise.all(sent), timer]);
    if (process.platform !== 'win32') await rm(this.#address, { force: true }).catch(() => undefined);
  }
}

function sameToken(given: unknown, token: string): boolean {
  if (typeof given !== 'string') return false;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

/**
 * Unix sockets' paths end at 104 or 108 bytes, and Node cuts a longer one without a word, so the name is a short hash
 * in a folder that only we may enter.
 */
async function freeAddress(folder: string): Promise<string> {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 12) + randomBytes(3).toString('hex');
  if (process.platform === 'win32') return `\\\\.\\pipe\\luthier-${name}`;
  return join(await privateFolder(), `${name}.sock`);
}

const MAX_FOLDER_BYTES = 70;

async function privateFolder(): Promise<string> {
  const base = Buffer.byteLength(tmpdir()) > MAX_FOLDER_BYTES ? '/tmp' : tmpdir();
  const folder = join(base, `luthier-${process.getuid?.() ?? 0}`);
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw error;
  });
  const status = await lstat(folder);
  const ours = status.isDirectory() && status.uid === process.getuid?.() && (status.mode & 0o077) === 0;
  // Somebody else has taken the name: any folder of our own will do, since endpoint.json says where it is.
  return ours ? folder : mkdtemp(join(base, 'luthier-'));
}

/** A socket that is younger may be one that is just being opened. */
const SWEPT_AFTER_MS = 60_000;
const MAX_SWEPT = 200;

/** Takes away the sockets of runs that were killed: nobody listens there. */
async function sweep(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sock')).slice(0, MAX_SWEPT);
  for (const name of names) {
    const path = join(folder, name);
    const status = await lstat(path).catch(() => null);
    if (!status?.isSocket() || Date.now() - status.mtimeMs < SWEPT_AFTER_MS) continue;
    if (await isDead(path)) await rm(path, { force: true });
  }
}

function isDead(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const tell = (dead: boolean) => {
      socket.destroy();
      resolve(dead);
    };
    socket.once('connect', () => tell(false));
    socket.once('error', (error) => tell(errnoOf(error) === 'ECONNREFUSED'));
  });
}
