import { createHash } from 'node:crypto';

/** Words in a row that are compared, and how many of a text's are kept. */
const SHINGLE = 5;
const SKETCH = 128;
/** Share of the words in a row that two texts have in common from which on they are nearly the same. */
const SIMILAR = 0.8;
/** A hash that more files have says nothing: a licence at the head of each, say. */
const COMMON = 50;

/**
 * The smallest hashes of a text's words in a row (Broder, “On the resemblance and containment of documents”, 1997).
 * @returns ascending; fewer than SKETCH where the text has fewer
 */
export function sketchOf(text: string): Float64Array {
  const words = text.match(/[\p{L}\p{M}\p{N}_]+|[^\s\p{L}\p{M}\p{N}_]/gu) ?? [];
  const hashes = new Set<number>();
  for (let i = 0; i + SHINGLE <= words.length; i++) hashes.add(hash(words.slice(i, i + SHINGLE).join(' ')));
  return Float64Array.from(hashes).sort().slice(0, SKETCH);
}

/** How alike two texts are by their sketches: an estimate of the share of their words in a row that both have. */
export function resemblance(a: Float64Array, b: Float64Array): number {
  let [i, j, both, seen] = [0, 0, 0, 0];
  while (seen < SKETCH && (i < a.length || j < b.length)) {
    const [x, y] = [a[i] ?? Number.POSITIVE_INFINITY, b[j] ?? Number.POSITIVE_INFINITY];
    if (x === y) both++;
    if (x <= y) i++;
    if (y <= x) j++;
    seen++;
  }
  return seen === 0 ? 0 : both / seen;
}

/** For each text the first of those that it is nearly the same as, itself where there is none. */
export function clustersOf(sketches: readonly Float64Array[]): number[] {
  const withHash = new Map<number, number[]>();
  const first = sketches.map((_, i) => i);
  const root = (i: number): number => {
    let top = i;
    while (first[top] !== top) top = first[top] = first[first[top]!]!;
    return top;
  };
  for (const [i, sketch] of sketches.entries()) {
    const candidates = new Set<number>();
    for (const value of sketch) {
      const others = withHash.get(value);
      if (!others) withHash.set(value, [i]);
      else {
        if (others.length <= COMMON) for (const other of others) candidates.add(other);
        others.push(i);
      }
    }
    for (const other of candidates) {
      const [a, b] = [root(other), root(i)];
      if (a !== b && resemblance(sketches[other]!, sketch) >= SIMILAR) first[Math.max(a, b)] = Math.min(a, b);
    }
  }
  return first.map((_, i) => root(i));
}

/** 48 bits of SHA-1: enough to tell words apart. */
const hash = (text: string): number => createHash('sha1').update(text).digest().readUIntBE(0, 6);
