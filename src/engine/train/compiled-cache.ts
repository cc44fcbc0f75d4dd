/** Compiled programs, the most recently used ones kept: each holds its own work space, so there is a bound. */
export class CompiledCache<T extends { dispose(): void }> {
  readonly #entries = new Map<string, T>();

  constructor(private readonly limit: number) {}

  async get(key: string, compile: () => Promise<T>): Promise<T> {
    const entry = this.#entries.get(key) ?? (await compile());
    // Moved to the end: least recently used first.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    for (const [old, victim] of this.#entries) {
      if (this.#entries.size <= this.limit) break;
      victim.dispose();
      this.#entries.delete(old);
    }
    return entry;
  }

  dispose(): void {
    for (const entry of this.#entries.values()) entry.dispose();
    this.#entries.clear();
  }
}
