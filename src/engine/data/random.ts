/**
 * A small generator that gives the same numbers on every platform, for splits and data order.
 *
 * The generator is xoshiro128** 1.1 (David Blackman and Sebastiano Vigna, "Scrambled linear pseudorandom
 * number generators", 2018; https://prng.di.unimi.it/xoshiro128starstar.c, public domain): 32-bit integer
 * operations alone, so no platform's floating point has a say. Its state is filled as SplitMix fills one
 * (Steele, Lea and Flood, 2014): a counter stepped by the golden ratio and mixed by MurmurHash3's fmix32.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  /**
   * @param seed an integer from 0 to 2^53 - 1.
   * @param stream tells apart several sequences of one seed (one for each epoch, say), likewise an integer.
   */
  constructor(seed: number, stream = 0) {
    let mixed = 0;
    for (const value of [seed, stream]) {
      if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a seed: ${value}`);
      mixed = fmix32(((mixed ^ (value >>> 0)) + GOLDEN) | 0);
      mixed = fmix32(((mixed ^ Math.floor(value / 2 ** 32)) + GOLDEN) | 0);
    }
    const word = (i: number): number => fmix32((mixed + Math.imul(i, GOLDEN)) | 0);
    this.a = word(1);
    this.b = word(2);
    this.c = word(3);
    this.d = word(4);
    // All zero is the one state that never moves; fmix32 is a bijection, so four different counters cannot give it.
  }

  /** From a whole state, as the published code has it; for checking against that. */
  static fromState(state: readonly [number, number, number, number]): Random {
    const random = new Random(0);
    [random.a, random.b, random.c, random.d] = state;
    return random;
  }

  /** The next integer, uniform in 0 … 2^32 - 1. */
  next(): number {
    const result = Math.imul(rotate(Math.imul(this.b, 5), 7), 9) >>> 0;
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = rotate(this.d, 11);
    return result;
  }

  /** Uniform in [0, 1) with 53 bits, put together as the Mersenne Twister's genrand_res53 does. */
  float(): number {
    const high = this.next() >>> 5;
    const low = this.next() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** An integer, uniform in 0 … n - 1 without bias (draws from the uneven end are thrown away); n from 1 to 2^32. */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) throw new RangeError(`not a bound from 1 to 2^32: ${n}`);
    const even = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const value = this.next();
      if (value < even) return value % n;
    }
  }

  /** Puts the array into a random order in place (Fisher and Yates, in Durstenfeld's form) and returns it. */
  shuffle<T extends { length: number; [index: number]: unknown }>(array: T): T {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = array[i];
      array[i] = array[j];
      array[j] = kept;
    }
    return array;
  }
}

/** 2^32 over the golden ratio, odd. */
const GOLDEN = 0x9e3779b9;

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/** MurmurHash3's finaliser (Austin Appleby, public domain). */
function fmix32(x: number): number {
  let h = x | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
