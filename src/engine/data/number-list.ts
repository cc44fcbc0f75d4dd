/** Numbers up to 2^32 - 1, as many as there are, four bytes each. */
export class NumberList {
  #numbers = new Uint32Array(1024);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#numbers.length) {
      // Doubling would leave half of it unused at worst.
      const larger = new Uint32Array(Math.ceil(1.25 * this.#length));
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.#length++] = value;
  }

  numbers(): Uint32Array {
    return this.#numbers.subarray(0, this.#length);
  }
}

/** The numbers from `from` to below `length` that are not among some, which ascend. */
export function without(length: number, some: Uint32Array, from = 0): Uint32Array {
  const kept = new NumberList();
  for (let i = from, next = 0; i < length; i++) {
    if (some[next] === i) next++;
    else kept.push(i);
  }
  return kept.numbers();
}
