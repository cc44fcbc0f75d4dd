import { byteIds, bytePieces, characterEnds, type Model, type Pieces, type Vocabulary } from './word-models.ts';

/** How much less likely an unknown character is than the least likely piece. */
const UNKNOWN_PENALTY = 10;

/**
 * SentencePiece's unigram model: the pieces whose scores sum to the most (Viterbi).
 * tokenizers, models/unigram/model.rs, encode_optimized.
 */
export class UnigramModel implements Model {
  readonly vocabulary: Vocabulary;
  readonly unknownId: number | null;
  readonly #scores: readonly number[];
  readonly #unknownScore: number;
  readonly #bytes: readonly (number | undefined)[] | null;
  /** Every beginning of a piece, so that a search ends early. */
  readonly #beginnings = new Set<string>();

  constructor(pieces: readonly (readonly [piece: string, score: number])[], unknownId: number | null, bytes: boolean) {
    this.vocabulary = new Map(pieces.map(([piece], id) => [piece, id]));
    this.unknownId = unknownId;
    this.#scores = pieces.map(([, score]) => score);
    this.#unknownScore = this.#scores.reduce((a, b) => Math.min(a, b), Infinity) - UNKNOWN_PENALTY;
    this.#bytes = bytes ? bytePieces(this.vocabulary) : null;
    for (const piece of this.vocabulary.keys())
      for (let end = 1; end <= piece.length; end++) this.#beginnings.add(piece.slice(0, end));
  }

  pieces(word: string): Pieces {
    const pieces: Pieces = { ids: [], starts: [], ends: [] };
    for (const { start, end } of this.#best(word)) {
      const text = word.slice(start, end);
      const id = this.vocabulary.get(text);
      const ids =
        id !== undefined
          ? [id]
          : ((this.#bytes && byteIds(text, this.#bytes)) ?? (this.unknownId === null ? [] : [this.unknownId]));
      for (const each of ids) {
        pieces.ids.push(each);
        pieces.starts.push(start);
        pieces.ends.push(end);
      }
    }
    return pieces;
  }

  /** The best path's pieces; unknown characters in a row are one. */
  #best(word: string): { start: number; end: number }[] {
    const ends = characterEnds(word);
    const score = new Float64Array(word.length + 1);
    const from = new Int32Array(word.length + 1).fill(-1);
    const known = new Uint8Array(word.length + 1);
    const offer = (start: number, end: number, value: number, isKnown: boolean): void => {
      const candidate = score[start]! + value;
      if (from[end]! >= 0 && candidate <= score[end]!) return;
      score[end] = candidate;
      from[end] = start;
      known[end] = isKnown ? 1 : 0;
    };
    let start = 0;
    for (const characterEnd of ends) {
      let single = false;
      for (let end = start + 1; end <= word.length; end++) {
        const piece = word.slice(start, end);
        if (!this.#beginnings.has(piece)) break;
        const id = this.vocabulary.get(piece);
        if (id === undefined) continue;
        offer(start, end, this.#scores[id]!, id !== this.unknownId);
        if (end === characterEnd) single = true;
      }
      if (!single) offer(start, characterEnd, this.#unknownScore, false);
      start = characterEnd;
    }
    const path: { start: number; end: number }[] = [];
    let wasKnown = true;
    for (let end = word.length; end > 0; end = from[end]!) {
      if (!wasKnown && known[end] === 0) path.at(-1)!.start = from[end]!;
      else path.push({ start: from[end]!, end });
      wasKnown = known[end] === 1;
    }
    return path.reverse();
  }
}
