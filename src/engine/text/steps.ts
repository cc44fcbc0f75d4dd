import type { AlignedText } from './aligned.ts';

/** A step that rewrites the text before it is split into words. */
export interface Normalizer {
  normalize(text: string): string;
  /** The same, with the place of each character. */
  align(aligned: AlignedText): AlignedText;
}

/** A step that splits a text into words, inside which pieces are found. */
export interface PreTokenizer {
  /** The words of a whole text. */
  words(text: string): string[];
  /** The words of a part of a text, with their places. */
  split(aligned: AlignedText): AlignedText[];
}

/** A pre-tokenizer that cuts and does not rewrite. */
export abstract class SpanPreTokenizer implements PreTokenizer {
  /** Start and end of each word, one after the other. */
  abstract spans(text: string): number[];

  words(text: string): string[] {
    const spans = this.spans(text);
    const words: string[] = [];
    for (let i = 0; i < spans.length; i += 2) words.push(text.slice(spans[i], spans[i + 1]));
    return words;
  }

  split(aligned: AlignedText): AlignedText[] {
    const spans = this.spans(aligned.text);
    const words: AlignedText[] = [];
    for (let i = 0; i < spans.length; i += 2) words.push(aligned.slice(spans[i]!, spans[i + 1]!));
    return words;
  }
}
