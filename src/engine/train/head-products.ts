import { EngineMemory, sizeFor } from '../tensor/kernels/memory.ts';
import { type HeadLosses, type HeadTargets, headLosses } from './head-loss.ts';

/** Rows and what a head is to make of them. */
export interface HeadProblem extends HeadTargets {
  /** What the answers are computed of, `[N, D]`. */
  features: Float32Array | Float64Array;
  width: number;
  /** Whether the answers have a bias, which is not penalised. */
  bias?: boolean;
  /** Rows at the end that are learnt from, but that no strength is chosen on. */
  fittedAlone?: number;
  /** The head reads `(features − mean) / scale`. */
  centre?: { mean: Float64Array; scale: number };
}

/** Bytes of rows that are in memory at once: more are brought in piece by piece each time that they are read. */
const MOST_BYTES = 32 * 2 ** 20;
/** Inputs up to which products of them with each other are computed: their factor costs the cube of it. */
const MOST_INPUTS = 1600;
/** Rows whose logits are computed together, and from them their part of the gradient while they are in the cache. */
const BLOCK = 64;

type Between = () => Promise<void>;

/**
 * The losses of a linear head and their gradient, by two products of matrices in the kernels' memory (f64, SIMD), which
 * serves every problem up to a size. Of rows, however many, a bounded number is in it.
 */
export class HeadProducts {
  /** Numbers that a row has, with the 1 of the bias. */
  readonly inputs: number;
  /** From one row to the next: an odd count of cache lines, so that rows do not displace each other. */
  readonly stride: number;
  /** Outputs, and one more that is always 0 where they are odd. */
  readonly columns: number;
  /** Of a head as one vector: `[inputs, columns]`, the bias last. */
  readonly length: number;
  readonly #memory: EngineMemory;
  readonly #rows: number;
  readonly #x: Float64Array;
  readonly #head: Float64Array;
  readonly #sum: Float64Array;
  readonly #square: Float64Array | null;
  #hasTriangle = false;
  readonly #logits: Float64Array;
  readonly #panel: Float64Array;
  #held: { problem: HeadProblem; first: number; step: number } | undefined;

  /** @param largest of the problems: none has more rows, and the other sizes of all are the same */
  constructor({ features, width, outputs, bias = true }: HeadProblem) {
    this.inputs = bias ? width + 1 : width;
    this.stride = 8 * (Math.ceil(this.inputs / 8) | 1);
    this.columns = outputs + (outputs % 2);
    this.length = this.inputs * this.columns;
    const most = BLOCK * Math.max(1, Math.floor(MOST_BYTES / (8 * this.stride * BLOCK)));
    this.#rows = Math.min(Math.max(1, features.length / width), most);
    const sizes = {
      ...{ x: this.#rows * this.stride, head: this.length, sum: this.length },
      square: this.inputs <= MOST_INPUTS ? this.inputs * this.stride : 0,
      ...{ logits: BLOCK * this.columns, panel: 4 * Math.max(BLOCK, this.inputs) },
    };
    this.#memory = EngineMemory.create(sizeFor({ float64: Object.values(sizes) }));
    const array = (name: keyof typeof sizes) => this.#memory.float64(sizes[name]);
    [this.#x, this.#head, this.#sum] = [array('x'), array('head'), array('sum')];
    [this.#logits, this.#panel] = [array('logits'), array('panel')];
    this.#square = sizes.square > 0 ? array('square') : null;
  }

  /**
   * The losses of all rows by a head.
   * @param gradient receives that of their sum
   * @param between called after each piece of the rows; what it throws ends the work
   */
  async losses(
    problem: HeadProblem,
    head: Float64Array,
    gradient: Float64Array,
    between: Between,
  ): Promise<HeadLosses> {
    const N = problem.features.length / problem.width;
    this.#head.set(head);
    this.#sum.fill(0);
    const sums = { loss: 0, curvature: 0 };
    for (let first = 0; first < N; first += this.#rows) {
      const count = Math.min(this.#rows, N - first);
      this.#load(problem, first, count);
      for (let row = 0; row < count; row += BLOCK) {
        const { loss, curvature } = this.#block(problem, first, row, Math.min(BLOCK, count - row));
        sums.loss += loss;
        sums.curvature += curvature;
      }
      await between();
    }
    gradient.set(this.#sum);
    return sums;
  }

  /**
   * XᵀX, `[inputs, stride]`: of a part of the rows, evenly spread, where not all of them are in memory at once. Null where
   * it would be too large.
   */
  gram(problem: HeadProblem): Float64Array | null {
    if (this.#square === null) return null;
    const N = problem.features.length / problem.width;
    const step = Math.ceil(N / this.#rows);
    const count = Math.ceil(N / step);
    this.#load(problem, 0, count, step);
    const square = this.#square.fill(0);
    const sizes = { M: this.inputs, K: this.stride, strideM: 1, strideL: this.stride };
    for (let row = 0; row < count; row += BLOCK) {
      const L = Math.min(BLOCK, count - row);
      const x = this.#x.subarray(row * this.stride, (row + L) * this.stride);
      this.#memory.kernels.multiplyAdd(square, x, x, this.#panel, { ...sizes, L });
    }
    return square.map((sum) => (sum * N) / count);
  }

  /** A lower triangular matrix T `[inputs, stride]`, by which vectors as long as a head are multiplied; 1 where it is null. */
  set triangle(triangle: Float64Array | null) {
    this.#hasTriangle = triangle !== null;
    if (triangle) this.#square?.set(triangle);
  }

  /** `target += T · source`, or with Tᵀ. */
  addTriangular(target: Float64Array, source: Float64Array, isTransposed: boolean): void {
    if (!this.#hasTriangle || this.#square === null) {
      for (let i = 0; i < target.length; i++) target[i]! += source[i]!;
      return;
    }
    this.#head.set(source);
    this.#sum.set(target);
    const { inputs, stride, columns: K } = this;
    for (let from = 0; from < inputs; from += BLOCK) {
      const M = Math.min(BLOCK, inputs - from);
      const [first, last] = isTransposed ? [from, inputs] : [0, from + M];
      const [strideM, strideL] = isTransposed ? [1, stride] : [stride, 1];
      this.#memory.kernels.multiplyAdd(
        this.#sum.subarray(from * K, (from + M) * K),
        this.#square.subarray(from * strideM + first * strideL),
        this.#head.subarray(first * K, last * K),
        this.#panel,
        { M, L: last - first, K, strideM, strideL },
      );
    }
    target.set(this.#sum);
  }

  /** Losses of rows that are in memory, whose gradient is added to that of all. */
  #block(problem: HeadProblem, first: number, row: number, rows: number): HeadLosses {
    const { kernels } = this.#memory;
    const { inputs: D, columns: K, stride } = this;
    const x = this.#x.subarray(row * stride, (row + rows) * stride);
    const logits = this.#logits.subarray(0, rows * K).fill(0);
    kernels.multiplyAdd(logits, x, this.#head, this.#panel, { M: rows, L: D, K, strideM: stride, strideL: 1 });
    const losses = headLosses(problem, first + row, logits, K);
    kernels.multiplyAdd(this.#sum, x, logits, this.#panel, { M: D, L: rows, K, strideM: 1, strideL: stride });
    return losses;
  }

  /** Brings rows into memory as the head reads them. */
  #load(problem: HeadProblem, first: number, count: number, step = 1): void {
    const held = this.#held;
    if (held?.problem === problem && held.first === first && held.step === step) return;
    this.#held = { problem, first, step };
    const { features, width: D, bias = true, centre } = problem;
    const mean = centre?.mean ?? new Float64Array(D);
    const factor = 1 / (centre?.scale ?? 1);
    for (let row = 0; row < count; row++) {
      const [from, to] = [(first + row * step) * D, row * this.stride];
      for (let j = 0; j < D; j++) this.#x[to + j] = (features[from + j]! - mean[j]!) * factor;
      if (bias) this.#x[to + D] = 1;
    }
  }
}
