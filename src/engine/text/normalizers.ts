import { BertNormalizer, lowercase, lowercaseAligned } from './bert-text.ts';
import { byteLevelAligned, bytesOf } from './byte-level.ts';
import { Precompiled } from './charsmap.ts';
import type { Part } from './part.ts';
import type { Normalizer } from './steps.ts';
import { UNICODE_FORMS } from './unicode-forms.ts';
import { MARK } from './unicode-tables.ts';

/** tokenizer.json's `normalizer`. Throws where a part is not understood. */
export function createNormalizer(part: Part): Normalizer {
  switch (part.type) {
    case 'BertNormalizer':
      return new BertNormalizer({
        clean_text: part.boolean('clean_text', true),
        handle_chinese_chars: part.boolean('handle_chinese_chars', true),
        strip_accents: part.optional('strip_accents', (key) => part.boolean(key)),
        lowercase: part.boolean('lowercase', true),
      });
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return UNICODE_FORMS[part.type];
    case 'Lowercase':
      return { normalize: lowercase, align: lowercaseAligned };
    case 'Strip':
      return strip(part.boolean('strip_left', true), part.boolean('strip_right', true));
    case 'StripAccents':
      return replacing(new RegExp(`[${MARK}]`, 'gu'), '');
    case 'Replace':
      return replacing(part.pattern('pattern'), part.string('content'));
    case 'Prepend':
      return prepending(part.string('prepend'));
    case 'Precompiled':
      return new Precompiled(part.string('precompiled_charsmap'));
    case 'ByteLevel':
      return { normalize: bytesOf, align: byteLevelAligned };
    case 'Sequence':
      return sequence(part.parts('normalizers').map(createNormalizer));
    default:
      throw part.unknown();
  }
}

const replacing = (pattern: RegExp, content: string): Normalizer => ({
  normalize: (text) => text.replace(pattern, () => content),
  align: (aligned) => aligned.replace(pattern, content),
});

const prepending = (prefix: string): Normalizer => ({
  normalize: (text) => (text === '' ? '' : prefix + text),
  align: (aligned) => aligned.prepend(prefix),
});

const sequence = (steps: readonly Normalizer[]): Normalizer => ({
  normalize: (text) => steps.reduce((t, step) => step.normalize(t), text),
  align: (aligned) => steps.reduce((t, step) => step.align(t), aligned),
});

function strip(left: boolean, right: boolean): Normalizer {
  const bounds = (text: string): [start: number, end: number] => {
    const start = left ? text.search(/\P{White_Space}/u) : 0;
    if (start < 0) return [text.length, text.length];
    return [start, right ? text.replace(/\p{White_Space}+$/u, '').length : text.length];
  };
  return {
    normalize: (text) => text.slice(...bounds(text)),
    align: (aligned) => aligned.slice(...bounds(aligned.text)),
  };
}
