import type { AlignedText } from './aligned.ts';
import { type Normalizer, SpanPreTokenizer } from './steps.ts';
import { decomposed } from './unicode-forms.ts';
import { CHINESE, CLEANED_TO_SPACE, NONSPACING_MARK, PUNCTUATION, REMOVED, WHITESPACE } from './unicode-tables.ts';

/*
 * BERT's basic tokenization as Python's tokenizers does it (normalizers/bert.rs, pre_tokenizers/bert.rs).
 * The tables are asked from Python, so the result is the same on every Node.
 */

const ASCII_PRINTABLE = /^[\x20-\x7e]*$/;
const ASCII_WORDS = /[^ !-/:-@[-`{-~]+|[!-/:-@[-`{-~]/g;
const removed = new RegExp(`[${REMOVED}]`, 'gu');
const cleanedToSpace = new RegExp(`[${CLEANED_TO_SPACE}]`, 'gu');
const chinese = new RegExp(`[${CHINESE}]`, 'gu');
const nonspacingMark = new RegExp(`[${NONSPACING_MARK}]`, 'gu');
const words = new RegExp(`[^${WHITESPACE}${PUNCTUATION}]+|[${PUNCTUATION}]`, 'gu');

/** What tokenizer.json's BertNormalizer holds. */
export interface BertNormalizerOptions {
  clean_text: boolean;
  handle_chinese_chars: boolean;
  /** null: as `lowercase`. */
  strip_accents: boolean | null;
  lowercase: boolean;
}

/** Lower-cases each character by itself as Python's tokenizers does, so that Σ never becomes the final ς. */
export const lowercase = (text: string): string => text.replaceAll('Σ', 'σ').toLowerCase();

/** The same, aligned. */
export function lowercaseAligned(aligned: AlignedText): AlignedText {
  const lower = lowercase(aligned.text);
  if (lower.length === aligned.text.length) return aligned.withText(lower);
  // İ alone grows, to i and a dot.
  return aligned.transform(
    [...aligned.text].flatMap((c) => [...lowercase(c)].map((l, i) => [l, i === 0 ? 0 : 1] as const)),
  );
}

export class BertNormalizer implements Normalizer {
  readonly #options: BertNormalizerOptions;

  constructor(options: BertNormalizerOptions) {
    this.#options = options;
  }

  get #stripAccents(): boolean {
    return this.#options.strip_accents ?? this.#options.lowercase;
  }

  normalize(text: string): string {
    const options = this.#options;
    if (ASCII_PRINTABLE.test(text)) return options.lowercase ? text.toLowerCase() : text;
    let result = text;
    if (options.clean_text) result = result.replace(removed, '').replace(cleanedToSpace, ' ');
    if (options.handle_chinese_chars) result = result.replace(chinese, ' $& ');
    if (this.#stripAccents) result = decomposed.normalize(result).replace(nonspacingMark, '');
    return options.lowercase ? lowercase(result) : result;
  }

  align(aligned: AlignedText): AlignedText {
    const options = this.#options;
    if (ASCII_PRINTABLE.test(aligned.text)) return options.lowercase ? lowercaseAligned(aligned) : aligned;
    let result = aligned;
    if (options.clean_text) {
      result = result.replace(removed, '');
      result = result.withText(result.text.replace(cleanedToSpace, ' '));
    }
    if (options.handle_chinese_chars && result.text.search(chinese) >= 0)
      result = result.transform(
        [...result.text].flatMap((c): (readonly [string, number])[] =>
          c.search(chinese) < 0
            ? [[c, 0]]
            : [
                [' ', 0],
                [c, 1],
                [' ', 1],
              ],
        ),
      );
    if (this.#stripAccents) result = decomposed.align(result).replace(nonspacingMark, '');
    return options.lowercase ? lowercaseAligned(result) : result;
  }
}

export class BertPreTokenizer extends SpanPreTokenizer {
  override words(text: string): string[] {
    return text.match(ASCII_PRINTABLE.test(text) ? ASCII_WORDS : words) ?? [];
  }

  spans(text: string): number[] {
    return Array.from(text.matchAll(words), ({ 0: word, index }) => [index, index + word.length]).flat();
  }
}
