export interface AdamWStep {
  lr: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Decoupled: w shrinks by lr · weight_decay, whatever its gradient. */
  weight_decay: number;
  /** 1 for the first step. */
  step: number;
  /** Multiplies the gradient: 1, or what clipping and accumulation ask for. */
  gradScale: number;
}

export interface DropoutSite {
  /** Share of elements dropped, in [0, 1); rounded to 1/65536. */
  rate: number;
  /** A whole number in [0, 2^53). */
  seed: number;
  /** Optimiser step (or micro-step): a whole number in [0, 2^32). */
  step: number;
  /** Place in the model: each dropout layer has one of its own. A whole number in [0, 2^32). */
  site: number;
  /** Index of the mask's first element, a multiple of 32: a mask may be made in parts. Default 0. */
  first?: number;
}

/** Sizes of `multiplyAdd`: c [M, K] += a [M, L] · b [L, K], the elements of a so many numbers apart. */
export interface ProductSizes {
  M: number;
  L: number;
  /** Even. */
  K: number;
  strideM: number;
  strideL: number;
}

/** The WebAssembly module's exports (kernels/assembly). */
interface Exports {
  adamw(w: number, g: number, m: number, v: number, n: number, ...scalars: number[]): void;
  adamwRows(...addressesAndScalars: number[]): void;
  sumOfSquares(x: number, n: number): number;
  sumOfSquaresInRows(x: number, touched: number, rows: number, width: number): number;
  scale(x: number, n: number, s: number): void;
  addScaled(dst: number, src: number, n: number, s: number): void;
  fill(x: number, n: number, value: number): void;
  segmentSum(table: number, rows: number, ids: number, n: number, width: number): void;
  clearRows(table: number, ids: number, n: number, width: number): void;
  multiplyAdd(c: number, a: number, b: number, M: number, L: number, K: number, ...strides: number[]): void;
  dropoutMask(out: number, n: number, firstGroup: number, threshold: number, ...key: number[]): void;
}

type View = Float32Array | Float64Array | Int32Array | Uint8Array;

const GROUP = 32;

/**
 * SIMD kernels over views of one WebAssembly memory (EngineMemory gives out both). A view of any other memory, or of
 * an unequal length, is a defect of the caller and throws a RangeError. Any length and any 4-byte alignment will do.
 */
export class Kernels {
  readonly #exports: Exports;
  readonly #buffer: ArrayBuffer;
  /** Address of 32 bytes of work space. */
  readonly #scratch: number;

  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory, scratch: number) {
    // The stub runtime imports nothing else: no allocation, no data, no abort.
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    this.#exports = instance.exports as unknown as Exports;
    this.#buffer = memory.buffer;
    this.#scratch = scratch;
  }

  /**
   * One AdamW step in place on w and its moments m, v, as torch.optim.AdamW does it (formula in assembly/adamw.ts).
   * Bias corrections are computed in double. |m| and v below 1e-30 become zero.
   */
  adamw(w: Float32Array, g: Float32Array, m: Float32Array, v: Float32Array, options: AdamWStep): void {
    const n = this.#same(w, g, m, v);
    this.#exports.adamw(
      this.#address(w),
      this.#address(g),
      this.#address(m),
      this.#address(v),
      n,
      ...adamwScalars(options),
    );
  }

  /**
   * The same, bit for bit, for a table `[rows, width]`: a row whose byte in `touched` `[rows]` is 0 has no gradient and
   * no moments, which the caller vouches for, and only decays.
   */
  adamwRows(
    w: Float32Array,
    g: Float32Array,
    m: Float32Array,
    v: Float32Array,
    touched: Uint8Array,
    options: AdamWStep,
  ): void {
    const width = this.#same(w, g, m, v) / touched.length;
    if (!Number.isInteger(width)) throw new RangeError(`${w.length} values are no ${touched.length} rows`);
    const addresses = [w, g, m, v, touched].map((view) => this.#address(view));
    this.#exports.adamwRows(...addresses, touched.length, width, ...adamwScalars(options));
  }

  /** Σ x² in double; NaN or infinite when an element is, so one check of the sum checks them all. */
  sumOfSquares(x: Float32Array): number {
    return this.#exports.sumOfSquares(this.#address(x), x.length);
  }

  /** The same of a table `[rows, width]` whose rows with a 0 in `touched` `[rows]` are all zero, which the caller vouches for. */
  sumOfSquaresInRows(x: Float32Array, touched: Uint8Array): number {
    const width = x.length / touched.length;
    if (!Number.isInteger(width)) throw new RangeError(`${x.length} values are no ${touched.length} rows`);
    return this.#exports.sumOfSquaresInRows(this.#address(x), this.#address(touched), touched.length, width);
  }

  /** x *= s. */
  scale(x: Float32Array, s: number): void {
    this.#exports.scale(this.#address(x), x.length, s);
  }

  /** dst += s · src. */
  addScaled(dst: Float32Array, src: Float32Array, s: number): void {
    const n = this.#same(dst, src);
    this.#exports.addScaled(this.#address(dst), this.#address(src), n, s);
  }

  /** Every element becomes `value`. */
  fill(x: Float32Array, value: number): void {
    this.#exports.fill(this.#address(x), x.length, value);
  }

  /**
   * table[ids[i], :] += rows[i, :] in the order of i, so always with the same rounding.
   * table: [V, width], rows: [N, width], ids: [N] in 0 … V − 1.
   */
  segmentSum(table: Float32Array, rows: Float32Array, ids: Int32Array, width: number): void {
    this.#checkIds(table, ids, width);
    if (rows.length !== ids.length * width) {
      throw new RangeError(`${ids.length} ids of width ${width} need ${ids.length * width} values, not ${rows.length}`);
    }
    this.#exports.segmentSum(this.#address(table), this.#address(rows), this.#address(ids), ids.length, width);
  }

  /** table[ids[i], :] = 0: makes a table that segmentSum wrote zero again. table: [V, width], ids: [N]. */
  clearRows(table: Float32Array, ids: Int32Array, width: number): void {
    this.#checkIds(table, ids, width);
    this.#exports.clearRows(this.#address(table), this.#address(ids), ids.length, width);
  }

  /**
   * c += a · b in double, with a as it stands or, by its strides, transposed. Sums are taken in the order of l, so they
   * are the same on every machine.
   * @param panel work space, 4 · L numbers
   */
  multiplyAdd(c: Float64Array, a: Float64Array, b: Float64Array, panel: Float64Array, sizes: ProductSizes): void {
    const { M, L, K, strideM, strideL } = sizes;
    const last = M === 0 || L === 0 ? 0 : (M - 1) * strideM + (L - 1) * strideL + 1;
    if (K % 2 !== 0 || c.length < M * K || b.length < L * K || a.length < last || panel.length < 4 * L) {
      throw new RangeError(
        `Arrays of ${a.length}, ${b.length} and ${c.length} numbers are no matrices of ${M}, ${L} and ${K}`,
      );
    }
    const addresses = [c, a, b].map((view) => this.#address(view)) as [number, number, number];
    this.#exports.multiplyAdd(...addresses, M, L, K, 8 * strideM, 8 * strideL, this.#address(panel));
  }

  /**
   * Fills `mask` with 1 (keep) or 0 (drop), each element from (seed, step, site, its index) alone by Philox4x32-10
   * (assembly/dropout.ts): the same on every machine, and whether made at once or in parts by `first`.
   */
  dropoutMask(mask: Uint8Array, { rate, seed, step, site, first = 0 }: DropoutSite): void {
    if (!(rate >= 0 && rate < 1)) throw new RangeError(`A dropout rate is in [0, 1), not ${rate}`);
    if (first % GROUP !== 0) throw new RangeError(`A part of a mask starts at a multiple of ${GROUP}, not at ${first}`);
    this.#exports.dropoutMask(
      this.#address(mask),
      mask.length,
      first / GROUP,
      Math.min(Math.round(rate * 65536), 65535),
      seed >>> 0,
      Math.floor(seed / 2 ** 32),
      ...[step, site, this.#scratch],
    );
  }

  #address(view: View): number {
    if (view.buffer !== this.#buffer) throw new RangeError('The array is no view of the memory of these kernels');
    return view.byteOffset;
  }

  #same(first: Float32Array, ...others: Float32Array[]): number {
    for (const other of others) {
      if (other.length !== first.length) throw new RangeError(`Arrays of ${first.length} and ${other.length} values`);
    }
    return first.length;
  }

  #checkIds(table: Float32Array, ids: Int32Array, width: number): void {
    const size = table.length / width;
    for (const id of ids) {
      if (!(id >= 0 && id < size)) throw new RangeError(`Id ${id} in a table of ${size} rows`);
    }
  }
}

/** Bias corrections and the like, in double, in the order of assembly/adamw.ts. */
function adamwScalars({ lr, beta1, beta2, epsilon, weight_decay, step, gradScale }: AdamWStep): number[] {
  return [
    ...[beta1, 1 - beta1, beta2, 1 - beta2, epsilon],
    ...[1 - lr * weight_decay, lr / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step), gradScale],
  ];
}
