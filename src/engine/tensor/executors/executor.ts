import type * as tf from '@tensorflow/tfjs-core';

export type DType = 'float32' | 'int32' | 'bool';
export type Shape = readonly number[];

/** Bits of a number that an executor computes with instead of a float's. */
export type HeldBits = 8 | 4;

export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
  /** The array is the same in every run, so that an executor may compute with it in so many bits where it can. */
  readonly held?: HeldBits;
  /**
   * With `held`: its 8-bit form may become a part of the program when that is first run. A product with a single row is
   * then several times as fast, since it is laid out once, but each such program has a copy.
   */
  readonly builtIn?: true;
  /**
   * With `held`, of the weight of a linear layer: how what it is multiplied with is rounded, instead of by the range that
   * it has, so that a row's product does not depend on the other rows.
   */
  readonly beside?: Rounding;
  /**
   * Name of another feed that has the same matrix with its axes swapped; an executor reads the one that it is faster with,
   * or both.
   */
  readonly transposed?: string;
  /** Other feeds that have the same matrix in blocks: an executor reads these and not the matrix itself. */
  readonly inBlocks?: BlockForms;
}

/** The feeds that have a matrix `[R, C]` in 8 or 4 bits (blocks.ts), for products with it either way. */
export interface BlockForms {
  readonly bits: HeldBits;
  /** The one that a layer's output is computed by, where the other is for gradients. */
  readonly forward: 'rows' | 'columns';
  /** Of x · wᵀ: R rows in blocks. */
  readonly rows: BlockFeeds;
  /** Of x · w: C columns in blocks. */
  readonly columns: BlockFeeds;
}

export interface BlockFeeds {
  /** uint8 `[N, blocks, 4 · bits]`. */
  readonly values: string;
  /** float32 `[N · blocks]`. */
  readonly scales: string;
}

/** From the lowest to the highest; 0 is in it. */
export type Range = readonly [low: number, high: number];

/** What a range is rounded to: so far apart are two of its 256 numbers. */
export const stepOf = ([low, high]: Range): number => (high - low) / 255 || 1;

/** The one of the 256 that stands for 0. */
export const zeroOf = (range: Range): number => Math.round(-range[0] / stepOf(range));

const knownFactors = new WeakMap<Rounding, Float32Array>();

/**
 * What each of a weight's K columns is multiplied by before it is rounded, the same array each time; undefined where all
 * are left as they are.
 */
export function factorsOf(rounding: Rounding, inputs: number): Float32Array | undefined {
  const { columns, apart } = rounding;
  if (!apart) return columns;
  const known = knownFactors.get(rounding);
  if (known) return known;
  const factors = columns ? Float32Array.from(columns) : new Float32Array(inputs).fill(1);
  for (const k of apart) factors[k] = 0;
  knownFactors.set(rounding, factors);
  return factors;
}

/** How what goes into a linear layer, `[M, K]` -> `[M, N]`, is rounded to 8 bits, each row alike. */
export interface Rounding {
  /** Of what is rounded: what goes in, divided by `columns`. What lies beyond is cut. */
  readonly range: Range;
  /** K numbers: each column is divided by one, and the weight's multiplied by it before it is rounded. Ones where left out. */
  readonly columns?: Float32Array | undefined;
  /** Columns whose share of the product is computed in float; what they are rounded to is multiplied by nothing. */
  readonly apart?: Int32Array | undefined;
  /** N numbers, added to the outputs: what rounding takes from them on average. */
  readonly shift?: Float32Array | undefined;
}

/** float32 as Float32Array, int32 as Int32Array, bool as Uint8Array of 0 and 1. */
export type TensorData = Float32Array | Int32Array | Uint8Array;

/**
 * A pure function of named tensors, written in tfjs-core ops (and those of models/functional.ts).
 * The same program gives the same outputs, within rounding, on every executor.
 */
export type Program = (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>;

/**
 * A value that an executor keeps where it computes, such as in a graphics card's memory. Whoever holds it disposes of it.
 */
export interface DeviceTensor {
  readonly shape: Shape;
  readonly dtype: DType | 'uint8';
  readonly isOnDevice: true;
  dispose(): void;
}

/**
 * What a program may be given: numbers of the caller's, or what the same executor gave back before, in any shape of as
 * many numbers.
 */
export type Feed = TensorData | DeviceTensor;

export const isOnDevice = (feed: Feed | undefined): feed is DeviceTensor => feed !== undefined && 'isOnDevice' in feed;

export interface CompileOptions {
  /** Norms and rotations may be a node each (graph/passes/single-nodes.ts), which rounds otherwise than their parts do. */
  readonly singleNodes?: boolean;
  /** Products are computed in float16 (graph/passes/half-precision.ts); only where the executor `computesInFloat16`. */
  readonly float16?: boolean;
}

/** A program made ready for inputs of fixed shapes. */
export interface Compiled {
  readonly outputs: Readonly<Record<string, TensorSpec>>;
  /** Memory that it holds while it does not run, roughly. */
  readonly bytes: number;
  /**
   * Runs the program once. `fetches` are written in place and must name every output with an array of its size;
   * neither feeds nor fetches are kept.
   */
  run(feeds: Record<string, Feed>, fetches: Record<string, Float32Array>): Promise<void>;
  dispose(): void;
}

/** A program all of whose outputs stay where the executor computes. */
export interface DeviceCompiled {
  readonly outputs: Readonly<Record<string, TensorSpec>>;
  readonly bytes: number;
  run(feeds: Record<string, Feed>): Promise<Record<string, DeviceTensor>>;
  dispose(): void;
}

/** Puts bytes where the executor computes, as many tensors as there are. */
export interface BytesOnDevice {
  put(bytes: Uint8Array, shape: Shape): Promise<DeviceTensor>;
  /** What was put stays. */
  dispose(): void;
}

/** Bytes that an executor has taken of a memory of its own. */
export interface DeviceMemory {
  /** What it keeps between runs. */
  readonly held: number;
  /** The most of that and of a run beside it, since the start or `reset`. */
  readonly peak: number;
  reset(): void;
}

/** Where programs run. An executor holds no parameters: whoever calls owns the memory. */
export interface Executor {
  readonly name: 'onnxruntime' | 'webgpu' | 'tensorflow' | 'wasm';
  /** Threads that its matrix products use. */
  readonly numThreads: number;
  /** Library and version that computes, for a run's fingerprint. */
  readonly library: string;
  /** Whether inputs marked `held: 8` are computed with in 8 bits; where not, in float as all others. */
  readonly computesIn8Bit?: boolean;
  /**
   * Whether the processor has instructions for products of 8 bits (x86's VNNI, ARM's dot products): only with them are
   * these several times as fast as float ones, and weights have all of their 8 bits.
   */
  isFastIn8Bit?(): Promise<boolean>;
  /** Whether it can compute products in float16. */
  computesInFloat16?(): Promise<boolean>;
  /** Whether marked layers are computed again for their gradients instead of kept; where not, as if they were not marked. */
  readonly recomputes?: boolean;
  compile(program: Program, inputs: Record<string, TensorSpec>, options?: CompileOptions): Promise<Compiled>;
  /**
   * There only where reaching the caller's memory is worth avoiding: then parameters, moments and the optimiser's step
   * belong with the executor (runtime/device-parameters.ts).
   */
  compileOnDevice?(
    program: Program,
    inputs: Record<string, TensorSpec>,
    options?: CompileOptions,
  ): Promise<DeviceCompiled>;
  /** There where matrices in blocks can be computed with (`inBlocks`). */
  openBytes?(): BytesOnDevice;
  /** Bytes that one tensor there may have; no limit of its own where left out. */
  readonly largestBinding?: number;
  /** What it has taken of a memory of its own. */
  readonly memory?: DeviceMemory;
  dispose(): void;
}

export const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
