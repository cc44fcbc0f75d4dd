import { Tokenizer } from '@huggingface/tokenizers';
import type { WordPieceFile } from './vocabulary.ts';

/** A text as a model reads it, and which of its words each id belongs to. */
export interface WordText {
  ids: number[];
  /** 0-based word of each id. [CLS] and [SEP] are words too, the first and the last. */
  words: number[];
  numWords: number;
}

/**
 * Encodes texts for comparing two WordPiece vocabularies: whichever way a word is split, it is one word. A piece that
 * starts with `##` goes on with the word before it.
 */
export function wordEncoder(tokenizerJson: WordPieceFile, tokenizerConfig: object): (text: string) => WordText {
  const tokenizer = new Tokenizer({ ...tokenizerJson, truncation: null, padding: null }, tokenizerConfig);
  return (text) => {
    const { ids, tokens } = tokenizer.encode(text);
    let word = -1;
    const words = tokens.map((piece) => {
      if (!piece.startsWith('##')) word++;
      return word;
    });
    return { ids, words, numWords: word + 1 };
  };
}

/** A text under the teacher's vocabulary and under the student's; only such as the student splits otherwise teach it. */
export interface TextPair {
  teacher: WordText;
  student: WordText;
}

/** The texts that the two split differently, at most `maxLength` ids long; words always correspond. */
export function differingPairs(
  texts: readonly string[],
  teacher: (text: string) => WordText,
  student: (text: string) => WordText,
  maxLength: number,
): TextPair[] {
  const pairs: TextPair[] = [];
  for (const text of texts) {
    const pair = { teacher: teacher(text), student: student(text) };
    if (pair.student.ids.length > maxLength || pair.student.ids.length === pair.teacher.ids.length) continue;
    if (pair.student.numWords === pair.teacher.numWords) pairs.push(pair);
  }
  return pairs;
}
