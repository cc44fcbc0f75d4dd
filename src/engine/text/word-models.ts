/** Pieces and their ids. */
export type Vocabulary = ReadonlyMap<string, number>;

/** A word's pieces: their ids, and where each begins and ends in the word (UTF-16 units). */
export interface Pieces {
  ids: number[];
  starts: number[];
  ends: number[];
}

export interface Model {
  readonly vocabulary: Vocabulary;
  /** Id of what the vocabulary does not have; null where everything is in it, or is dropped. */
  readonly unknownId: number | null;
  pieces(word: string): Pieces;
}

const whole = (id: number, word: string): Pieces => ({ ids: [id], starts: [0], ends: [word.length] });

/** BERT's: the longest piece first. tokenizers, models/wordpiece/mod.rs. */
export class WordPieceModel implements Model {
  readonly #prefix: string;
  readonly #maxCharacters: number;
  readonly unknownId: number;

  constructor(
    readonly vocabulary: Vocabulary,
    options: { unknown: number; prefix: string; maxCharacters: number },
  ) {
    this.unknownId = options.unknown;
    this.#prefix = options.prefix;
    this.#maxCharacters = options.maxCharacters;
  }

  pieces(word: string): Pieces {
    const ends = characterEnds(word);
    if (ends.length > this.#maxCharacters) return whole(this.unknownId, word);
    const pieces: Pieces = { ids: [], starts: [], ends: [] };
    let start = 0;
    let first = 0;
    while (start < word.length) {
      let last = ends.length - 1;
      let id: number | undefined;
      for (; last >= first; last--) {
        const piece = word.slice(start, ends[last]);
        id = this.vocabulary.get(start === 0 ? piece : this.#prefix + piece);
        if (id !== undefined) break;
      }
      if (id === undefined) return whole(this.unknownId, word);
      pieces.ids.push(id);
      pieces.starts.push(start);
      start = ends[last]!;
      pieces.ends.push(start);
      first = last + 1;
    }
    return pieces;
  }
}

/** A word is a piece. */
export class WordLevelModel implements Model {
  constructor(
    readonly vocabulary: Vocabulary,
    readonly unknownId: number,
  ) {}

  pieces(word: string): Pieces {
    return whole(this.vocabulary.get(word) ?? this.unknownId, word);
  }
}

/** Where each character of a text ends. */
export function characterEnds(text: string): number[] {
  const ends: number[] = [];
  let at = 0;
  for (const character of text) {
    at += character.length;
    ends.push(at);
  }
  return ends;
}

/** Ids of the pieces `<0x00>` to `<0xFF>` by byte, or null where one is missing. */
export function bytePieces(vocabulary: Vocabulary): (number | undefined)[] {
  return Array.from({ length: 256 }, (_, byte) =>
    vocabulary.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
  );
}

const architecture = new TextEncoder();

/** Ids of a text's bytes, or null where the vocabulary lacks one of them. */
export function byteIds(text: string, bytes: readonly (number | undefined)[]): number[] | null {
  const ids: number[] = [];
  for (const byte of architecture.encode(text)) {
    const id = bytes[byte];
    if (id === undefined) return null;
    ids.push(id);
  }
  return ids;
}
