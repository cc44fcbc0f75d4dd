/**
 * Finds rows whose keys are equal, without keeping the keys: four bytes of a hash for each, and where hashes are equal
 * the keys are made again and compared.
 */
export class SeenRows {
  readonly #hashes: Uint32Array;
  readonly #slots: Uint32Array;
  readonly #keyOf: (place: number) => string;

  /** @param keyOf a row's key, for a row that was added before */
  constructor(length: number, keyOf: (place: number) => string) {
    this.#hashes = new Uint32Array(length);
    this.#slots = new Uint32Array(16 + Math.ceil(1.4 * length));
    this.#keyOf = keyOf;
  }

  /** Adds a row. @returns the place of the first row with the same key; undefined when there is none */
  add(place: number, key: string): number | undefined {
    const hash = hashOf(key);
    const slots = this.#slots.length;
    for (let slot = Math.floor((hash / 2 ** 32) * slots); ; slot = slot + 1 === slots ? 0 : slot + 1) {
      const other = this.#slots[slot]!;
      if (other === 0) {
        this.#slots[slot] = place + 1;
        this.#hashes[place] = hash;
        return undefined;
      }
      if (this.#hashes[other - 1] === hash && this.#keyOf(other - 1) === key) return other - 1;
    }
  }
}

/** FNV-1a over UTF-16 units, its bits mixed at the end (as MurmurHash3 does). */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
