import type { FileHandle } from 'node:fs/promises';
import { errnoOf } from '../../files/errno.ts';
import { NotRegularError, openRegularFile } from '../../files/regular-file.ts';
import { writeFileAtomically } from '../../files/write-file.ts';
import { LuthierError } from '../../protocol/index.ts';
import { bfloatBits, bfloatToFloat, halfBits, halfToFloat } from './float-formats.ts';
import {
  DTYPE_BYTES,
  invalid,
  MAX_HEADER_BYTES,
  parseHeader,
  quoteName,
  type TensorInfo,
} from './safetensors-header.ts';

/** A multiple of every element's size; small enough to stay in the cache between reading and converting. */
const READ_BYTES = 4 << 20;
/** The most that is read at once straight into the caller's memory; one system call takes at most 2^31 − 1. */
const DIRECT_READ_BYTES = 256 << 20;
const WRITE_BYTES = 8 << 20;

/**
 * An open safetensors file. Its header is checked whole before anything is read, so that a lying file is refused in
 * one sentence and can make nothing read beyond its own bytes.
 */
export class SafetensorsFile {
  readonly path: string;
  /** By name, in the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle, header: ReturnType<typeof parseHeader>) {
    this.path = path;
    this.tensors = header.tensors;
    this.metadata = header.metadata;
    this.#file = file;
  }

  /** @throws LuthierError `model-invalid` (missing, cut off, lying), `model-unsupported` (a dtype we do not know) */
  static async open(path: string): Promise<SafetensorsFile> {
    let file: FileHandle;
    try {
      file = (await openRegularFile(path)).handle;
    } catch (error) {
      if (error instanceof NotRegularError) throw new LuthierError('model-invalid', error.message);
      throw new LuthierError('model-invalid', `${path} cannot be read (${errnoOf(error) ?? error}).`, undefined, {
        cause: error,
      });
    }
    try {
      return new SafetensorsFile(path, file, await readHeader(path, file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Fills `target` with a tensor's elements, row-major, as float32. F32 is read into its bytes as they are; F16 and
   * BF16 are exact; F64 and whole numbers beyond 2^24 are rounded to the nearest float32.
   * `target` may be a view of a WebAssembly memory, which must not grow until this is done.
   */
  async readInto(name: string, target: Float32Array): Promise<void> {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) {
      throw new LuthierError('model-invalid', `${this.path} has no tensor ${quoteName(name)}.`);
    }
    if (target.length !== tensor.size) {
      throw new LuthierError(
        'model-invalid',
        `${this.path}: tensor ${quoteName(name)} has shape [${tensor.shape.join(', ')}] (${tensor.size} numbers), but ${target.length} numbers are expected.`,
        'The weights do not match the sizes in config.json.',
      );
    }
    if (tensor.dtype === 'F32') {
      const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
      for (let done = 0; done < bytes.length; done += DIRECT_READ_BYTES) {
        await this.#fill(name, bytes.subarray(done, done + DIRECT_READ_BYTES), tensor.begin + done);
      }
      return;
    }
    const convert = CONVERSIONS[tensor.dtype];
    if (convert === undefined) {
      throw new LuthierError(
        'model-unsupported',
        `${this.path} stores its tensor ${quoteName(name)} as ${tensor.dtype}, which Luthier does not support.`,
        'Use a copy of the model in F32, F16 or BF16.',
      );
    }
    const elementBytes = DTYPE_BYTES[tensor.dtype];
    const chunk = new Uint8Array(Math.min(READ_BYTES, tensor.end - tensor.begin));
    for (let at = tensor.begin; at < tensor.end; at += chunk.length) {
      const part = chunk.subarray(0, Math.min(chunk.length, tensor.end - at));
      await this.#fill(name, part, at);
      const first = (at - tensor.begin) / elementBytes;
      const count = part.length / elementBytes;
      convert(part.buffer, count, target.subarray(first, first + count));
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #fill(name: string, bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await this.#file.read(bytes, done, bytes.length - done, position + done);
      if (bytesRead === 0) throw invalid(this.path, `was cut off while its tensor ${quoteName(name)} was being read`);
      done += bytesRead;
    }
  }
}

async function readHeader(path: string, file: FileHandle): Promise<ReturnType<typeof parseHeader>> {
  const status = await file.stat();
  const prefix = new Uint8Array(8);
  const { bytesRead } = await file.read(prefix, 0, 8, 0);
  if (bytesRead < 8) throw invalid(path, `has ${status.size} bytes, too few for a safetensors file`);
  if (new TextDecoder().decode(prefix) === 'version ') {
    throw new LuthierError(
      'model-invalid',
      `${path} is a Git LFS pointer, not the weights themselves.`,
      'Run "git lfs pull" in the folder it was cloned to, or download the file from the model\'s page.',
    );
  }
  const headerBytes = new DataView(prefix.buffer).getBigUint64(0, true);
  if (headerBytes > BigInt(Math.max(0, status.size - 8))) {
    throw invalid(
      path,
      `says that its header has ${headerBytes} bytes, but only ${status.size - 8} follow: it is cut off or not a safetensors file`,
    );
  }
  if (headerBytes > BigInt(MAX_HEADER_BYTES)) {
    throw invalid(path, `says that its header has ${headerBytes} bytes, more than the ${MAX_HEADER_BYTES} allowed`);
  }
  const header = new Uint8Array(Number(headerBytes));
  for (let done = 0; done < header.length; ) {
    const { bytesRead } = await file.read(header, done, header.length - done, 8 + done);
    if (bytesRead === 0) throw invalid(path, 'was cut off while its header was being read');
    done += bytesRead;
  }
  return parseHeader(path, header, 8 + header.length, status.size);
}

type Conversion = (buffer: ArrayBufferLike, count: number, target: Float32Array) => void;

const CONVERSIONS: Partial<Record<TensorInfo['dtype'], Conversion>> = {
  F16: (buffer, count, target) => halfToFloat(new Uint16Array(buffer, 0, count), target),
  BF16: (buffer, count, target) => bfloatToFloat(new Uint16Array(buffer, 0, count), target),
  F64: (buffer, count, target) => target.set(new Float64Array(buffer, 0, count)),
  I64: (buffer, count, target) => {
    const values = new BigInt64Array(buffer, 0, count);
    for (let i = 0; i < count; i++) target[i] = Number(values[i]!);
  },
  I32: (buffer, count, target) => target.set(new Int32Array(buffer, 0, count)),
  I16: (buffer, count, target) => target.set(new Int16Array(buffer, 0, count)),
  I8: (buffer, count, target) => target.set(new Int8Array(buffer, 0, count)),
  U8: (buffer, count, target) => target.set(new Uint8Array(buffer, 0, count)),
  BOOL: (buffer, count, target) => target.set(new Uint8Array(buffer, 0, count)),
};

export interface TensorToWrite {
  name: string;
  shape: readonly number[];
  /** What it is stored as; F16 and BF16 are rounded to nearest, ties to even. */
  dtype: 'F32' | 'F16' | 'BF16';
  /** Row-major. May be a live view: it must not change until the write is done. */
  data: Float32Array;
}

/**
 * Writes a safetensors file atomically; what stood there before is untouched when anything fails. Tensors are laid out
 * as the reference writer does, widest dtype first and then by name, so that equal tensors make equal files.
 * @throws LuthierError `disk-full`, `not-writable`, or `model-invalid` for a number too large for F16
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Record<string, string> = { format: 'pt' },
): Promise<void> {
  const ordered = [...tensors].sort(
    (a, b) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  const header = headerFor(ordered, metadata);
  await writeFileAtomically(path, async (file) => {
    await writeAll(file, header);
    // Live views are copied into a buffer of our own before each write: an asynchronous write of the view itself would
    // store whatever stands there when the system comes to it.
    const buffer = new Uint8Array(WRITE_BYTES);
    let used = 0;
    for (const tensor of ordered) {
      const elementBytes = DTYPE_BYTES[tensor.dtype];
      for (let done = 0; done < tensor.data.length; ) {
        if (buffer.length - used < elementBytes) {
          await writeAll(file, buffer.subarray(0, used));
          used = 0;
        }
        const count = Math.min(tensor.data.length - done, Math.floor((buffer.length - used) / elementBytes));
        encode(path, tensor, done, count, buffer, used);
        done += count;
        used += count * elementBytes;
      }
    }
    await writeAll(file, buffer.subarray(0, used));
  });
}

function headerFor(tensors: readonly TensorToWrite[], metadata: Record<string, string>): Uint8Array {
  const record = new Map<string, unknown>([['__metadata__', metadata]]);
  let offset = 0;
  for (const { name, shape, dtype, data } of tensors) {
    if (record.has(name)) throw new Error(`Tensor ${quoteName(name)} is given twice.`);
    const size = shape.reduce((a, b) => a * b, 1);
    if (size !== data.length) {
      throw new Error(`Tensor ${quoteName(name)} of shape [${shape.join(', ')}] holds ${data.length} numbers.`);
    }
    const end = offset + size * DTYPE_BYTES[dtype];
    record.set(name, { dtype, shape, data_offsets: [offset, end] });
    offset = end;
  }
  // Not an object literal: a name such as "__proto__" must come out as any other.
  const json = `{${[...record].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
  const text = new TextEncoder().encode(json);
  const padded = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, 8);
  return bytes;
}

/** Copies or converts `count` elements from `first` on into the buffer at byte `at`. */
function encode(
  path: string,
  tensor: TensorToWrite,
  first: number,
  count: number,
  buffer: Uint8Array,
  at: number,
): void {
  const { data, dtype } = tensor;
  if (dtype === 'F32') {
    buffer.set(new Uint8Array(data.buffer, data.byteOffset + first * 4, count * 4), at);
    return;
  }
  // 4-byte elements come before 2-byte ones, so `at` is even.
  const bits = new Uint32Array(data.buffer, data.byteOffset + first * 4, count);
  const out = new Uint16Array(buffer.buffer, at, count);
  if (dtype === 'BF16') {
    for (let i = 0; i < count; i++) out[i] = bfloatBits(bits[i]!);
    return;
  }
  for (let i = 0; i < count; i++) {
    const half = halfBits(bits[i]!);
    if ((half & 0x7fff) === 0x7c00 && Number.isFinite(data[first + i]!)) {
      throw new LuthierError(
        'model-invalid',
        `${path}: tensor ${quoteName(tensor.name)} contains ${data[first + i]}, which is too large for F16.`,
        'Write it as F32 or BF16.',
      );
    }
    out[i] = half;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}
