import { copyFile, link, mkdir, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { errnoOf } from '../../files/errno.ts';
import { writeError, writeFileAtomically } from '../../files/write-file.ts';
import { append, LuthierError } from '../../protocol/index.ts';
import {
  defaultCacheFolder,
  findCached,
  findToken,
  isCommit,
  type ModelName,
  repositoryFolder,
  requireModelName,
} from './cache.ts';
import { requireDiskBytes } from './disk.ts';
import { describeRemote, downloadBlob, partialBytes, type RemoteFile } from './download-file.ts';
import { type Fetch, HubClient } from './http.ts';
import { type Asked, givenUp, statusError } from './hub-errors.ts';
import { isRecord, type JsonRecord, parseJsonRecord, readJsonRecord } from './json-file.ts';
import {
  ADAPTER_CONFIG_FILE,
  adapterAlone,
  CARD_FILE,
  CONFIG_FILE,
  foreignWeights,
  GENERATION_FILE,
  MODULES_FILE,
  POOLING_FILE,
  shardMap,
  TOKENIZER_FILES,
  WEIGHTS_FILE,
  WEIGHTS_INDEX_FILE,
} from './model-folder.ts';

export interface DownloadProgress {
  /** The file that is coming. */
  file: string;
  /** Bytes of the whole download that are there, those found in the cache among them. */
  done: number;
  total: number;
}

export interface DownloadOptions {
  /** Branch, tag or commit; default: the name's own (`org/name@v1`), else `main`. */
  revision?: string | undefined;
  /** Default: HF_ENDPOINT, else https://huggingface.co. */
  endpoint?: string | undefined;
  /** Default: HF_TOKEN, else the one that `hf auth login` stored; null for none. */
  token?: string | null | undefined;
  /** Default: huggingface_hub's. */
  cacheFolder?: string | undefined;
  fetch?: Fetch | undefined;
  signal?: AbortSignal | undefined;
  /** Told at most ten times a second, and at the end. */
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** May throw to refuse a model by its config.json before its weights are fetched. */
  checkConfig?: ((config: JsonRecord) => void) | undefined;
  /** Default 60,000. */
  idleTimeoutMs?: number | undefined;
  /** Default 1,000. */
  retryDelayMs?: number | undefined;
}

/**
 * Downloads a model from the Hugging Face hub into huggingface_hub's cache: config, tokenizer, safetensors and the
 * model card alone. Offline (HF_HUB_OFFLINE) it gives what the cache holds, and asks nobody.
 * Each file's checksum is verified; what was interrupted, cancelled or killed goes on where it stopped.
 * @returns the snapshot's folder, to be opened with openModelFolder
 * @throws LuthierError `model-not-found`, `model-unsupported` (no safetensors), `download-failed`, `cancelled`,
 *   `disk-full`, `not-writable`, `usage`; the token stands in none of them
 */
export async function downloadModel(model: string, options: DownloadOptions = {}): Promise<string> {
  const name = requireModelName(options.revision === undefined ? model : `${model}@${options.revision}`);
  const cacheFolder = resolve(options.cacheFolder ?? defaultCacheFolder());
  const offline = offlineVariable();
  if (offline !== undefined) return offlineCopy(name, cacheFolder, offline);
  const token = options.token === undefined ? await findToken() : (options.token ?? undefined);
  const client = new HubClient({
    endpoint: options.endpoint || process.env.HF_ENDPOINT || 'https://huggingface.co',
    token: token?.trim() || undefined,
    fetch: options.fetch ?? globalThis.fetch,
    signal: options.signal,
    idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
    retryDelayMs: options.retryDelayMs ?? 1000,
  });
  return new Download(client, name, cacheFolder, options).run();
}

/** The variable that forbids the network, as huggingface_hub reads it; undefined where none does. */
function offlineVariable(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const isOn = (name: string) => /^(1|on|yes|true)$/i.test(env[name]?.trim() ?? '');
  return ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'].find(isOn);
}

/** What is in the cache already, as huggingface_hub's snapshot_download gives it offline. */
async function offlineCopy(name: ModelName, cacheFolder: string, variable: string): Promise<string> {
  const cached = await findCached(cacheFolder, name);
  if ('commit' in cached) return cached.path;
  throw new LuthierError(
    'download-failed',
    `${variable} is set, so nothing is downloaded, and the cache ${cacheFolder} has no complete copy of ${name.id}.`,
    `Unset ${variable} to download it.`,
  );
}

class Download {
  readonly #client: HubClient;
  readonly #name: ModelName;
  readonly #repository: string;
  readonly #options: DownloadOptions;
  readonly #described = new Map<string, Promise<RemoteFile>>();
  #commit = '';

  constructor(client: HubClient, name: ModelName, cacheFolder: string, options: DownloadOptions) {
    this.#client = client;
    this.#name = name;
    this.#repository = repositoryFolder(cacheFolder, name.id);
    this.#options = options;
  }

  async run(): Promise<string> {
    const there = await this.#list();
    if (!there.includes(CONFIG_FILE) && there.includes(ADAPTER_CONFIG_FILE)) throw await this.#adapterAlone();
    const names = neededFiles(this.#name.id, there);
    // What decides about the rest comes first: it is small.
    const config = await this.#describe(CONFIG_FILE);
    await this.#fetch(config);
    this.#options.checkConfig?.(await readJsonRecord(this.#pointer(CONFIG_FILE)));
    if (names.includes(WEIGHTS_INDEX_FILE)) {
      await this.#fetch(await this.#describe(WEIGHTS_INDEX_FILE));
      append(names, await this.#shards(there));
    }
    const files = await this.#describeAll(names);
    await this.#checkSpace(files);
    await this.#fetchAll(files);
    // Last, so that an update that breaks off leaves the revision at the commit that is whole.
    if (!isCommit(this.#name.revision)) await this.#writeRef();
    return this.#snapshot;
  }

  /** An adapter's own config says which model is meant; nothing of it goes into the cache. */
  async #adapterAlone(): Promise<LuthierError> {
    let config: JsonRecord = {};
    try {
      const file = await this.#describe(ADAPTER_CONFIG_FILE);
      const answer = await this.#client.send(file.url);
      config = parseJsonRecord(await readText(answer.chunks()), (what) => new Error(what));
    } catch (error) {
      if (error instanceof LuthierError && error.code === 'cancelled') return error;
      // It is an adapter, whether or not it can be read.
    }
    return adapterAlone(this.#name.id, config);
  }

  get #snapshot(): string {
    return join(this.#repository, 'snapshots', this.#commit);
  }

  #pointer(file: string): string {
    return join(this.#snapshot, file);
  }

  #blob(file: RemoteFile): string {
    return join(this.#repository, 'blobs', file.etag);
  }

  #asked(file?: string): Asked {
    return { name: this.#name, endpoint: this.#client.endpoint, hasToken: this.#client.hasToken, file };
  }

  /** Names of the model's files; pins the commit that all else is asked of. */
  async #list(): Promise<string[]> {
    const url = this.#client.url(`api/models/${this.#name.id}/revision/${encodeURIComponent(this.#name.revision)}`);
    const text = await this.#client
      .retry(
        async () => {
          const answer = await this.#client.send(url);
          try {
            const error = statusError(answer, this.#asked());
            if (error !== undefined) throw error;
            return await readText(answer.chunks());
          } finally {
            await answer.discard();
          }
        },
        { patient: false },
      )
      .catch((error: unknown) => {
        throw givenUp(error, this.#asked());
      });
    const listing = parseListing(text);
    if (listing === undefined) {
      throw new LuthierError(
        'download-failed',
        `${this.#client.endpoint.host} did not answer with a list of the files of ${this.#name.id}.`,
        'Check HF_ENDPOINT: it must be a Hugging Face hub or a mirror of it.',
      );
    }
    this.#commit = listing.commit;
    return listing.files;
  }

  #describe(file: string): Promise<RemoteFile> {
    const known = this.#described.get(file);
    if (known !== undefined) return known;
    const path = file.split('/').map(encodeURIComponent).join('/');
    const url = this.#client.url(`${this.#name.id}/resolve/${this.#commit}/${path}`);
    const description = describeRemote(this.#client, url, file, this.#commit, this.#asked(file));
    this.#described.set(file, description);
    return description;
  }

  /** Some mirrors list a card and do not have it; a model is whole without these. */
  async #describeAll(names: readonly string[]): Promise<RemoteFile[]> {
    const files = names.map(async (name) => {
      try {
        return [await this.#describe(name)];
      } catch (error) {
        if (!OPTIONAL_FILES.includes(name) || (error instanceof LuthierError && error.code === 'cancelled'))
          throw error;
        return [];
      }
    });
    return (await Promise.all(files)).flat();
  }

  async #shards(there: string[]): Promise<string[]> {
    const path = this.#pointer(WEIGHTS_INDEX_FILE);
    const shards = [...new Set(shardMap(path, await readJsonRecord(path)).values())].sort();
    const missing = shards.find((shard) => !there.includes(shard));
    if (missing === undefined) return shards;
    throw new LuthierError(
      'model-invalid',
      `${this.#name.id} lacks ${missing}, which its ${WEIGHTS_INDEX_FILE} names.`,
    );
  }

  async #checkSpace(files: RemoteFile[]): Promise<void> {
    let bytes = 0;
    for (const file of files) {
      const there =
        (await hasSize(this.#pointer(file.name), file.size)) || (await hasSize(this.#blob(file), file.size));
      if (!there) bytes += Math.max(0, file.size - (await partialBytes(this.#blob(file))));
    }
    if (bytes > 0) await requireDiskBytes(this.#repository, bytes, `The download of ${this.#name.id}`);
  }

  async #fetchAll(files: RemoteFile[]): Promise<void> {
    const total = files.reduce((sum, file) => sum + file.size, 0);
    const report = throttle(100, (progress: DownloadProgress) => this.#options.onProgress?.(progress));
    let before = 0;
    for (const file of files) {
      await this.#fetch(file, (done) => report({ file: file.name, done: before + done, total }));
      before += file.size;
    }
    const last = files.at(-1);
    if (last !== undefined) this.#options.onProgress?.({ file: last.name, done: total, total });
  }

  async #fetch(file: RemoteFile, onBytes: (done: number) => void = () => {}): Promise<void> {
    const pointer = this.#pointer(file.name);
    if (await hasSize(pointer, file.size)) return;
    const blob = this.#blob(file);
    if (!(await hasSize(blob, file.size))) {
      await downloadBlob(this.#client, file, blob, this.#asked(file.name), this.#options.signal, onBytes);
    }
    try {
      await mkdir(dirname(pointer), { recursive: true });
      await linkTo(blob, pointer);
    } catch (error) {
      throw writeError(pointer, error);
    }
  }

  async #writeRef(): Promise<void> {
    const ref = join(this.#repository, 'refs', ...this.#name.revision.split('/'));
    try {
      await mkdir(dirname(ref), { recursive: true });
    } catch (error) {
      throw writeError(ref, error);
    }
    await writeFileAtomically(ref, this.#commit);
  }
}

/** What says more of a model that is whole without them. */
const OPTIONAL_FILES = [MODULES_FILE, POOLING_FILE, CARD_FILE];

/** Which of a repository's files we need. @throws LuthierError `model-invalid`, `model-unsupported` */
function neededFiles(model: string, there: string[]): string[] {
  const weights = [WEIGHTS_FILE, WEIGHTS_INDEX_FILE].find((file) => there.includes(file));
  if (!there.includes(CONFIG_FILE)) {
    throw new LuthierError('model-invalid', `${model} has no ${CONFIG_FILE}, so it is not a transformers model.`);
  }
  if (weights === undefined) {
    const foreign = there.find((file) =>
      /^(pytorch_model.*\.bin|tf_model\.h5|flax_model\.msgpack|.*\.gguf)$/.test(file),
    );
    if (foreign !== undefined) throw foreignWeights(model, foreign);
    throw new LuthierError('model-invalid', `${model} has no ${WEIGHTS_FILE}.`);
  }
  const beside = [GENERATION_FILE, ...TOKENIZER_FILES, ...OPTIONAL_FILES].filter((file) => there.includes(file));
  return [CONFIG_FILE, ...beside, weights];
}

function parseListing(text: string): { commit: string; files: string[] } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || typeof value.sha !== 'string' || !isCommit(value.sha)) return undefined;
  if (!Array.isArray(value.siblings)) return undefined;
  const files = value.siblings.map((it: unknown) => (isRecord(it) ? it.rfilename : undefined));
  return files.every((file) => typeof file === 'string') ? { commit: value.sha, files } : undefined;
}

/** Of a listing: those of repositories with 100,000 files are 20 MB. */
const MAX_TEXT_BYTES = 64 << 20;

async function readText(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MAX_TEXT_BYTES) throw new LuthierError('download-failed', 'The list of files is implausibly long.');
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}

async function hasSize(path: string, size: number): Promise<boolean> {
  try {
    return (await stat(path)).size === size;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}

/** A link as huggingface_hub makes it; where the system allows none, a hard link, and at last a copy. */
async function linkTo(blob: string, pointer: string): Promise<void> {
  await rm(pointer, { force: true });
  const ways = [
    () => symlink(relative(dirname(pointer), blob), pointer),
    () => link(blob, pointer),
    () => copyFile(blob, pointer),
  ];
  for (const [index, way] of ways.entries()) {
    try {
      await way();
      return;
    } catch (error) {
      if (index === ways.length - 1) throw error;
    }
  }
}

function throttle<T>(milliseconds: number, tell: (value: T) => void): (value: T) => void {
  let last = -Infinity;
  return (value) => {
    const now = performance.now();
    if (now - last < milliseconds) return;
    last = now;
    tell(value);
  };
}
