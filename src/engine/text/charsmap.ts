import type { AlignedText } from './aligned.ts';
import type { Normalizer } from './steps.ts';

/** Longest grapheme, in UTF-8 bytes, that is looked up as a whole (normalizers/precompiled.rs). */
const GRAPHEME_BYTES = 6;
const ASCII_PRINTABLE = /^[\x20-\x7e]*$/;

/**
 * SentencePiece's character map as tokenizer.json carries it (T5): a double-array trie from UTF-8 bytes to
 * NUL-terminated replacements, looked up grapheme by grapheme and then character by character.
 * tokenizers, normalizers/precompiled.rs, and its crate spm_precompiled.
 */
export class Precompiled implements Normalizer {
  readonly #trie: Uint32Array;
  readonly #replacements: Uint8Array;
  readonly #graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  readonly #leavesAscii: boolean;

  /** Throws RangeError when the map is cut short. */
  constructor(charsmap: string) {
    const bytes = Buffer.from(charsmap, 'base64');
    const trieBytes = bytes.length >= 4 ? bytes.readUInt32LE(0) : 0;
    if (trieBytes === 0 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length)
      throw new RangeError('precompiled_charsmap is cut short');
    this.#trie = new Uint32Array(bytes.buffer.slice(bytes.byteOffset + 4, bytes.byteOffset + 4 + trieBytes));
    this.#replacements = bytes.subarray(4 + trieBytes);
    this.#leavesAscii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(0x20 + i)).every(
      (character) => this.#lookUp(character) === null,
    );
  }

  normalize(text: string): string {
    if (this.#leavesAscii && ASCII_PRINTABLE.test(text)) return text;
    let result = '';
    for (const [part, replacement] of this.#parts(text)) result += replacement ?? part;
    return result;
  }

  align(aligned: AlignedText): AlignedText {
    if (this.#leavesAscii && ASCII_PRINTABLE.test(aligned.text)) return aligned;
    const changes: [string, number][] = [];
    for (const [part, replacement] of this.#parts(aligned.text)) {
      if (replacement === null) changes.push([part, 0]);
      else replace(changes, part, replacement);
    }
    return aligned.transform(changes);
  }

  /** Graphemes and characters with what the map has for them; one without has null. */
  *#parts(text: string): Generator<[part: string, replacement: string | null]> {
    for (const { segment } of this.#graphemes.segment(text)) {
      const whole = this.#lookUp(segment);
      if (whole !== null) yield [segment, whole];
      else for (const character of segment) yield [character, this.#lookUp(character)];
    }
  }

  /** The replacement of the shortest beginning of `text` that the trie holds (as Python's does), or null. */
  #lookUp(text: string): string | null {
    const bytes = this.#encoder.encode(text);
    if (bytes.length >= GRAPHEME_BYTES) return null;
    let node = offset(this.#trie[0]!);
    for (const byte of bytes) {
      if (byte === 0) return null;
      node ^= byte;
      const unit = this.#trie[node];
      if (unit === undefined || (unit & 0x800000ff) !== byte) return null;
      node ^= offset(unit);
      if ((unit >>> 8) & 1) {
        const start = (this.#trie[node] ?? 0) & 0x7fffffff;
        const end = this.#replacements.indexOf(0, start);
        return this.#decoder.decode(this.#replacements.subarray(start, end < 0 ? undefined : end));
      }
    }
    return null;
  }
}

/** Where a unit's children begin, relative to it (Darts-clone). */
const offset = (unit: number): number => (unit >>> 10) << ((unit & (1 << 9)) >>> 6);

/** normalizers/precompiled.rs, replace: what is too much of the new is inserted, what is left over of the old goes with the last. */
function replace(changes: [string, number][], part: string, replacement: string): void {
  const characters = [...replacement];
  const more = characters.length - [...part].length;
  characters.forEach((c, i) => {
    changes.push([c, i < characters.length - more ? 0 : 1]);
  });
  const last = changes.at(-1);
  if (more < 0 && last) last[1] += more;
}
