import type { CachedLayer } from '../models/cached-batch.ts';

/** Keys and values of a layer, `[rows, heads, capacity, width]` each. */
type Arrays = [keys: Float32Array, values: Float32Array];

/**
 * What a decoder remembers of the tokens that it has read, for several texts of the same length. New tokens are written
 * behind those that are there; nothing else is copied until the cache is full.
 */
export class KeyValueCache {
  readonly layers: CachedLayer[] = [];
  /** Tokens that there is room for, and that there are. */
  capacity = 0;
  filled = 0;
  #rows = 1;
  #arrays: Arrays[] = [];

  addLayer(layer: CachedLayer): void {
    this.layers.push(layer);
    this.#arrays.push(this.#allocate(layer, 1, this.capacity));
  }

  /** Forgets all texts; then there is one. */
  clear(capacity: number): void {
    this.filled = 0;
    if (capacity === this.capacity && this.#rows === 1) return;
    this.capacity = capacity;
    this.#rows = 1;
    this.#arrays = this.layers.map((layer) => this.#allocate(layer, 1, capacity));
  }

  /** Forgets all but the first text, and of that all but its first tokens. */
  cut(filled: number): void {
    this.follow([0]);
    this.filled = Math.min(filled, this.filled);
  }

  grow(capacity: number): void {
    this.#rearrange(
      Array.from({ length: this.#rows }, (_, row) => row),
      capacity,
    );
  }

  /** @param parents for each text the number of the one that it continues */
  follow(parents: readonly number[]): void {
    if (parents.length === this.#rows && parents.every((parent, row) => parent === row)) return;
    this.#rearrange(
      parents.map((parent) => Math.min(parent, this.#rows - 1)),
      this.capacity,
    );
  }

  /** @param computed keys and values `[rows, heads, length, width]`, of which the first `count` tokens count */
  append(computed: (layer: number) => Arrays, { length, count }: { length: number; count: number }): void {
    this.layers.forEach(({ heads, width }, layer) => {
      const news = computed(layer);
      this.#arrays[layer]!.forEach((array, i) => {
        for (let block = 0; block < this.#rows * heads; block++) {
          const from = block * length * width;
          array.set(news[i]!.subarray(from, from + count * width), (block * this.capacity + this.filled) * width);
        }
      });
    });
    this.filled += count;
  }

  feeds(keys: string, values: string): Record<string, Float32Array> {
    return Object.fromEntries(
      this.#arrays.flatMap(([k, v], layer) => [
        [keys + layer, k],
        [values + layer, v],
      ]),
    );
  }

  #rearrange(parents: readonly number[], capacity: number): void {
    this.#arrays = this.layers.map((layer, i) => {
      const { heads, width } = layer;
      const made = this.#allocate(layer, parents.length, capacity);
      made.forEach((array, which) => {
        const old = this.#arrays[i]![which]!;
        for (const [row, parent] of parents.entries())
          for (let head = 0; head < heads; head++) {
            const from = (parent * heads + head) * this.capacity * width;
            array.set(old.subarray(from, from + this.filled * width), (row * heads + head) * capacity * width);
          }
      });
      return made;
    });
    this.#rows = parents.length;
    this.capacity = capacity;
  }

  #allocate({ heads, width }: CachedLayer, rows: number, capacity: number): Arrays {
    const size = rows * heads * capacity * width;
    return [new Float32Array(size), new Float32Array(size)];
  }
}
