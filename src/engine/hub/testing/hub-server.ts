import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as a server saw it. */
export interface Seen {
  host: 'hub' | 'storage';
  method: string;
  path: string;
  authorization: string | undefined;
  range: string | undefined;
}

/** Answers in the server's stead; returns whether it did. */
export type Fault = (seen: Seen, request: IncomingMessage, response: ServerResponse, bytes: Buffer) => boolean;

/**
 * For tests: a Hugging Face hub of one model and, on another port and so another origin, the storage host that it
 * sends large files to. Real servers on 127.0.0.1; what they do wrong is up to `fault`.
 */
export class HubServer {
  readonly model: string;
  readonly commit = '0123456789abcdef0123456789abcdef01234567';
  readonly seen: Seen[] = [];
  readonly files: ReadonlyMap<string, Buffer>;
  /** Headers of HEAD's answers that are to differ, by file. */
  readonly headers = new Map<string, Record<string, string>>();
  fault: Fault = () => false;
  readonly #hub: Server;
  readonly #storage: Server;

  private constructor(model: string, files: Record<string, string | Uint8Array>) {
    this.model = model;
    this.files = new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)]));
    this.#hub = createServer((request, response) => this.#answer('hub', request, response));
    this.#storage = createServer((request, response) => this.#answer('storage', request, response));
  }

  /** Files that end in .safetensors or .bin are kept as large ones: named by sha256, on the other host. */
  static async start(model: string, files: Record<string, string | Uint8Array>): Promise<HubServer> {
    const server = new HubServer(model, files);
    for (const it of [server.#hub, server.#storage]) {
      await new Promise<void>((resolve) => it.listen(0, '127.0.0.1', resolve));
    }
    return server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  get storage(): string {
    return `http://127.0.0.1:${(this.#storage.address() as AddressInfo).port}`;
  }

  /** Bodies that were asked for: files that came from the cache are not among them. */
  fetched(): string[] {
    return this.seen.filter((it) => it.method === 'GET').map((it) => it.path.split('/').at(-1)!);
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#storage]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  #answer(host: Seen['host'], request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(request.url!, 'http://x').pathname);
    const { authorization, range } = request.headers;
    const seen: Seen = { host, method: request.method!, path, authorization, range };
    this.seen.push(seen);
    const name = path.split('/').at(-1)!;
    const bytes = this.files.get(name) ?? Buffer.alloc(0);
    if (this.fault(seen, request, response, bytes)) return;
    const resolved = new RegExp(`^/${this.model}/resolve/(main|${this.commit})/[^/]+$`).test(path);
    const known = this.files.has(name) && (host === 'storage' || resolved);
    if (path.startsWith(`/api/models/${this.model}/revision/`)) {
      this.#list(response);
    } else if (!known) {
      response.writeHead(404, { 'x-error-code': host === 'hub' ? 'RepoNotFound' : '' }).end();
    } else if (host === 'hub') {
      this.#resolve(request, response, name, bytes);
    } else {
      sendRange(request, response, bytes);
    }
  }

  #list(response: ServerResponse): void {
    const siblings = [...this.files.keys()].map((rfilename) => ({ rfilename }));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ id: this.model, sha: this.commit, siblings }));
  }

  #resolve(request: IncomingMessage, response: ServerResponse, name: string, bytes: Buffer): void {
    const large = /\.(safetensors|bin)$/.test(name);
    const etag = large
      ? createHash('sha256').update(bytes).digest('hex')
      : createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    const headers: Record<string, string> = {
      'x-repo-commit': this.commit,
      ...(large
        ? {
            'x-linked-etag': `"${etag}"`,
            'x-linked-size': String(bytes.length),
            // As real ones, it carries a right of its own to read the file.
            location: `${this.storage}/${name}?signature=secret`,
          }
        : { etag: `W/"${etag}"` }),
      ...this.headers.get(name),
    };
    for (const [key, value] of Object.entries(headers)) response.setHeader(key, value);
    if (large) response.writeHead(302).end();
    else sendRange(request, response, bytes);
  }
}

/** Whole, or from the byte on that is asked for. */
export function sendRange(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start > 0 && start >= bytes.length) {
    response.writeHead(416).end();
    return;
  }
  if (start > 0) {
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${start}-${bytes.length - 1}/${bytes.length}`);
  }
  response.setHeader('content-length', bytes.length - start);
  response.end(request.method === 'HEAD' ? undefined : bytes.subarray(start));
}
