import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../files/errno.ts';
import { LuthierError, type Note, toErrorData } from '../../protocol/index.ts';
import { cacheFolder } from '../cache-folder.ts';
import { SafetensorsFile, writeSafetensors } from '../hub/safetensors.ts';

/** Written into each file: another layout of key or content gets another name. */
const FORMAT = 'luthier-features-1';
const TENSOR = 'features';
const EXTENSION = '.safetensors';
/** Bytes that all files together may have, where LUTHIER_FEATURE_CACHE says nothing. */
const DEFAULT_BYTES = 2e9;

export interface CachedFile {
  path: string;
  bytes: number;
  /** When it was last written or read. */
  used: Date;
}

/**
 * Outputs of frozen layers on disk, so that a head that is trained again on the same texts needs no pass through the
 * architecture. A file is named after the SHA-256 of all that its numbers follow from, and carries that of the numbers
 * themselves: what does not match is never used. The least recently used files go when the bound is reached.
 */
export class FeatureCache {
  readonly folder: string;
  readonly maxBytes: number;
  readonly #note: Note;

  constructor(note: Note, { folder = cacheFolder('features'), maxBytes = boundFromEnvironment() } = {}) {
    this.folder = folder;
    this.maxBytes = maxBytes;
    this.#note = note;
  }

  get isOff(): boolean {
    return this.maxBytes === 0;
  }

  /** Features `[rows, width]` kept under a key, or null; a file at fault is said, thrown away, and null. */
  async read(key: string, rows: number, width: number): Promise<Float32Array | null> {
    if (this.isOff) return null;
    const path = this.#path(key);
    try {
      const values = await readChecked(path, key, rows, width);
      if (values) await utimes(path, new Date(), new Date()).catch(() => undefined);
      return values;
    } catch (error) {
      this.#note(
        'warning',
        `Not using ${path} from the feature cache: ${toErrorData(error).message} It will be computed again.`,
      );
      await rm(path, { force: true, recursive: true }).catch(() => undefined);
      return null;
    }
  }

  /** Keeps features; what cannot be written is said, and stops no one. */
  async write(key: string, features: Float32Array, width: number): Promise<void> {
    if (this.isOff || features.byteLength > this.maxBytes) return;
    try {
      await mkdir(this.folder, { recursive: true });
      const shape = [features.length / width, width];
      const metadata = { format: FORMAT, key, sha256: sha256(features) };
      await writeSafetensors(this.#path(key), [{ name: TENSOR, shape, dtype: 'F32', data: features }], metadata);
      await this.#keepWithinBound();
    } catch (error) {
      this.#note(
        'warning',
        `The outputs of the frozen layers could not be cached for the next run: ${toErrorData(error).message}`,
      );
    }
  }

  /** The files, most recently used first. */
  async list(): Promise<CachedFile[]> {
    let names: string[];
    try {
      names = await readdir(this.folder);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
    const files = await Promise.all(
      names
        .filter((name) => name.endsWith(EXTENSION))
        .map(async (name): Promise<CachedFile | null> => {
          const path = join(this.folder, name);
          const status = await stat(path).catch(() => null);
          return status?.isFile() ? { path, bytes: status.size, used: status.mtime } : null;
        }),
    );
    return files.filter((file) => file !== null).sort((a, b) => b.used.getTime() - a.used.getTime());
  }

  /** Removes every file. @returns what was removed */
  async clear(): Promise<CachedFile[]> {
    const files = await this.list();
    for (const { path } of files) await rm(path, { force: true });
    return files;
  }

  async #keepWithinBound(): Promise<void> {
    let total = 0;
    for (const file of await this.list()) {
      total += file.bytes;
      if (total > this.maxBytes) await rm(file.path, { force: true });
    }
  }

  #path(key: string): string {
    return join(this.folder, key + EXTENSION);
  }
}

async function readChecked(path: string, key: string, rows: number, width: number): Promise<Float32Array | null> {
  const status = await stat(path).catch(() => null);
  if (status === null) return null;
  const file = await SafetensorsFile.open(path);
  try {
    const { metadata } = file;
    if (metadata.format !== FORMAT || metadata.key !== key) {
      throw new LuthierError('model-invalid', 'it was not written by this cache.');
    }
    const values = new Float32Array(rows * width);
    await file.readInto(TENSOR, values);
    if (sha256(values) !== metadata.sha256) throw new LuthierError('model-invalid', 'its checksum is wrong.');
    return values;
  } finally {
    await file.close();
  }
}

/** The key of what follows from these parts, in this order; names keep two that touch apart. */
export function featureKey(parts: Readonly<Record<string, string | ArrayBufferView>>): string {
  const hash = createHash('sha256').update(FORMAT);
  for (const [name, part] of Object.entries(parts)) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : bytesOf(part);
    hash.update(`\0${name} ${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

const sha256 = (values: ArrayBufferView) => createHash('sha256').update(bytesOf(values)).digest('hex');

const UNITS: Readonly<Record<string, number>> = { '': 1, KB: 1e3, MB: 1e6, GB: 1e9 };

/** LUTHIER_FEATURE_CACHE: a number of bytes, or of KB, MB or GB; 0 turns the cache off. */
function boundFromEnvironment(): number {
  const given = process.env.LUTHIER_FEATURE_CACHE?.trim();
  if (!given) return DEFAULT_BYTES;
  const match = /^(\d+(?:\.\d+)?)\s*(|KB|MB|GB)$/i.exec(given);
  if (match) return Number(match[1]) * UNITS[match[2]!.toUpperCase()]!;
  throw new LuthierError(
    'usage',
    `LUTHIER_FEATURE_CACHE is ${JSON.stringify(given)}, which is not a size.`,
    'Give a number of bytes, or a size such as 500MB or 2GB; 0 turns the cache off.',
  );
}
