import { FULL_RANGE } from './eight-bit.ts';
import type { BlockForms, HeldBits } from './executor.ts';

/** Numbers of a weight's row that have a scale of their own: what is large among them spoils no others. */
export const BLOCK = 32;
/** Bytes of a block's scale. */
const SCALE = 4;

/** Bytes that a number takes: its own, and its share of a block's scale. */
export const bytesOfNumber = (bits: HeldBits): number => bits / 8 + SCALE / BLOCK;

/** A matrix as onnxruntime's MatMulNBits reads it: number j of a block is `scale · (values[j] − 2^(bits − 1))`. */
export interface BlockMatrix {
  readonly bits: HeldBits;
  /** A block's numbers one after the other; of two in 4 bits the first has the lower half of a byte. */
  readonly values: Uint8Array;
  /** One for each block. */
  readonly scales: Float32Array;
  readonly shape: [outputs: number, blocks: number, bytes: number];
}

/** How a weight lies: N outputs of K numbers each, `[N, K]`, or `[K, N]` where it is not `transposed`. */
interface Lie {
  n: number;
  k: number;
  transposed: boolean;
}

/** The block that is rounded: in floats of 64 bits, which need no conversion. */
const block = new Float64Array(BLOCK);

/**
 * The nearest such matrix to a weight.
 * @param range of 8 bits: the largest magnitude of a value, at most 127
 */
export function quantizeBlocks(
  weight: Float32Array,
  { n, k, transposed, bits = 8, range = FULL_RANGE }: Lie & { bits?: HeldBits; range?: number },
): BlockMatrix {
  const blocks = Math.ceil(k / BLOCK);
  const bytes = (BLOCK * bits) / 8;
  const values = new Uint8Array(n * blocks * bytes);
  const scales = new Float32Array(n * blocks);
  eachBlock({ n, k, transposed }, (at, from, step, count) => {
    // What lies beyond the last column is 0.
    for (let j = 0; j < BLOCK; j++) block[j] = j < count ? weight[from + j * step]! : 0;
    scales[at] = bits === 8 ? inBytes(range, values, at * bytes) : inHalfBytes(values, at * bytes);
  });
  return { bits, values, scales, shape: [n, blocks, bytes] };
}

/** @param see is told of each block its number, and where in the weight its numbers lie; near ones after one another */
function eachBlock(
  { n, k, transposed }: Lie,
  see: (at: number, from: number, step: number, count: number) => void,
): void {
  const blocks = Math.ceil(k / BLOCK);
  const [row, step] = transposed ? [k, 1] : [1, n];
  const one = (i: number, b: number) =>
    see(i * blocks + b, i * row + b * BLOCK * step, step, Math.min(BLOCK, k - b * BLOCK));
  if (transposed) for (let i = 0; i < n; i++) for (let b = 0; b < blocks; b++) one(i, b);
  else for (let b = 0; b < blocks; b++) for (let i = 0; i < n; i++) one(i, b);
}

/** Added and taken away again, this rounds a float of 64 bits to the nearest whole number, several times as fast as Math.round. */
const ROUND = 1.5 * 2 ** 52;

/** The block's number of largest magnitude. */
function extremeOf(): number {
  let [extreme, size] = [0, 0];
  for (let j = 0; j < BLOCK; j++) {
    const magnitude = Math.abs(block[j]!);
    if (magnitude > size) [extreme, size] = [block[j]!, magnitude];
  }
  return extreme;
}

/** @returns the scale */
function inBytes(range: number, to: Uint8Array, at: number): number {
  const scale = Math.abs(extremeOf()) / range || 1;
  for (let j = 0; j < BLOCK; j++) to[at + j] = 128 + (block[j]! / scale + ROUND - ROUND);
  return scale;
}

/** What the number of largest magnitude may be rounded to: −8 is the far end, −7 has its counterpart, beyond −8 it is cut. */
const ENDS = [-8, -7, -9];

/** A number of so many units from −8 to 7. */
function inFour(units: number): number {
  const value = units + ROUND - ROUND;
  return value > 7 ? 7 : value < -8 ? -8 : value;
}

/**
 * As in llama.cpp's make_qx_quants (ggml-quants.c), a few scales are tried, each then made the one of least squares for what the
 * numbers were rounded to, and the one that is nearest is taken.
 * @returns the scale
 */
function inHalfBytes(to: Uint8Array, at: number): number {
  const extreme = extremeOf();
  let scale = 1;
  let best = 0;
  let nearest = -1;
  for (const end of extreme === 0 ? [] : ENDS) {
    const unit = end / extreme;
    let [product, squares] = [0, 0];
    for (let j = 0; j < BLOCK; j++) {
      const value = inFour(block[j]! * unit);
      product += block[j]! * value;
      squares += value * value;
    }
    // What is left of the squares is smaller by this.
    const explained = (product * product) / squares;
    if (explained > nearest) [nearest, scale, best] = [explained, product / squares, unit];
  }
  for (let j = 0; j < BLOCK; j += 2)
    to[at + j / 2] = (inFour(block[j]! * best) + 8) | ((inFour(block[j + 1]! * best) + 8) << 4);
  return scale;
}

/** What such a matrix stands for, as its weight lies. */
export function meantBy({ bits, values, scales }: BlockMatrix, lie: Lie): Float32Array {
  const weight = new Float32Array(lie.n * lie.k);
  eachBlock(lie, (at, from, step, count) => {
    const scale = scales[at]!;
    for (let j = 0; j < count; j++) {
      const place = at * BLOCK + j;
      const value = bits === 8 ? values[place]! - 128 : ((values[place >> 1]! >> (4 * (place & 1))) & 15) - 8;
      weight[from + j * step] = value * scale;
    }
  });
  return weight;
}

/**
 * The feeds that have a matrix in blocks, named after the one that would have it in float.
 * @param forward the form that a layer's output is computed by
 */
export function formsNamed(name: string, bits: HeldBits, forward: BlockForms['forward']): BlockForms {
  const form = (way: string) => ({ values: `${way}:${name}`, scales: `${way}:${name} scales` });
  return { bits, forward, rows: form('rows'), columns: form('columns') };
}

/** A matrix in blocks for products either way. */
export interface BothWays {
  /** Of x · wᵀ. */
  rows: BlockMatrix;
  /** Of x · w. */
  columns: BlockMatrix;
}

/** How a matrix `[rows, columns]` lies for a product. */
const lieOf = ([rows, columns]: readonly number[], way: keyof BothWays): Lie =>
  way === 'rows' ? { n: rows!, k: columns!, transposed: true } : { n: columns!, k: rows!, transposed: false };

/** One form of a matrix `[rows, columns]`. */
export const quantizeOneWay = (
  weight: Float32Array,
  shape: readonly number[],
  bits: HeldBits,
  way: keyof BothWays,
): BlockMatrix => quantizeBlocks(weight, { ...lieOf(shape, way), bits });

/**
 * Both forms of a matrix `[rows, columns]`. Blocks lie along what is summed, so that one form cannot serve both. What is
 * multiplied by backward is made of what is multiplied by forward: gradients are of the layer as it is computed, not of the
 * one that it was.
 * @param forward the form that a layer's output is computed by
 */
export function quantizeBothWays(
  weight: Float32Array,
  shape: readonly number[],
  bits: HeldBits,
  forward: keyof BothWays,
): BothWays {
  const first = quantizeOneWay(weight, shape, bits, forward);
  const backward = forward === 'rows' ? 'columns' : 'rows';
  const second = quantizeOneWay(meantBy(first, lieOf(shape, forward)), shape, bits, backward);
  return forward === 'rows' ? { rows: first, columns: second } : { rows: second, columns: first };
}
