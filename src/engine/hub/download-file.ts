import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../../files/errno.ts';
import { listFolder } from '../../files/folders.ts';
import { processLives } from '../../files/processes.ts';
import { writeError } from '../../files/write-file.ts';
import { formatBytes, LuthierError } from '../../protocol/index.ts';
import { type Answer, cancelled, type HubClient, Interrupted } from './http.ts';
import { type Asked, givenUp, statusError } from './hub-errors.ts';

export interface RemoteFile {
  name: string;
  url: URL;
  /** Its checksum, by which the cache names it: sha256 (64 digits), or git's own sha1 of a blob (40). */
  etag: string;
  /** Bytes. */
  size: number;
}

/**
 * Asks what a file is without fetching it.
 * @throws LuthierError `download-failed` when the server tells no checksum or no length, or another commit
 */
export async function describeRemote(
  client: HubClient,
  url: URL,
  name: string,
  commit: string,
  asked: Asked,
): Promise<RemoteFile> {
  const headers = await client
    .retry(async () => {
      // Large files stand on other hosts; what we ask for is said by the hub's own answer.
      const answer = await client.send(url, { method: 'HEAD', leave: false });
      await answer.discard();
      const error = statusError(answer, asked);
      if (error !== undefined) throw error;
      return answer.response.headers;
    })
    .catch((error: unknown) => {
      throw givenUp(error, asked);
    });
  const etag = (headers.get('x-linked-etag') ?? headers.get('etag') ?? '').replace(/^W\//, '').replaceAll('"', '');
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(etag)) {
    throw new LuthierError(
      'download-failed',
      `${client.endpoint.host} sends no checksum for ${name} (ETag, X-Linked-Etag), so the file cannot be trusted.`,
      mirrorHint(client),
    );
  }
  const length = headers.get('x-linked-size') ?? headers.get('content-length') ?? '';
  if (!/^\d{1,15}$/.test(length)) {
    throw new LuthierError(
      'download-failed',
      `${client.endpoint.host} does not say how long ${name} is (Content-Length, X-Linked-Size).`,
      mirrorHint(client),
    );
  }
  const servedCommit = headers.get('x-repo-commit');
  if (servedCommit !== null && servedCommit !== commit) {
    throw new LuthierError(
      'download-failed',
      `${client.endpoint.host} sends ${name} of commit ${servedCommit.slice(0, 8)}, but commit ${commit.slice(0, 8)} was requested.`,
    );
  }
  return { name, url, etag, size: Number(length) };
}

const mirrorHint = ({ endpoint }: HubClient): string =>
  endpoint.host === 'huggingface.co'
    ? 'A proxy may have removed the header. Ask its administrator, or try another network.'
    : `The hub's address (HF_ENDPOINT) is ${endpoint.origin}: use a mirror that passes these headers on, or https://huggingface.co.`;

/**
 * Fetches a file into the cache's blob of its checksum. What an earlier attempt left is continued; nothing gets the
 * blob's name before its bytes were read back from the disk and its checksum was found right.
 * @param onBytes told how many bytes are there, after each piece
 */
export async function downloadBlob(
  client: HubClient,
  remote: RemoteFile,
  blob: string,
  asked: Asked,
  signal: AbortSignal | undefined,
  onBytes: (done: number) => void,
): Promise<void> {
  await mkdir(dirname(blob), { recursive: true }).catch((error: unknown) => {
    throw writeError(dirname(blob), error);
  });
  const part = await claimPart(blob);
  try {
    let resumed = part.resumed;
    for (;;) {
      await fetchPart(client, remote, part.path, asked, onBytes);
      if (await matches(part.path, remote, signal)) break;
      await rm(part.path, { force: true });
      onBytes(0);
      if (!resumed) {
        throw new LuthierError(
          'download-failed',
          `${remote.name} of ${asked.name.id} arrived with a wrong checksum and was deleted.`,
          'Start the download again. If this happens twice, the server or a proxy is damaging the file.',
        );
      }
      // What was there before may have been the damaged part: once more, from the beginning.
      resumed = false;
    }
    await rename(part.path, blob);
  } catch (error) {
    throw writeError(blob, error);
  } finally {
    active.delete(part.path);
  }
}

async function fetchPart(
  client: HubClient,
  remote: RemoteFile,
  path: string,
  asked: Asked,
  onBytes: (done: number) => void,
): Promise<void> {
  const file = await open(path, 'a+');
  try {
    let done = (await file.stat()).size;
    const startOver = async () => {
      await file.truncate(0);
      done = 0;
    };
    if (done > remote.size) await startOver();
    let before = done;
    const attempt = async () => {
      before = done;
      if (done === remote.size) return;
      const answer = await client.send(remote.url, done > 0 ? { headers: { range: `bytes=${done}-` } } : {});
      try {
        const { status } = answer.response;
        const start = status === 416 ? undefined : bodyStart(answer.response, remote.size);
        const error = status === 416 ? undefined : statusError(answer, asked);
        if (error !== undefined) throw error;
        if (start !== done) await startOver();
        if (start !== done) throw new Interrupted('the server sent a different part from the one requested');
        checkLength(answer.response, remote, done);
        for await (const chunk of answer.chunks()) {
          if (done + chunk.length > remote.size) {
            throw new LuthierError(
              'download-failed',
              `${asked.endpoint.host} sends more than the ${remote.size} bytes that it announced for ${remote.name}.`,
            );
          }
          await writeWhole(file, chunk);
          done += chunk.length;
          onBytes(done);
        }
      } finally {
        await answer.discard();
      }
      if (done < remote.size) throw new Interrupted('the connection ended too early');
    };
    onBytes(done);
    try {
      await client.retry(attempt, { progressed: () => done > before });
    } catch (error) {
      throw givenUp(error, asked, { done, total: remote.size });
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Where in the file the body begins; undefined for a part that cannot be placed. */
function bodyStart(response: Answer['response'], size: number): number | undefined {
  if (response.status !== 206) return 0;
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  return range !== null && (range[2] === '*' || Number(range[2]) === size) ? Number(range[1]) : undefined;
}

function checkLength(response: Answer['response'], remote: RemoteFile, done: number): void {
  const length = response.headers.get('content-length');
  if (length === null || response.headers.has('content-encoding') || done + Number(length) === remote.size) return;
  throw new LuthierError(
    'download-failed',
    `The server announces ${formatBytes(done + Number(length))} for ${remote.name}, but it has ${formatBytes(remote.size)}.`,
    'Try again later, or use another mirror.',
  );
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
}

async function matches(path: string, { etag, size }: RemoteFile, signal: AbortSignal | undefined): Promise<boolean> {
  if ((await stat(path)).size !== size) return false;
  const hash: Hash = createHash(etag.length === 64 ? 'sha256' : 'sha1');
  // How git names a blob: gitformat-pack(5), "hash-object".
  if (etag.length === 40) hash.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    if (signal?.aborted) throw cancelled();
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex') === etag;
}

/** Parts that this process is writing. */
const active = new Set<string>();
const HOST = createHash('sha1').update(hostname()).digest('hex').slice(0, 8);
let counter = 0;

/**
 * A file of one's own to download into: two processes writing into one would spoil it. Its name says who writes it,
 * so that what a dead process left can be taken over and continued.
 */
async function claimPart(blob: string): Promise<{ path: string; resumed: boolean }> {
  const path = `${blob}.${HOST}-${process.pid}-${counter++}.incomplete`;
  active.add(path);
  let resumed = false;
  for (const left of await abandonedParts(blob)) {
    if (resumed) await rm(left.path, { force: true });
    else resumed = await take(left.path, path);
  }
  return { path, resumed };
}

/** Bytes of a blob that need not be fetched again. */
export async function partialBytes(blob: string): Promise<number> {
  return (await abandonedParts(blob))[0]?.size ?? 0;
}

/** Parts that nobody writes any more, the longest first. */
async function abandonedParts(blob: string): Promise<{ path: string; size: number }[]> {
  const pattern = new RegExp(`^${basename(blob)}\\.${HOST}-(\\d+)-\\d+\\.incomplete$`);
  const parts: { path: string; size: number }[] = [];
  for (const { name } of await listFolder(dirname(blob))) {
    const pid = Number(pattern.exec(name)?.[1] ?? NaN);
    const path = join(dirname(blob), name);
    if (Number.isNaN(pid) || active.has(path) || (pid !== process.pid && processLives(pid))) continue;
    parts.push({ path, size: (await stat(path)).size });
  }
  return parts.sort((a, b) => b.size - a.size);
}

async function take(left: string, path: string): Promise<boolean> {
  try {
    await rename(left, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false; // another process was faster
    throw error;
  }
}
