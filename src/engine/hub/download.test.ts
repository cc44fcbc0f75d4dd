import { createHash } from 'node:crypto';
import { lstat, mkdtemp, readdir, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LuthierError } from '../errors.ts';
import { findCached } from './cache.ts';
import { type DownloadOptions, type DownloadProgress, downloadModel } from './download.ts';
import { openModelFolder } from './model-folder.ts';
import { type Fault, HubServer, sendRange } from './testing/hub-server.ts';

const MODEL = 'org/tiny-bert';
const TOKEN = 'hf_averysecrettoken';

/** A safetensors file of one F32 tensor. */
function safetensors(name: string, count: number): Uint8Array {
  const header = JSON.stringify({ [name]: { dtype: 'F32', shape: [count], data_offsets: [0, count * 4] } });
  const bytes = Buffer.alloc(8 + header.length + count * 4);
  bytes.writeBigUInt64LE(BigInt(header.length));
  bytes.write(header, 8);
  for (let i = 0; i < count; i++) bytes.writeFloatLE(i, 8 + header.length + i * 4);
  return bytes;
}

const WEIGHTS = safetensors('a', 250_000);
const FILES = {
  'README.md': '# tiny',
  'config.json': '{"model_type":"bert"}',
  'model.safetensors': WEIGHTS,
  'pytorch_model.bin': 'pickle',
  'tokenizer.json': '{}',
  'vocab.txt': '',
};

let server: HubServer;
let cacheFolder: string;

beforeEach(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), 'luthier-download-'));
  server = await HubServer.start(MODEL, FILES);
});
afterEach(async () => {
  await server.stop();
  await rm(cacheFolder, { recursive: true });
});

const download = (options: Partial<DownloadOptions> = {}, model = MODEL) =>
  downloadModel(model, {
    endpoint: options.endpoint ?? server.endpoint,
    token: TOKEN,
    cacheFolder,
    retryDelayMs: 1,
    ...options,
  });

/** What a failed download throws; it holds neither the token nor a signed address, wherever one looks. */
async function failure(options: Partial<DownloadOptions> = {}, model = MODEL): Promise<LuthierError> {
  const error: unknown = await download(options, model).then(
    () => new Error('It did not fail.'),
    (error: unknown) => error,
  );
  if (!(error instanceof LuthierError)) throw error;
  const all = [error.message, error.hint, error.stack, String(error.cause), JSON.stringify(error)].join('\n');
  expect(all).not.toContain(TOKEN);
  expect(all).not.toContain('signature');
  return error;
}

const blobs = async () => (await readdir(join(cacheFolder, 'models--org--tiny-bert', 'blobs'))).sort();
const parts = async () => (await blobs()).filter((name) => name.endsWith('.incomplete'));
const isWeights = (seen: { host: string; method: string; path: string }) =>
  seen.host === 'storage' && seen.method === 'GET' && seen.path === '/model.safetensors';

async function expectWhole(path: string): Promise<void> {
  // toEqual would compare a million bytes one by one.
  expect((await readFile(join(path, 'model.safetensors'))).equals(WEIGHTS)).toBe(true);
  expect(await parts()).toEqual([]);
}

describe('downloadModel', () => {
  it("fetches what is needed into huggingface_hub's layout", async () => {
    const path = await download();
    const repository = join(cacheFolder, 'models--org--tiny-bert');
    expect(path).toBe(join(repository, 'snapshots', server.commit));
    expect(await readFile(join(repository, 'refs', 'main'), 'utf8')).toBe(server.commit);
    expect((await readdir(path)).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json', 'vocab.txt']);
    const sha256 = createHash('sha256').update(WEIGHTS).digest('hex');
    // git hash-object of an empty file
    expect(await blobs()).toEqual(expect.arrayContaining([sha256, 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391']));
    expect((await lstat(join(path, 'model.safetensors'))).isSymbolicLink()).toBe(true);
    expect(await readlink(join(path, 'model.safetensors'))).toBe(join('..', '..', 'blobs', sha256));
    const model = await openModelFolder(path);
    expect(model.weights.names()).toEqual(['a']);
    await model.weights.close();
    expect(await findCached(cacheFolder, { id: MODEL, revision: 'main' })).toMatchObject({ path });
  });

  it('gives the token to the hub alone', async () => {
    await download();
    const hosts = new Map(server.seen.map((seen) => [seen.host, seen.authorization]));
    expect([...hosts]).toEqual(
      expect.arrayContaining([
        ['hub', `Bearer ${TOKEN}`],
        ['storage', undefined],
      ]),
    );
    expect(server.seen.filter((seen) => seen.host === 'storage' && seen.authorization !== undefined)).toEqual([]);
  });

  it('asks without a token when there is none', async () => {
    await download({ token: null });
    expect(server.seen.every((seen) => seen.authorization === undefined)).toBe(true);
  });

  it('fetches nothing again that is there', async () => {
    await download();
    server.seen.length = 0;
    await download();
    expect(server.fetched()).toEqual(['main']);
  });

  it('reports progress that rises to the whole', async () => {
    const progress: DownloadProgress[] = [];
    await download({ onProgress: (it) => progress.push({ ...it }) });
    const total = WEIGHTS.length + FILES['config.json'].length + FILES['tokenizer.json'].length;
    expect(progress.at(-1)).toMatchObject({ done: total, total });
    expect(progress.every((it, i) => i === 0 || it.done >= progress[i - 1]!.done)).toBe(true);
  });

  it('a revision, by option or by name; a commit needs no ref', async () => {
    await download({ revision: 'refs/pr/1' });
    await download({}, `${MODEL}@v2`);
    await download({ revision: server.commit });
    const asked = server.seen
      .filter((seen) => seen.path.startsWith('/api/'))
      .map((seen) => seen.path.split('/revision/')[1]);
    expect(asked).toEqual(['refs/pr/1', 'v2', server.commit]);
    expect((await readdir(join(cacheFolder, 'models--org--tiny-bert', 'refs'))).sort()).toEqual(['refs', 'v2']);
  });

  it('lets the caller refuse a model before its weights come', async () => {
    const refusal = new LuthierError('model-unsupported', 'no');
    const checkConfig = (config: Record<string, unknown>) => {
      expect(config.model_type).toBe('bert');
      throw refusal;
    };
    expect(await failure({ checkConfig })).toBe(refusal);
    expect(server.fetched()).toEqual(['main', 'config.json']);
  });

  it('shards', async () => {
    const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;
    const index = JSON.stringify({ weight_map: { a: shards[0], b: shards[1] } });
    await server.stop();
    server = await HubServer.start(MODEL, {
      'config.json': '{}',
      'model.safetensors.index.json': index,
      [shards[0]]: safetensors('a', 10),
      [shards[1]]: safetensors('b', 20),
    });
    const { weights } = await openModelFolder(await download());
    expect(weights.shape('b')).toEqual([20]);
    await weights.close();
  });

  it('two at the same time do not spoil each other', async () => {
    const [one, two] = await Promise.all([download(), download()]);
    expect(one).toBe(two);
    await expectWhole(one);
  });
});

/** Waits until a part holds so many bytes: only then has the client what the server sent. */
async function untilPartHas(bytes: number): Promise<void> {
  const folder = join(cacheFolder, 'models--org--tiny-bert', 'blobs');
  for (;;) {
    for (const part of await parts()) if ((await stat(join(folder, part))).size >= bytes) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Sends so many bytes of the weights and does `then`, `times` times; after that all goes well. */
function sendSome(bytes: number, times: number, then: (response: ServerResponse) => void): Fault {
  let left = times;
  return (seen, request, response, content) => {
    if (!isWeights(seen) || left-- <= 0) return false;
    const start = Number(/\d+/.exec(request.headers.range ?? '0')![0]);
    const end = Math.min(start + bytes, content.length);
    if (start > 0)
      response.writeHead(206, { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` });
    response.write(content.subarray(start, end));
    void untilPartHas(end).then(() => then(response));
    return true;
  };
}

const breakOff = (bytes: number, times: number) => sendSome(bytes, times, (response) => response.destroy());

/** Cancels a download of which so many bytes have come. */
async function leavePart(bytes: number): Promise<void> {
  const controller = new AbortController();
  server.fault = sendSome(bytes, 1, () => controller.abort());
  expect(await failure({ signal: controller.signal })).toMatchObject({ code: 'cancelled' });
  expect((await parts()).length).toBe(1);
  server.fault = () => false;
  server.seen.length = 0;
}

describe('a transfer that fails', () => {
  it('goes on where it broke off', async () => {
    server.fault = breakOff(300_000, 2);
    await expectWhole(await download());
    const ranges = server.seen.filter(isWeights).map((seen) => seen.range);
    expect(ranges).toEqual([undefined, 'bytes=300000-', 'bytes=600000-']);
  });

  it('that brings a little each time is continued as often as it takes', async () => {
    server.fault = breakOff(100_000, 9);
    await expectWhole(await download());
    expect(server.seen.filter(isWeights).length).toBe(10);
  });

  it('is given up at last', async () => {
    server.fault = (seen, _, response) => isWeights(seen) && response.destroy() !== undefined;
    expect(await failure()).toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(/model\.safetensors of org\/tiny-bert broke off at 0 bytes of 1\.0 MB/),
      hint: expect.stringMatching(/goes on where it stopped/),
    });
  });

  it('and was cancelled goes on where it stopped', async () => {
    await leavePart(300_000);
    await expectWhole(await download());
    expect(server.seen.filter(isWeights).map((seen) => seen.range)).toEqual(['bytes=300000-']);
  });

  it('a part that a dead process left is continued, one that a living process writes is left alone', async () => {
    await leavePart(300_000);
    const folder = join(cacheFolder, 'models--org--tiny-bert', 'blobs');
    const [mine] = (await parts()) as [string];
    // Past the largest pid that Linux, macOS or Windows gives, and our parent's.
    await rename(join(folder, mine), join(folder, mine.replace(`-${process.pid}-`, '-999999999-')));
    const living = mine.replace(`-${process.pid}-`, `-${process.ppid}-`);
    await writeFile(join(folder, living), WEIGHTS.subarray(0, 400_000));
    await download();
    expect(server.seen.filter(isWeights).map((seen) => seen.range)).toEqual(['bytes=300000-']);
    expect(await parts()).toEqual([living]);
  });

  it('starts over where the server ignores Range', async () => {
    const broken = breakOff(300_000, 1);
    server.fault = (seen, request, response, content) => {
      if (broken(seen, request, response, content)) return true;
      delete request.headers.range;
      return false;
    };
    await expectWhole(await download());
  });

  it('starts over where the server sends another part, or none', async () => {
    for (const answer of [
      { status: 206, headers: { 'content-range': `bytes 5-${WEIGHTS.length - 1}/${WEIGHTS.length}` } },
      { status: 206, headers: {} },
      { status: 416, headers: {} },
    ]) {
      await rm(cacheFolder, { recursive: true });
      const broken = breakOff(300_000, 1);
      let wrong = 1;
      server.fault = (seen, request, response, content) => {
        if (broken(seen, request, response, content)) return true;
        if (!isWeights(seen) || wrong-- <= 0) return false;
        response.writeHead(answer.status, answer.headers).end(content.subarray(5));
        return true;
      };
      await expectWhole(await download());
    }
  });

  it('is thrown away when its checksum is wrong', async () => {
    server.fault = (seen, _, response, content) => {
      if (!isWeights(seen)) return false;
      const wrong = Buffer.from(content);
      wrong[100]! ^= 1;
      response.end(wrong);
      return true;
    };
    expect(await failure()).toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(/model\.safetensors .* wrong checksum/),
    });
    expect(await parts()).toEqual([]);
    expect(await findCached(cacheFolder, { id: MODEL, revision: 'main' })).toMatchObject({ state: 'absent' });
  });

  it("a small file's checksum is looked at, too", async () => {
    server.fault = (seen, _, response) => {
      if (seen.method !== 'GET' || !seen.path.endsWith('tokenizer.json')) return false;
      response.end('[]');
      return true;
    };
    expect((await failure()).message).toMatch(/tokenizer\.json .* wrong checksum/);
  });

  it('a part that was damaged on the disk is fetched once more from the beginning', async () => {
    await leavePart(300_000);
    const [part] = (await parts()) as [string];
    await writeFile(join(cacheFolder, 'models--org--tiny-bert', 'blobs', part), 'damaged');
    await expectWhole(await download());
    expect(server.seen.filter(isWeights).map((seen) => seen.range)).toEqual(['bytes=7-', undefined]);
  });

  it('a server that lies about the length is not believed', async () => {
    const lies: [string, Fault, RegExp][] = [
      [
        'announces less',
        (seen, _, response, content) => isWeights(seen) && response.end(content.subarray(0, 1000)) !== undefined,
        /announces 1\.0 kB for model\.safetensors, but it has 1\.0 MB|broke off/,
      ],
      [
        'sends more',
        (seen, _, response, content) => {
          if (!isWeights(seen)) return false;
          response.write(content);
          response.end('more');
          return true;
        },
        /sends more than the 10000\d\d bytes/,
      ],
      [
        'announces more than it sends',
        (seen, _, response, content) => {
          if (!isWeights(seen)) return false;
          response.setHeader('content-length', content.length);
          response.write(content.subarray(0, 1000), () => response.destroy());
          return true;
        },
        /broke off at (0 bytes|1\.0 kB)/,
      ],
      [
        'ends early without an error',
        (seen, _, response, content) => {
          if (!isWeights(seen)) return false;
          response.write(content.subarray(0, 1000));
          response.end();
          return true;
        },
        /broke off at 1\.0 kB of 1\.0 MB: the connection ended too early/,
      ],
    ];
    for (const [what, fault, message] of lies) {
      server.fault = fault;
      // What came before the lie may be the whole file, and would be taken for what it is.
      await rm(join(cacheFolder, 'models--org--tiny-bert'), { recursive: true, force: true });
      const error = await failure();
      expect([what, error.code, error.message]).toEqual([what, 'download-failed', expect.stringMatching(message)]);
    }
    server.fault = () => false;
    await expectWhole(await download());
  });

  it('a server that falls silent is given up, and asked again', async () => {
    server.fault = sendSome(300_000, 1, () => {});
    await expectWhole(await download({ idleTimeoutMs: 1000 }));
  });

  it('a storage host that refuses an old address is asked by a new one', async () => {
    let refusals = 2;
    server.fault = (seen, _, response) =>
      isWeights(seen) && refusals-- > 0 && response.writeHead(403).end() !== undefined;
    await expectWhole(await download());
  });
});

describe('a busy server', () => {
  it.each([429, 503])('%i: waits as long as it says', async (status) => {
    let times = 2;
    server.fault = (_, __, response) =>
      times-- > 0 && response.writeHead(status, { 'retry-after': '0' }).end() !== undefined;
    await expectWhole(await download({ retryDelayMs: 60_000 }));
  });

  it('is given up in the end', async () => {
    server.fault = (_, __, response) => response.writeHead(429).end() !== undefined;
    expect(await failure()).toMatchObject({ code: 'download-failed', message: expect.stringMatching(/asks to wait/) });
    expect(server.seen.length).toBe(6);
  });
});

describe('a model that cannot be had', () => {
  const refuse = (status: number, code?: string): Fault => {
    const headers: Record<string, string> = code === undefined ? {} : { 'x-error-code': code };
    return (_, __, response) => response.writeHead(status, headers).end() !== undefined;
  };
  const cases: [string, Fault, string | null, string, RegExp, RegExp][] = [
    [
      'gated, without a token',
      refuse(401, 'GatedRepo'),
      null,
      'download-failed',
      /is gated: its authors ask/,
      /Accept the terms.*HF_TOKEN/,
    ],
    [
      'gated, with a token',
      refuse(403, 'GatedRepo'),
      TOKEN,
      'download-failed',
      /gated, and your .* token does not/,
      /Accept the terms/,
    ],
    ['a bad token', refuse(401), TOKEN, 'download-failed', /does not accept your Hugging Face token/, /revoked/],
    [
      'unknown or private',
      refuse(401, 'RepoNotFound'),
      null,
      'model-not-found',
      /has no model org\/tiny-bert, or it is private/,
      /spelling/,
    ],
    [
      'unknown, with a token',
      refuse(404, 'RepoNotFound'),
      TOKEN,
      'model-not-found',
      /that your token may read/,
      /spelling/,
    ],
    [
      'an unknown revision',
      refuse(404, 'RevisionNotFound'),
      TOKEN,
      'model-not-found',
      /no revision "main"/,
      /tree\/main/,
    ],
    ['a plain 403', refuse(403), TOKEN, 'download-failed', /answered 403/, /^$/],
  ];
  it.each(cases)('%s', async (_, fault, token, code, message, hint) => {
    server.fault = fault;
    const error = await failure({ token });
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error.hint ?? '').toMatch(hint);
    expect(server.seen.length).toBe(1);
    expect(await readdir(cacheFolder)).toEqual([]);
  });

  it('gated files of a model whose list is open, as the hub really does it', async () => {
    server.fault = (seen, _, response) =>
      seen.path.includes('/resolve/') && response.writeHead(401, { 'x-error-code': 'GatedRepo' }).end() !== undefined;
    expect((await failure({ token: null })).message).toMatch(/is gated/);
  });

  it('an answer that is no listing', async () => {
    for (const body of [
      '<html>',
      '[]',
      '{"sha":"main","siblings":[]}',
      `{"sha":"${server.commit}"}`,
      `{"sha":"${server.commit}","siblings":[1]}`,
    ]) {
      server.fault = (_, __, response) => response.end(body) !== undefined;
      expect((await failure()).message).toMatch(/no list of the files/);
    }
  });

  const having = async (files: Record<string, string>) => {
    await server.stop();
    server = await HubServer.start(MODEL, files);
  };

  it('only a pickle', async () => {
    await having({ 'config.json': '{}', 'pytorch_model.bin': 'x' });
    expect(await failure()).toMatchObject({
      code: 'model-unsupported',
      message: expect.stringMatching(/org\/tiny-bert has its weights only as pytorch_model\.bin/),
      hint: expect.stringMatching(/spaces\/safetensors\/convert/),
    });
    expect(await readdir(cacheFolder)).toEqual([]);
  });

  it('an adapter, no weights, no config, a missing shard', async () => {
    await having({ 'adapter_config.json': '{}' });
    expect((await failure()).message).toMatch(/peft adapter/);
    await having({ 'config.json': '{}' });
    expect((await failure()).message).toMatch(/has no model\.safetensors/);
    await having({ 'README.md': '' });
    expect((await failure()).message).toMatch(/has no config\.json/);
    await having({ 'config.json': '{}', 'model.safetensors.index.json': '{"weight_map":{"a":"model-1.safetensors"}}' });
    expect((await failure()).message).toMatch(/lacks model-1\.safetensors/);
  });

  it('a server that gives no checksum, no length, or another commit', async () => {
    server.headers.set('config.json', { etag: '"1234-abcd"' });
    expect((await failure()).message).toMatch(/gives no checksum for config\.json/);
    server.headers.set('config.json', { etag: '"../../../x"' });
    expect((await failure()).message).toMatch(/gives no checksum for config\.json/);
    server.headers.set('config.json', { 'x-linked-size': '-1' });
    expect((await failure()).message).toMatch(/does not say how long config\.json is/);
    server.headers.set('config.json', { 'x-repo-commit': 'f'.repeat(40) });
    expect((await failure()).message).toMatch(/commit ffffffff where 01234567/);
  });

  it('more than the disk holds', async () => {
    server.headers.set('model.safetensors', { 'x-linked-size': '900000000000000' });
    expect(await failure()).toMatchObject({
      code: 'disk-full',
      message: expect.stringMatching(/takes 900 TB, but only/),
    });
    expect(server.seen.some(isWeights)).toBe(false);
  });

  it('redirects without an end, or to elsewhere than the web', async () => {
    server.fault = (seen, _, response) => response.writeHead(307, { location: seen.path }).end() !== undefined;
    expect((await failure()).message).toMatch(/from one address to the next/);
    server.fault = (_, __, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end() !== undefined;
    expect((await failure()).message).toMatch(/leads to file:/);
  });

  it('a moved model is followed at the same host', async () => {
    server.fault = (seen, _, response) => {
      if (!seen.path.includes('old/name')) return false;
      response.writeHead(307, { location: seen.path.replace('old/name', MODEL) }).end();
      return true;
    };
    await expect(download({}, 'old/name')).resolves.toContain('models--old--name');
  });

  it('nobody listens', async () => {
    const { endpoint } = server;
    await server.stop();
    const error = await failure({ endpoint, retryDelayMs: 60_000 });
    expect(error).toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(/cannot be reached \(127.*ECONNREFUSED\)/),
    });
    server = await HubServer.start(MODEL, FILES);
  });

  it('wrong use: a name, an endpoint, a token that are none', async () => {
    expect(await failure({}, 'no/such/name')).toMatchObject({ code: 'usage' });
    expect(await failure({}, '../../x')).toMatchObject({ code: 'usage' });
    expect(await failure({ endpoint: 'ftp://x' })).toMatchObject({ code: 'usage' });
    const withPassword = await failure({ endpoint: 'https://me:password@example.org' });
    expect(withPassword).toMatchObject({ code: 'usage', message: expect.not.stringContaining('password@') });
    expect(await failure({ token: `${TOKEN}\nx` })).toMatchObject({ code: 'usage' });
    expect(server.seen).toEqual([]);
  });
});

describe('cancelling', () => {
  it('before it starts, while the list comes, in the middle, while waiting', async () => {
    expect(await failure({ signal: AbortSignal.abort() })).toMatchObject({ code: 'cancelled' });

    const later = () => {
      const controller = new AbortController();
      return { signal: controller.signal, stop: () => setTimeout(() => controller.abort(), 20) };
    };
    let { signal, stop } = later();
    server.fault = () => stop() !== undefined;
    expect(await failure({ signal })).toMatchObject({ code: 'cancelled' });

    await leavePart(300_000);

    ({ signal, stop } = later());
    server.fault = (_, __, response) => {
      response.writeHead(503).end(stop);
      return true;
    };
    expect(await failure({ signal, retryDelayMs: 60_000 })).toMatchObject({ code: 'cancelled' });

    server.fault = () => false;
    await expectWhole(await download());
  });
});

it('a compressed answer is read as what it stands for', async () => {
  // Some mirrors compress although they are asked not to.
  const { gzipSync } = await import('node:zlib');
  server.fault = (seen, request, response, content) => {
    if (seen.method !== 'GET' || !seen.path.endsWith('config.json')) return false;
    response.setHeader('content-encoding', 'gzip');
    sendRange(request, response, gzipSync(content));
    return true;
  };
  await expectWhole(await download());
});
