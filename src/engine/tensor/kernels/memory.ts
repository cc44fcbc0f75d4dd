import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { capitalized } from '../../../protocol/figures.ts';
import { LuthierError } from '../../../protocol/index.ts';
import { besideBundle } from '../../beside-bundle.ts';
import { FEWER_PARAMETERS } from '../../fewer-parameters.ts';
import { Kernels } from './kernels.ts';

const PAGE = 65_536;
const ALIGNMENT = 64;
/** A 32-bit WebAssembly memory ends here. */
export const MAX_MEMORY_BYTES = 65_536 * PAGE;

export interface Counts {
  /** Lengths of the arrays to be asked for, in elements. */
  float32?: readonly number[];
  float64?: readonly number[];
  int32?: readonly number[];
  uint8?: readonly number[];
}

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Bytes that EngineMemory.create needs so that arrays of these lengths can be taken from it. */
export function sizeFor({ float32 = [], float64 = [], int32 = [], uint8 = [] }: Counts): number {
  let bytes = 0;
  for (const n of float64) bytes += aligned(n * 8);
  for (const n of [...float32, ...int32]) bytes += aligned(n * 4);
  for (const n of uint8) bytes += aligned(n);
  return bytes;
}

/**
 * One WebAssembly memory that holds parameters, gradients, moments and feeds. It is sized once: growing would detach
 * every view. Arrays are 64-byte aligned, zero at first and live as long as the memory; pages that nobody writes cost
 * nothing. onnxruntime reads and writes them in place, the kernels too.
 */
export class EngineMemory {
  readonly kernels: Kernels;
  readonly bytes: number;
  readonly #buffer: ArrayBuffer;
  #used = ALIGNMENT;

  private constructor(memory: WebAssembly.Memory) {
    this.#buffer = memory.buffer;
    this.bytes = this.#buffer.byteLength;
    // The first line of the memory is the kernels' work space, so no array has address 0.
    this.kernels = new Kernels(kernelsModule(), memory, 0);
  }

  /**
   * A memory from which arrays of `bytes` (see sizeFor) can be taken.
   * @throws LuthierError `not-enough-memory` past 4 GiB, or when the system gives no address space.
   */
  static create(bytes: number): EngineMemory {
    const total = bytes + ALIGNMENT;
    if (total > MAX_MEMORY_BYTES) {
      throw new LuthierError(
        'not-enough-memory',
        `Parameters, gradients and optimiser state need ${gib(total)} GiB in one block; a block can have at most ${gib(MAX_MEMORY_BYTES)} GiB.`,
        `${capitalized(FEWER_PARAMETERS)}.`,
      );
    }
    let memory: WebAssembly.Memory;
    try {
      const pages = Math.ceil(total / PAGE);
      memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    } catch (cause) {
      throw new LuthierError(
        'not-enough-memory',
        `The system refused ${gib(total)} GiB for parameters, gradients and optimiser state.`,
        `Close other programs, or ${FEWER_PARAMETERS}.`,
        { cause },
      );
    }
    return new EngineMemory(memory);
  }

  float32(length: number): Float32Array {
    return new Float32Array(this.#buffer, this.#take(length * 4), length);
  }

  float64(length: number): Float64Array {
    return new Float64Array(this.#buffer, this.#take(length * 8), length);
  }

  int32(length: number): Int32Array {
    return new Int32Array(this.#buffer, this.#take(length * 4), length);
  }

  uint8(length: number): Uint8Array {
    return new Uint8Array(this.#buffer, this.#take(length), length);
  }

  #take(bytes: number): number {
    const address = this.#used;
    const end = address + aligned(bytes);
    if (end > this.bytes) {
      throw new RangeError(`The memory of ${this.bytes} bytes is too small for ${end}: size it with sizeFor`);
    }
    this.#used = end;
    return address;
  }
}

const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(2);

let compiled: WebAssembly.Module | undefined;

/** The compiled kernels: beside the bundle, or, when the sources themselves run (tests), in dist/. */
function kernelsModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readKernels());
  return compiled;
}

function readKernels(): Buffer<ArrayBuffer> {
  const file = besideBundle('kernels.wasm');
  if (file !== null) return readFileSync(file);
  throw new LuthierError(
    'internal',
    `kernels.wasm is missing next to ${fileURLToPath(import.meta.url)}.`,
    'Build it with `npm run build`, or install Luthier again.',
  );
}
