import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { LuthierError } from '../../../protocol/index.ts';
import { type DownloadOptions, downloadModel } from '../download.ts';
import { type Fault, HubServer } from './hub-server.ts';

export const MODEL = 'org/tiny-bert';
export const TOKEN = 'hf_averysecrettoken';

/** A safetensors file of one F32 tensor. */
export function safetensors(name: string, count: number): Uint8Array {
  const header = JSON.stringify({ [name]: { dtype: 'F32', shape: [count], data_offsets: [0, count * 4] } });
  const bytes = Buffer.alloc(8 + header.length + count * 4);
  bytes.writeBigUInt64LE(BigInt(header.length));
  bytes.write(header, 8);
  for (let i = 0; i < count; i++) bytes.writeFloatLE(i, 8 + header.length + i * 4);
  return bytes;
}

export const WEIGHTS = safetensors('a', 250_000);
export const FILES = {
  'README.md': '# tiny',
  'config.json': '{"model_type":"bert"}',
  'model.safetensors': WEIGHTS,
  'pytorch_model.bin': 'pickle',
  'tokenizer.json': '{}',
  'vocab.txt': '',
};

export const isWeights = (seen: { host: string; method: string; path: string }) =>
  seen.host === 'storage' && seen.method === 'GET' && seen.path === '/model.safetensors';

/** A hub and an empty cache folder, made anew for each test of the file that calls this. */
export function useHub(): Hub {
  const hub = new Hub();
  beforeEach(() => hub.start());
  afterEach(() => hub.stop());
  return hub;
}

class Hub {
  server!: HubServer;
  cacheFolder!: string;

  async start(): Promise<void> {
    this.cacheFolder = await mkdtemp(join(tmpdir(), 'luthier-download-'));
    this.server = await HubServer.start(MODEL, FILES);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await rm(this.cacheFolder, { recursive: true });
  }

  /** Another server, whose model has these files. */
  async serve(files: Record<string, string | Uint8Array>): Promise<void> {
    await this.server.stop();
    this.server = await HubServer.start(MODEL, files);
  }

  download(options: Partial<DownloadOptions> = {}, model = MODEL): Promise<string> {
    return downloadModel(model, {
      endpoint: options.endpoint ?? this.server.endpoint,
      token: TOKEN,
      cacheFolder: this.cacheFolder,
      retryDelayMs: 1,
      ...options,
    });
  }

  /** What a failed download throws; it holds neither the token nor a signed address, wherever one looks. */
  async failure(options: Partial<DownloadOptions> = {}, model = MODEL): Promise<LuthierError> {
    const error: unknown = await this.download(options, model).then(
      () => new Error('It did not fail.'),
      (error: unknown) => error,
    );
    if (!(error instanceof LuthierError)) throw error;
    const all = [error.message, error.hint, error.stack, String(error.cause), JSON.stringify(error)].join('\n');
    expect(all).not.toContain(TOKEN);
    expect(all).not.toContain('signature');
    return error;
  }

  get blobFolder(): string {
    return join(this.cacheFolder, 'models--org--tiny-bert', 'blobs');
  }

  async blobs(): Promise<string[]> {
    return (await readdir(this.blobFolder)).sort();
  }

  async parts(): Promise<string[]> {
    return (await this.blobs()).filter((name) => name.endsWith('.incomplete'));
  }

  async expectWhole(path: string): Promise<void> {
    // toEqual would compare a million bytes one by one.
    expect((await readFile(join(path, 'model.safetensors'))).equals(WEIGHTS)).toBe(true);
    expect(await this.parts()).toEqual([]);
  }

  /** Sends so many bytes of the weights and does `then`, `times` times; after that all goes well. */
  sendSome(bytes: number, times: number, then: (response: ServerResponse) => void): Fault {
    let left = times;
    return (seen, request, response, content) => {
      if (!isWeights(seen) || left-- <= 0) return false;
      const start = Number(/\d+/.exec(request.headers.range ?? '0')![0]);
      const end = Math.min(start + bytes, content.length);
      if (start > 0)
        response.writeHead(206, { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` });
      response.write(content.subarray(start, end));
      void this.#untilPartHas(end).then(() => then(response));
      return true;
    };
  }

  breakOff(bytes: number, times: number): Fault {
    return this.sendSome(bytes, times, (response) => response.destroy());
  }

  /** Cancels a download of which so many bytes have come. */
  async leavePart(bytes: number): Promise<void> {
    const controller = new AbortController();
    this.server.fault = this.sendSome(bytes, 1, () => controller.abort());
    expect(await this.failure({ signal: controller.signal })).toMatchObject({ code: 'cancelled' });
    expect((await this.parts()).length).toBe(1);
    this.server.fault = () => false;
    this.server.seen.length = 0;
  }

  /** Waits until a part holds so many bytes: only then has the client what the server sent. */
  async #untilPartHas(bytes: number): Promise<void> {
    for (;;) {
      for (const part of await this.parts()) if ((await stat(join(this.blobFolder, part))).size >= bytes) return;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}
