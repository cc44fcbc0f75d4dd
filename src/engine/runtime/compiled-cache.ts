/** What all compiled programs may hold together, and how many there may be: each also has threads of its own. */
const MAX_BYTES = 512 * 2 ** 20;
const MAX_COUNT = 24;

interface Entry {
  readonly bytes: number;
  dispose(): void;
}

/** Compiled programs, the most recently used ones kept: each holds memory of its own, so there is a bound. */
export class CompiledCache<T extends Entry> {
  readonly #entries = new Map<string, T>();

  constructor(private readonly limit: { bytes: number; count: number } = { bytes: MAX_BYTES, count: MAX_COUNT }) {}

  /** The program of a key, compiled if it is not there. The one just asked for stays, however large. */
  async get(key: string, compile: () => Promise<T>): Promise<T> {
    const entry = this.#entries.get(key) ?? (await compile());
    // Moved to the end: least recently used first.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    let bytes = 0;
    for (const { bytes: held } of this.#entries.values()) bytes += held;
    for (const [old, victim] of this.#entries) {
      if (victim === entry || (this.#entries.size <= this.limit.count && bytes <= this.limit.bytes)) break;
      victim.dispose();
      this.#entries.delete(old);
      bytes -= victim.bytes;
    }
    return entry;
  }

  dispose(): void {
    for (const entry of this.#entries.values()) entry.dispose();
    this.#entries.clear();
  }
}
