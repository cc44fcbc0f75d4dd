import { counted } from '../../../protocol/index.ts';
import type { PlacedEncoding, PlacedInput, TextInput, Tokenizer } from '../../text/tokenizer.ts';
import { type EncodedRows, IGNORED, type LabelledItem } from '../task.ts';
import type { Sentence } from './load.ts';

/** A sentence, or a window of one that is longer than max_length. */
export interface TaggedItem extends LabelledItem {
  /** Which of the rows or texts it is of. */
  row: number;
  /** Word that each token is the first piece of, where this window answers for it; -1 elsewhere. */
  words: Int32Array;
}

/** A quarter of a window is shared with the one before it, so that words at its edges are seen with what is around. */
const SHARED = 4;

/** Windows over a sentence's words, or over a text. */
function windowsOf(input: PlacedInput, tokenizer: Tokenizer, maxLength: number): PlacedEncoding[] {
  return tokenizer.encodePlaced(input, { maxLength, stride: Math.floor(maxLength / SHARED) });
}

/**
 * The first piece of each word, in the window that has most around it.
 * @returns for each window the word that a token answers for, or -1
 */
function firstPieces(windows: readonly PlacedEncoding[]): Int32Array[] {
  const owners = windows.map(({ wordIds }) => new Int32Array(wordIds.length).fill(-1));
  const best = new Map<number, { window: number; token: number; margin: number }>();
  for (const [window, { wordIds, offsets }] of windows.entries()) {
    for (let token = 0; token < wordIds.length; token++) {
      const word = wordIds[token]!;
      if (word < 0 || wordIds[token - 1] === word) continue;
      // A window may begin within a word; its first piece is then in the one before.
      const isFirst =
        token > 0 &&
        (window === 0 || wordIds[token - 1]! >= 0 || beginsWord(windows[window - 1]!, word, offsets[2 * token]!));
      if (!isFirst) continue;
      const margin = Math.min(
        window === 0 ? Infinity : token,
        window === windows.length - 1 ? Infinity : wordIds.length - token,
      );
      const known = best.get(word);
      if (!known || margin > known.margin) best.set(word, { window, token, margin });
    }
  }
  for (const [word, { window, token }] of best) owners[window]![token] = word;
  return owners;
}

/** Whether the piece that starts at this offset of a word is its first: none before it in the window before. */
function beginsWord({ wordIds, offsets }: PlacedEncoding, word: number, start: number): boolean {
  for (let token = 0; token < wordIds.length; token++) {
    if (wordIds[token] === word && offsets[2 * token]! < start) return false;
  }
  return true;
}

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
    const windows = windowsOf(words, tokenizer, maxLength);
    if (windows.length > 1) truncatedRows++;
    const owners = firstPieces(windows);
    return windows.map(({ ids, typeIds, unknown: strange, specialTokensMask }, i): TaggedItem => {
      unknown += strange;
      pieces += specialTokensMask.reduce((n, special) => n + 1 - special, 0);
      const labels = Int32Array.from(owners[i]!, (word) => (word < 0 ? IGNORED : tags[word]!));
      return { ids, typeIds, labels, row, words: owners[i]! };
    });
  });
  return { items, truncatedRows, unknownShare: pieces === 0 ? 0 : unknown / pieces };
}

export const tellLong = (rows: number, of: number, maxLength: number): string =>
  `${rows.toLocaleString('en')} of ${counted(of, 'sentence')} (${((100 * rows) / of).toFixed(1)} %) ${rows === 1 ? 'is' : 'are'} longer than ${counted(maxLength, 'token')} (max_length) and will be read in overlapping windows.`;

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
    return windows.map(({ ids, typeIds, offsets }, i): TextItem => {
      const words = owners[i]!;
      const places = [...words.entries()].flatMap(([token, word]) =>
        word < 0 ? [] : [{ word, start: offsets[2 * token]!, end: ends.get(word)! }],
      );
      return { ids, typeIds, labels: new Int32Array(), row, words, places };
    });
  });
}
