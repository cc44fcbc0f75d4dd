/** What a decoder writes for bytes that are no whole character (yet). */
const INCOMPLETE = '\uFFFD';

/**
 * Text of ids as they come, one at a time: what is given out is never taken back, and never half a character.
 * All parts together are what the ids are decoded to at once (tokenizers, DecodeStream).
 */
export class DecodeStream {
  readonly #decode: (ids: readonly number[]) => string;
  /** The ids of the last part, as context, and those since. */
  #ids: number[] = [];
  /** The text of the context. */
  #given = '';
  #context = 0;

  constructor(decode: (ids: readonly number[]) => string) {
    this.#decode = decode;
  }

  /** The text that an id completes; empty while a character's bytes are missing. */
  push(id: number): string {
    this.#ids.push(id);
    const text = this.#decode(this.#ids);
    if (text.endsWith(INCOMPLETE) || text.length <= this.#given.length) return '';
    const part = text.slice(this.#given.length);
    this.#ids = this.#ids.slice(this.#context);
    this.#context = this.#ids.length;
    this.#given = this.#decode(this.#ids);
    return part;
  }

  /** What is left when no more ids come. */
  end(): string {
    return this.#decode(this.#ids).slice(this.#given.length);
  }
}
