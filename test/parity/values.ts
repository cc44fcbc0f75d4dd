/** FNV-1a, 32 bits. */
function seedOf(name: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) h = Math.imul(h ^ byte, 0x01000193);
  return h;
}

/** n numbers in [-1, 1), equal to values.py's. */
export function uniform(name: string, n: number): Float64Array {
  const values = new Float64Array(n);
  fill(name, values, 0, 1);
  return values;
}

/** offset + factor · u, where u in [-1, 1) is values.py's. A loop, not a callback: there may be millions. */
function fill(name: string, target: Float32Array | Float64Array, offset: number, factor: number): void {
  const seed = seedOf(name);
  for (let i = 0; i < target.length; i++) {
    let x = (Math.imul(i, 0x9e3779b1) + seed) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    target[i] = offset + factor * (((x ^ (x >>> 16)) >>> 0) / 2147483648 - 1);
  }
}

/** A BERT parameter equal to values.py's, float32. */
export function weight(name: string, size: number, deviation: number): Float32Array {
  const values = new Float32Array(size);
  if (/(LayerNorm|norm|ln_\w)\.weight$/.test(name)) fill(name, values, 1, 0.2);
  else if (name.endsWith('bias')) fill(name, values, 0, 0.1);
  else fill(name, values, 0, 1.7320508 * deviation);
  return values;
}

/**
 * How far `actual` is from `expected`: the largest difference over the largest expected magnitude, or over `floor`
 * where all of the expected are smaller than that. NaN when a value is.
 */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>, floor = 0): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} values against ${expected.length}`);
  let difference = 0;
  let scale = floor;
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i]! - expected[i]!);
    if (!(d <= difference)) difference = d;
    if (Number.isNaN(d)) return Number.NaN;
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return difference === 0 ? 0 : difference / scale;
}
