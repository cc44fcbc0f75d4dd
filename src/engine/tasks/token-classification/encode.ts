import type { PlacedEncoding, TextInput, Tokenizer } from '../../text/tokenizer.ts';
import { tellingLong } from '../long-rows.ts';
import { type EncodedRows, IGNORED, type LabelledItem } from '../task.ts';
import { type Sentence, textOf } from './rows.ts';

/** A sentence, or a window of one that is longer than max_length. */
export interface TaggedItem extends LabelledItem {
  /** Which of the rows or texts it is of. */
  row: number;
  /** Word that each token is the first piece of, where this window answers for it; -1 elsewhere. */
  words: Int32Array;
}

/** A quarter of a window is shared with the one before it, so that words at its edges are seen with what is around. */
const SHARED = 4;

/** Windows over a text. */
const windowsOf = (text: string, tokenizer: Tokenizer, maxLength: number): PlacedEncoding[] =>
  tokenizer.encodePlaced(text, { maxLength, stride: Math.floor(maxLength / SHARED) });

/**
 * Windows over a sentence. Its words are read as the text that they make with blanks between them: a tokenizer that
 * tells by a blank that a word begins (RoBERTa's) makes the same pieces of them as of a text that is asked about.
 */
function windowsOfWords(words: readonly string[], tokenizer: Tokenizer, maxLength: number): PlacedEncoding[] {
  const text = textOf({ words });
  // The blank before a word is the word's, as is a piece that begins with it.
  const wordAt = new Int32Array(text.length);
  let at = 0;
  for (const [i, word] of words.entries()) {
    const end = at + word.length + (i > 0 ? 1 : 0);
    wordAt.fill(i, at, end);
    at = end;
  }
  return windowsOf(text, tokenizer, maxLength).map((window) => {
    const { indices, offsets } = window;
    const wordIds = Int32Array.from(indices, (index, token) =>
      index < 0 ? -1 : wordAt[Math.min(offsets[2 * token]!, text.length - 1)]!,
    );
    return { ...window, wordIds };
  });
}

/**
 * The first piece of each word, in the window that has most around it.
 * @returns for each window the word that a token answers for, or -1
 */
function firstPieces(windows: readonly PlacedEncoding[]): Int32Array[] {
  const firsts = new Map<number, number>();
  let last = 0;
  for (const { wordIds, indices } of windows) {
    for (const [token, word] of wordIds.entries()) {
      if (word < 0) continue;
      firsts.set(word, Math.min(firsts.get(word) ?? Infinity, indices[token]!));
      last = Math.max(last, indices[token]!);
    }
  }
  const best = new Map<number, { window: number; token: number; margin: number }>();
  for (const [window, { wordIds, indices }] of windows.entries()) {
    const own = indices.filter((index) => index >= 0);
    const [low, high] = [own[0], own.at(-1)];
    for (const [token, word] of wordIds.entries()) {
      const index = indices[token]!;
      if (word < 0 || index !== firsts.get(word)) continue;
      const margin = Math.min(low === 0 ? Infinity : index - low!, high === last ? Infinity : high! - index);
      const known = best.get(word);
      if (!known || margin > known.margin) best.set(word, { window, token, margin });
    }
  }
  const owners = windows.map(({ wordIds }) => new Int32Array(wordIds.length).fill(-1));
  for (const [word, { window, token }] of best) owners[window]![token] = word;
  return owners;
}

/** Windows of a text, without those that answer for no word: within a word that is longer than one. */
const answering = <T extends TaggedItem>(items: T[]): T[] =>
  items.length === 1 ? items : items.filter(({ words }) => words.some((word) => word >= 0));

/** Sentences as items: the label on each word's first piece, nothing learnt of its others (as transformers' examples). */
export function encodeSentences(
  rows: readonly Sentence[],
  tokenizer: Tokenizer,
  maxLength: number,
): EncodedRows<TaggedItem> {
  let truncatedRows = 0;
  let unknown = 0;
  let pieces = 0;
  const items = rows.flatMap(({ words, tags }, row) => {
    const windows = windowsOfWords(words, tokenizer, maxLength);
    if (windows.length > 1) truncatedRows++;
    const owners = firstPieces(windows);
    return answering(
      windows.map(({ ids, typeIds, unknown: strange, specialTokensMask }, i): TaggedItem => {
        unknown += strange;
        pieces += specialTokensMask.reduce((n, special) => n + 1 - special, 0);
        const labels = Int32Array.from(owners[i]!, (word) => (word < 0 ? IGNORED : tags[word]!));
        return { ids, typeIds, labels, row, words: owners[i]! };
      }),
    );
  });
  return { items, truncatedRows, unknownShare: pieces === 0 ? 0 : unknown / pieces };
}

export const tellLong = tellingLong('sentence', ' and will be read in overlapping windows.');

/** A text to be tagged: the words that the tokenizer makes of it, with their places in UTF-16 units. */
export interface TextItem extends TaggedItem {
  /** For each word that this window answers for, its number, start and end. */
  places: { word: number; start: number; end: number }[];
}

export function encodeTexts(texts: readonly TextInput[], tokenizer: Tokenizer, maxLength: number): TextItem[] {
  return texts.flatMap((input, row) => {
    const text = typeof input === 'string' ? input : input.text;
    const windows = windowsOf(text, tokenizer, maxLength);
    const owners = firstPieces(windows);
    // A word may be cut by the end of its window: its end is that of its last piece in any of them.
    const ends = new Map<number, number>();
    for (const { wordIds, offsets } of windows) {
      for (const [token, word] of wordIds.entries()) {
        if (word >= 0) ends.set(word, Math.max(ends.get(word) ?? 0, offsets[2 * token + 1]!));
      }
    }
    return answering(
      windows.map(({ ids, typeIds, offsets }, i): TextItem => {
        const words = owners[i]!;
        const places = [...words.entries()].flatMap(([token, word]) => {
          if (word < 0) return [];
          const [start, end] = withoutBlanks(text, offsets[2 * token]!, ends.get(word)!);
          // Blanks may be a word to a tokenizer; nobody asks for their tag.
          return start === end ? [] : [{ word, start, end }];
        });
        return { ids, typeIds, labels: new Int32Array(), row, words, places };
      }),
    );
  });
}

function withoutBlanks(text: string, start: number, end: number): [number, number] {
  const word = text.slice(start, end);
  const from = start + word.length - word.trimStart().length;
  return [from, Math.max(from, start + word.trimEnd().length)];
}
