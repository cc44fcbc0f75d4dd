import { BertNormalizer, BertPreTokenizer } from '@huggingface/tokenizers';
import {
  CHINESE,
  CLEANED_TO_SPACE,
  NONSPACING_MARK,
  NOT_DECOMPOSED,
  PUNCTUATION,
  REMOVED,
  WHITESPACE,
} from './unicode-tables.ts';

/*
 * BERT's basic tokenization as Python's tokenizers does it (normalizers/bert.rs, pre_tokenizers/bert.rs).
 * The library's own steps differ for some 54,000 code points: Chinese characters above U+FFFF get no spaces around
 * them, a final sigma is lower-cased to ς, and Unicode classes are those of the Node it runs on. The tables are asked
 * from Python, so the result is the same on every Node; what these steps leave alone is done by the library.
 */

const ASCII_PRINTABLE = /^[\x20-\x7e]*$/;
const ASCII_WORDS = /[^ !-/:-@[-`{-~]+|[!-/:-@[-`{-~]/g;
const removed = new RegExp(`[${REMOVED}]`, 'gu');
const cleanedToSpace = new RegExp(`[${CLEANED_TO_SPACE}]`, 'gu');
const chinese = new RegExp(`[${CHINESE}]`, 'gu');
const nonspacingMark = new RegExp(`[${NONSPACING_MARK}]`, 'gu');
const notDecomposed = new RegExp(`([${NOT_DECOMPOSED}])`, 'u');
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

export class ExactBertNormalizer extends BertNormalizer {
  override normalize(text: string): string {
    const options = this.config as BertNormalizerOptions;
    if (ASCII_PRINTABLE.test(text)) return options.lowercase ? text.toLowerCase() : text;
    let result = text;
    if (options.clean_text) result = result.replace(removed, '').replace(cleanedToSpace, ' ');
    if (options.handle_chinese_chars) result = result.replace(chinese, ' $& ');
    if (options.strip_accents ?? options.lowercase) result = this.strip_accents(result);
    return options.lowercase ? lowercase(result) : result;
  }

  override strip_accents(text: string): string {
    const decomposed = notDecomposed.test(text)
      ? text
          .split(notDecomposed)
          .map((part, i) => (i % 2 === 1 ? part : part.normalize('NFD')))
          .join('')
      : text.normalize('NFD');
    return decomposed.replace(nonspacingMark, '');
  }
}

export class ExactBertPreTokenizer extends BertPreTokenizer {
  override pre_tokenize_text(text: string): string[] {
    return text.match(ASCII_PRINTABLE.test(text) ? ASCII_WORDS : words) ?? [];
  }
}
