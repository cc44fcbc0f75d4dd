import type { AlignedText } from './aligned.ts';
import { BertPreTokenizer } from './bert-text.ts';
import { byteLevelAligned, bytesOf } from './byte-level.ts';
import type { Part } from './part.ts';
import { anyOf, jsPattern, WORD } from './patterns.ts';
import { type PreTokenizer, SpanPreTokenizer } from './steps.ts';
import { PUNCTUATION } from './unicode-tables.ts';

const BEHAVIORS = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;
type Behavior = (typeof BEHAVIORS)[number];

/** Splits at what a pattern matches: tokenizers, NormalizedString::split. */
class Split extends SpanPreTokenizer {
  readonly #pattern: RegExp;
  readonly #behavior: Behavior;
  readonly #invert: boolean;

  constructor(pattern: RegExp, behavior: Behavior, invert = false) {
    super();
    this.#pattern = pattern;
    this.#behavior = behavior;
    this.#invert = invert;
  }

  spans(text: string): number[] {
    const parts: { start: number; end: number; match: boolean }[] = [];
    let last = 0;
    for (const { 0: match, index } of text.matchAll(this.#pattern)) {
      if (last < index) parts.push({ start: last, end: index, match: this.#invert });
      last = index + match.length;
      parts.push({ start: index, end: last, match: !this.#invert });
    }
    if (last < text.length) parts.push({ start: last, end: text.length, match: this.#invert });
    return this.#merged(parts).flatMap(({ start, end }) => (start < end ? [start, end] : []));
  }

  #merged(parts: { start: number; end: number; match: boolean }[]): { start: number; end: number }[] {
    const behavior = this.#behavior;
    if (behavior === 'Isolated') return parts;
    if (behavior === 'Removed') return parts.filter(({ match }) => !match);
    const next = behavior === 'MergedWithNext';
    const merged: { start: number; end: number }[] = [];
    let previous = false;
    for (const part of next ? parts.toReversed() : parts) {
      const joins = behavior === 'Contiguous' ? part.match === previous : part.match && !previous;
      const neighbour = joins ? merged.at(-1) : undefined;
      if (neighbour === undefined) merged.push({ start: part.start, end: part.end });
      else if (next) neighbour.start = part.start;
      else neighbour.end = part.end;
      previous = part.match;
    }
    return next ? merged.reverse() : merged;
  }
}

class FixedLength extends SpanPreTokenizer {
  readonly #length: number;

  constructor(length: number) {
    super();
    this.#length = length;
  }

  spans(text: string): number[] {
    const spans: number[] = [];
    let count = 0;
    let at = 0;
    for (const character of text) {
      if (count++ % this.#length === 0) spans.push(at, at);
      at += character.length;
      spans[spans.length - 1] = at;
    }
    return spans;
  }
}

/** Spaces become ▁, one stands before the text, and each begins a word: SentencePiece's way. */
class Metaspace implements PreTokenizer {
  readonly #replacement: string;
  readonly #scheme: 'always' | 'first' | 'never';
  readonly #split: Split | null;

  constructor(replacement: string, scheme: 'always' | 'first' | 'never', split: boolean) {
    this.#replacement = replacement;
    this.#scheme = scheme;
    this.#split = split ? new Split(anyOf([replacement]), 'MergedWithNext') : null;
  }

  words(text: string): string[] {
    let result = text.replaceAll(' ', this.#replacement);
    if (result === '') return [];
    if (this.#scheme !== 'never' && !result.startsWith(this.#replacement)) result = this.#replacement + result;
    return this.#split?.words(result) ?? [result];
  }

  split(aligned: AlignedText): AlignedText[] {
    let result = aligned.withText(aligned.text.replaceAll(' ', this.#replacement));
    const prepends = this.#scheme === 'always' || (this.#scheme === 'first' && aligned.base === 0);
    if (prepends && !result.text.startsWith(this.#replacement)) result = result.prepend(this.#replacement);
    return this.#split?.split(result) ?? [result];
  }
}

const GPT2_WORDS = jsPattern("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");

/** GPT-2's words, and each as the characters of its bytes. */
class ByteLevel implements PreTokenizer {
  readonly #prefix: boolean;
  readonly #split: Split | null;

  constructor(addPrefixSpace: boolean, useRegex: boolean) {
    this.#prefix = addPrefixSpace;
    this.#split = useRegex ? new Split(GPT2_WORDS, 'Isolated') : null;
  }

  words(text: string): string[] {
    const prefixed = this.#prefix && text !== '' && !text.startsWith(' ') ? ` ${text}` : text;
    return this.#split === null ? [bytesOf(prefixed)] : (prefixed.match(GPT2_WORDS) ?? []).map(bytesOf);
  }

  split(aligned: AlignedText): AlignedText[] {
    const prefixed = this.#prefix && !aligned.text.startsWith(' ') ? aligned.prepend(' ') : aligned;
    return (this.#split?.split(prefixed) ?? [prefixed]).map(byteLevelAligned);
  }
}

class Sequence implements PreTokenizer {
  readonly #steps: readonly PreTokenizer[];

  constructor(steps: readonly PreTokenizer[]) {
    this.#steps = steps;
  }

  words(text: string): string[] {
    return this.#steps.reduce((words, step) => words.flatMap((word) => step.words(word)), [text]);
  }

  split(aligned: AlignedText): AlignedText[] {
    return this.#steps.reduce((words, step) => words.flatMap((word) => step.split(word)), [aligned]);
  }
}

/** tokenizer.json's `pre_tokenizer`. Throws where a part is not understood. */
export function createPreTokenizer(part: Part): PreTokenizer {
  switch (part.type) {
    case 'BertPreTokenizer':
      return new BertPreTokenizer();
    case 'Whitespace':
      return new Split(new RegExp(`[${WORD}]+|[^${WORD}\\p{White_Space}]+`, 'gu'), 'Removed', true);
    case 'WhitespaceSplit':
      return new Split(/\p{White_Space}/gu, 'Removed');
    case 'CharDelimiterSplit':
      return new Split(anyOf([part.string('delimiter')]), 'Removed');
    case 'Punctuation':
      return new Split(new RegExp(`[${PUNCTUATION}]`, 'gu'), part.oneOf('behavior', BEHAVIORS, 'Isolated'));
    case 'Digits':
      return new Split(/\p{N}/gu, part.boolean('individual_digits', false) ? 'Isolated' : 'Contiguous');
    case 'Split':
      return new Split(part.pattern('pattern'), part.oneOf('behavior', BEHAVIORS), part.boolean('invert', false));
    case 'FixedLength':
      return new FixedLength(Math.max(1, part.count('length')));
    case 'Metaspace': {
      part.ignore('str_rep');
      const schemes = ['always', 'first', 'never'] as const;
      const prefix = part.boolean('add_prefix_space', true);
      return new Metaspace(
        part.string('replacement', '▁'),
        prefix ? part.oneOf('prepend_scheme', schemes, 'always') : 'never',
        part.boolean('split', true),
      );
    }
    case 'ByteLevel':
      // trim_offsets is the post-processor's.
      part.ignore('trim_offsets');
      return new ByteLevel(part.boolean('add_prefix_space', true), part.boolean('use_regex', true));
    case 'Sequence':
      return new Sequence(part.parts('pretokenizers').map(createPreTokenizer));
    default:
      throw part.unknown();
  }
}
