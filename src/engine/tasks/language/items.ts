import { LuthierError } from '../../../protocol/index.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { IGNORED, type LabelledItem } from '../task.ts';

/** What a language model learns from: tokens, and after each the one that comes next. */
export interface LanguageItem extends LabelledItem {
  labels: Int32Array;
  /** Which of the rows it is of. */
  row: number;
  /** UTF-8 bytes of what is learnt here. */
  bytes: number;
  /** Whether the last token that is learnt is the one that ends a text, which is no part of what was written. */
  ends: boolean;
  /** What of its row did not fit, before and behind it; absent where all of it did. */
  leftOut?: () => { before: string; after: string };
  /** The texts of some of its tokens; empty for one that ends within a character. */
  pieces(from: number, to: number): string[];
}

/** Rows that are answered while a model learns. */
export const SAMPLES = 3;

/** Part of the tokens, `end` not included. */
export interface Span {
  start: number;
  end: number;
}

/** For each token the next one's id, where that is within a span; nothing is learnt of the first token of all. */
export function labelsOf(ids: Int32Array, learnt: readonly Span[]): Int32Array {
  const labels = new Int32Array(ids.length).fill(IGNORED);
  for (const { start, end } of learnt) {
    for (let i = Math.max(1, start); i < Math.min(end, ids.length); i++) labels[i - 1] = ids[i]!;
  }
  return labels;
}

export const countLearnt = (labels: ArrayLike<number>): number => {
  let count = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] !== IGNORED) count++;
  return count;
};

/**
 * Windows over tokens, each beginning with the last token of the one before it, so that every token but the first of
 * all is learnt exactly once.
 * @throws LuthierError `recipe-invalid` for windows of a single token, which have nothing to learn
 */
export function windowsOf(length: number, maxLength: number): Span[] {
  if (maxLength < 2) {
    throw new LuthierError(
      'recipe-invalid',
      `Texts are read ${maxLength} token at a time, which leaves none to learn.`,
      'Set max_length to at least 2, and choose a model with more than one position.',
    );
  }
  const windows: Span[] = [];
  for (let start = 0; windows.length === 0 || start < length - 1; start += maxLength - 1) {
    windows.push({ start, end: Math.min(length, start + maxLength) });
  }
  return windows;
}

/** For an item's `pieces`. */
export const piecesIn =
  (ids: Int32Array, tokenizer: Tokenizer): LanguageItem['pieces'] =>
  (from, to) => {
    const stream = tokenizer.decodeStream({ skipSpecialTokens: false });
    return Array.from(ids.subarray(from, to), (id) => stream.push(id));
  };

/** A part of a row as it is read, and whether it is learnt. */
export interface Segment {
  text: string;
  learnt: boolean;
}

/** What a model sees of an item, special tokens too, in parts that are learnt and parts that are not. */
export function segmentsOf({ ids, labels }: Pick<LanguageItem, 'ids' | 'labels'>, tokenizer: Tokenizer): Segment[] {
  const segments: Segment[] = [];
  const isLearnt = (i: number) => i > 0 && labels[i - 1] !== IGNORED;
  for (let start = 0; start < ids.length; ) {
    const learnt = isLearnt(start);
    let end = start + 1;
    while (end < ids.length && isLearnt(end) === learnt) end++;
    const text = tokenizer.decode(ids.subarray(start, end), { skipSpecialTokens: false });
    segments.push({ text, learnt });
    start = end;
  }
  return segments;
}
