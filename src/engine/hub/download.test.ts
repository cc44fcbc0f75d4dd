import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LuthierError } from '../../protocol/index.ts';
import { findCached } from './cache.ts';
import type { DownloadProgress } from './download.ts';
import { openModelFolder } from './model-folder.ts';
import { FILES, MODEL, safetensors, TOKEN, useHub, WEIGHTS } from './testing/downloads.ts';
import { sendRange } from './testing/hub-server.ts';

const hub = useHub();

describe('downloadModel', () => {
  it("fetches what is needed into huggingface_hub's layout", async () => {
    const path = await hub.download();
    const repository = join(hub.cacheFolder, 'models--org--tiny-bert');
    expect(path).toBe(join(repository, 'snapshots', hub.server.commit));
    expect(await readFile(join(repository, 'refs', 'main'), 'utf8')).toBe(hub.server.commit);
    expect((await readdir(path)).sort()).toEqual([
      'README.md',
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'vocab.txt',
    ]);
    const sha256 = createHash('sha256').update(WEIGHTS).digest('hex');
    // git hash-object of an empty file
    expect(await hub.blobs()).toEqual(expect.arrayContaining([sha256, 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391']));
    expect((await lstat(join(path, 'model.safetensors'))).isSymbolicLink()).toBe(true);
    expect(await readlink(join(path, 'model.safetensors'))).toBe(join('..', '..', 'blobs', sha256));
    const model = await openModelFolder(path);
    expect(model.weights.names()).toEqual(['a']);
    await model.weights.close();
    expect(await findCached(hub.cacheFolder, { id: MODEL, revision: 'main' })).toMatchObject({ path });
  });

  it('gives the token to the hub alone', async () => {
    await hub.download();
    const hosts = new Map(hub.server.seen.map((seen) => [seen.host, seen.authorization]));
    expect([...hosts]).toEqual(
      expect.arrayContaining([
        ['hub', `Bearer ${TOKEN}`],
        ['storage', undefined],
      ]),
    );
    expect(hub.server.seen.filter((seen) => seen.host === 'storage' && seen.authorization !== undefined)).toEqual([]);
  });

  it('asks without a token when there is none', async () => {
    await hub.download({ token: null });
    expect(hub.server.seen.every((seen) => seen.authorization === undefined)).toBe(true);
  });

  it('fetches nothing again that is there', async () => {
    await hub.download();
    hub.server.seen.length = 0;
    await hub.download();
    expect(hub.server.fetched()).toEqual(['main']);
  });

  it('reports progress that rises to the whole', async () => {
    const progress: DownloadProgress[] = [];
    await hub.download({ onProgress: (it) => progress.push({ ...it }) });
    const small = (['README.md', 'config.json', 'tokenizer.json'] as const).reduce(
      (sum, it) => sum + FILES[it].length,
      0,
    );
    const total = WEIGHTS.length + small;
    expect(progress.at(-1)).toMatchObject({ done: total, total });
    expect(progress.every((it, i) => i === 0 || it.done >= progress[i - 1]!.done)).toBe(true);
  });

  it('a revision, by option or by name; a commit needs no ref', async () => {
    await hub.download({ revision: 'refs/pr/1' });
    await hub.download({}, `${MODEL}@v2`);
    await hub.download({ revision: hub.server.commit });
    const asked = hub.server.seen
      .filter((seen) => seen.path.startsWith('/api/'))
      .map((seen) => seen.path.split('/revision/')[1]);
    expect(asked).toEqual(['refs/pr/1', 'v2', hub.server.commit]);
    expect((await readdir(join(hub.cacheFolder, 'models--org--tiny-bert', 'refs'))).sort()).toEqual(['refs', 'v2']);
  });

  it('lets the caller refuse a model before its weights come', async () => {
    const refusal = new LuthierError('model-unsupported', 'no');
    const checkConfig = (config: Record<string, unknown>) => {
      expect(config.model_type).toBe('bert');
      throw refusal;
    };
    expect(await hub.failure({ checkConfig })).toBe(refusal);
    expect(hub.server.fetched()).toEqual(['main', 'config.json']);
  });

  it('comes without its card where the hub lists one that it does not have', async () => {
    hub.server.fault = (seen, _, response) =>
      seen.path.endsWith('/README.md') && response.writeHead(404).end() !== undefined;
    expect(await readdir(await hub.download())).not.toContain('README.md');
  });

  it.each(['', '/', '//'])('an endpoint that ends in "%s"', async (end) => {
    await hub.download({ endpoint: hub.server.endpoint + end });
    expect(hub.server.seen.filter(({ path }) => path.includes('//'))).toEqual([]);
  });

  it('shards', async () => {
    const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;
    const index = JSON.stringify({ weight_map: { a: shards[0], b: shards[1] } });
    await hub.serve({
      'config.json': '{}',
      'model.safetensors.index.json': index,
      [shards[0]]: safetensors('a', 10),
      [shards[1]]: safetensors('b', 20),
    });
    const { weights } = await openModelFolder(await hub.download());
    expect(weights.shape('b')).toEqual([20]);
    await weights.close();
  });

  it('two at the same time do not spoil each other', async () => {
    const [one, two] = await Promise.all([hub.download(), hub.download()]);
    expect(one).toBe(two);
    await hub.expectWhole(one);
  });
});

describe('cancelling', () => {
  it('before it starts, while the list comes, in the middle, while waiting', async () => {
    expect(await hub.failure({ signal: AbortSignal.abort() })).toMatchObject({ code: 'cancelled' });

    const later = () => {
      const controller = new AbortController();
      return { signal: controller.signal, stop: () => setTimeout(() => controller.abort(), 20) };
    };
    let { signal, stop } = later();
    hub.server.fault = () => stop() !== undefined;
    expect(await hub.failure({ signal })).toMatchObject({ code: 'cancelled' });

    await hub.leavePart(300_000);

    ({ signal, stop } = later());
    hub.server.fault = (_, __, response) => {
      response.writeHead(503).end(stop);
      return true;
    };
    expect(await hub.failure({ signal, retryDelayMs: 60_000 })).toMatchObject({ code: 'cancelled' });

    hub.server.fault = () => false;
    await hub.expectWhole(await hub.download());
  });
});

it('a compressed answer is read as what it stands for', async () => {
  // Some mirrors compress although they are asked not to.
  const { gzipSync } = await import('node:zlib');
  hub.server.fault = (seen, request, response, content) => {
    if (seen.method !== 'GET' || !seen.path.endsWith('config.json')) return false;
    response.setHeader('content-encoding', 'gzip');
    sendRange(request, response, gzipSync(content));
    return true;
  };
  await hub.expectWhole(await hub.download());
});
