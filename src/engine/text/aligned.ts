/** A character of the new text, and how it came about: 0 replaces one, 1 is inserted, -n replaces one and n after it. */
export type Change = readonly [character: string, change: number];

/**
 * A text under normalisation that knows for each of its UTF-16 units which part of the original text made it:
 * tokenizers' NormalizedString (tokenizer/normalizer.rs), whose quirks are kept, since offsets must be the same.
 */
export class AlignedText {
  private constructor(
    readonly text: string,
    /** Where the part of the original begins that made each unit, and where it ends. */
    readonly starts: Int32Array,
    readonly ends: Int32Array,
    /** Where the original begins that this was cut from. */
    readonly base: number,
  ) {}

  static of(text: string): AlignedText {
    const starts = new Int32Array(text.length);
    const ends = new Int32Array(text.length);
    for (let i = 0; i < text.length; i++) {
      const pair = isPair(text, i);
      for (let unit = i; unit < i + (pair ? 2 : 1); unit++) {
        starts[unit] = i;
        ends[unit] = i + (pair ? 2 : 1);
      }
      if (pair) i++;
    }
    return new AlignedText(text, starts, ends, 0);
  }

  /** The part that units `start` to `end` make. */
  slice(start: number, end: number): AlignedText {
    const base = this.starts[start] ?? this.base;
    return new AlignedText(
      this.text.slice(start, end),
      this.starts.subarray(start, end),
      this.ends.subarray(start, end),
      base,
    );
  }

  /** The part of the original that made units `start` to `end`. */
  original(start: number, end: number): [start: number, end: number] {
    if (start >= end || end > this.text.length) {
      const at = start === 0 ? this.base : this.ends[Math.min(start, this.text.length) - 1]!;
      return [at, at];
    }
    return [this.starts[start]!, this.ends[end - 1]!];
  }

  /** Another text of the same length, each unit in the place of its old one. */
  withText(text: string): AlignedText {
    return new AlignedText(text, this.starts, this.ends, this.base);
  }

  /** Each match gives way to `content`, which belongs to the match's last character. */
  replace(pattern: RegExp, content: string): AlignedText {
    const builder = new Builder(this);
    let last = 0;
    for (const match of this.text.matchAll(pattern)) {
      builder.copy(last, match.index);
      last = match.index + match[0].length;
      if (content !== '') builder.insert(content, last - 1);
    }
    if (last === 0) return this;
    builder.copy(last, this.text.length);
    return builder.done();
  }

  /** `prefix` before the text, belonging to its first character. Empty texts stay empty. */
  prepend(prefix: string): AlignedText {
    if (this.text === '' || prefix === '') return this;
    const builder = new Builder(this);
    builder.insert(prefix, 0);
    builder.copy(0, this.text.length);
    return builder.done();
  }

  /** The text that the changes make, one after the other, of this one's characters. */
  transform(changes: Iterable<Change>): AlignedText {
    const builder = new Builder(this);
    const { text } = this;
    const next = (at: number): number => at + (isPair(text, at) ? 2 : 1);
    let at = 0;
    for (const [character, change] of changes) {
      builder.insert(character, change > 0 ? at - 1 : at);
      if (change > 0) continue;
      for (let n = change; n <= 0 && at < text.length; n++) at = next(at);
    }
    return builder.done();
  }

  static build(text: string, starts: readonly number[], ends: readonly number[], base: number): AlignedText {
    return new AlignedText(text, Int32Array.from(starts), Int32Array.from(ends), base);
  }
}

const isPair = (text: string, at: number): boolean =>
  (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;

class Builder {
  readonly #source: AlignedText;
  readonly #text: string[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  constructor(source: AlignedText) {
    this.#source = source;
  }

  copy(start: number, end: number): void {
    const { text, starts, ends } = this.#source;
    this.#text.push(text.slice(start, end));
    for (let i = start; i < end; i++) {
      this.#starts.push(starts[i]!);
      this.#ends.push(ends[i]!);
    }
  }

  /** New units that belong to the same part as the source's unit `like`. */
  insert(content: string, like: number): void {
    const { starts, ends, base } = this.#source;
    this.#text.push(content);
    for (let i = 0; i < content.length; i++) {
      this.#starts.push(starts[like] ?? base);
      this.#ends.push(ends[like] ?? base);
    }
  }

  done(): AlignedText {
    return AlignedText.build(this.#text.join(''), this.#starts, this.#ends, this.#source.base);
  }
}
