import { lowerBound } from '../../protocol/steps.ts';

/** The drawn indices of [from, to), ascending, and the points in a bucket that they were chosen from. */
export interface Decimation {
  from: number;
  to: number;
  size: number;
  indices: Uint32Array;
}

/**
 * Indices of y that draw the same picture as all of y[from, to): the lowest and the highest of each bucket, in order,
 * and both ends. A line through them touches every pixel that the full line does when there is a bucket a pixel, so
 * no spike is lost (uPlot's own path builder does the same per pixel; doing it first keeps 100,000 points out of it).
 * Buckets hold a power of two of points and start at multiples of it, so that they stay where they are as y grows.
 * @param buckets wanted at most; the answer has at most 2 · buckets + 6 indices.
 * @param earlier what this gave for the same y when it was shorter: its whole buckets are taken over.
 * @returns ascending indices. Values that are not finite are passed over unless a whole bucket has no other.
 */
export const decimate = (
  y: Float64Array,
  from: number,
  to: number,
  buckets: number,
  earlier: Decimation | null = null,
): Decimation => {
  const n = to - from;
  if (n <= 2 * buckets)
    return { from, to, size: 1, indices: Uint32Array.from({ length: Math.max(0, n) }, (_, i) => from + i) };
  let size = 2;
  while (size * buckets < n) size *= 2;
  const indices = new Uint32Array(2 * (Math.ceil(n / size) + 1) + 4);
  let filled = 0;
  let begin = from - (from % size);
  const push = (index: number): void => {
    if (filled === 0 || indices[filled - 1]! < index) indices[filled++] = index;
  };
  if (earlier !== null && earlier.size === size && earlier.from === from && earlier.to <= to) {
    begin = earlier.to - (earlier.to % size);
    filled = lowerBound(earlier.indices, begin);
    indices.set(earlier.indices.subarray(0, filled));
  }
  push(from);
  for (let start = begin; start < to; start += size) {
    const end = Math.min(start + size, to);
    let low = Math.max(start, from);
    let high = low;
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (let i = low; i < end; i++) {
      const value = y[i]!;
      if (value < min) {
        min = value;
        low = i;
      }
      if (value > max) {
        max = value;
        high = i;
      }
    }
    push(Math.min(low, high));
    push(Math.max(low, high));
  }
  push(to - 1);
  return { from, to, size, indices: indices.subarray(0, filled) };
};

/** Index range [from, to) of an ascending x that covers [min, max] with one point to spare on each side. */
export const windowOf = (x: Float64Array, min: number, max: number): [from: number, to: number] => [
  Math.max(0, lowerBound(x, min) - 1),
  Math.min(x.length, lowerBound(x, max) + 2),
];

/** One line's points; x ascends. `ys` share x. */
export interface Source {
  x: ArrayLike<number>;
  ys: ArrayLike<number>[];
}

/**
 * Puts lines with x values of their own on one common x, as uPlot wants them: [x, y of each line…], null where a line
 * has no point.
 */
export const align = (sources: readonly Source[]): [number[], ...(number | null)[][]] => {
  const x: number[] = [];
  const columns: (number | null)[][] = sources.flatMap((source) => source.ys.map(() => []));
  const heads = sources.map(() => 0);
  for (;;) {
    let next = Number.POSITIVE_INFINITY;
    for (let s = 0; s < sources.length; s++) {
      const value = sources[s]!.x[heads[s]!];
      if (value !== undefined && value < next) next = value;
    }
    if (next === Number.POSITIVE_INFINITY) break;
    x.push(next);
    let column = 0;
    for (let s = 0; s < sources.length; s++) {
      const source = sources[s]!;
      const head = heads[s]!;
      const here = source.x[head] === next;
      for (const y of source.ys) {
        const value = here ? y[head]! : null;
        columns[column++]!.push(value !== null && Number.isFinite(value) ? value : null);
      }
      if (here) heads[s] = head + 1;
    }
  }
  return [x, ...columns];
};
