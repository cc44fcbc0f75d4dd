import type { AlignedText } from './aligned.ts';
import { anyOf, WORD } from './patterns.ts';
import type { Normalizer } from './steps.ts';

/** An entry of tokenizer.json's `added_tokens`. */
export interface AddedToken {
  id: number;
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

/** A part of a text: an added token's, or one that is still to be split. */
export interface Section {
  text: AlignedText;
  id: number | null;
}

const ENDS_WITH_WORD = new RegExp(`[${WORD}]$`, 'u');
const STARTS_WITH_WORD = new RegExp(`^[${WORD}]`, 'u');
const SPACE = /^\p{White_Space}$/u;

/** Finds some added tokens: the first in the text and of those the longest. tokenizers, added_vocabulary.rs. */
class Finder {
  readonly #tokens: ReadonlyMap<string, AddedToken>;
  readonly #pattern: RegExp | null;
  /** The same without a place in the text. */
  readonly #any: RegExp | null;

  constructor(tokens: ReadonlyMap<string, AddedToken>) {
    this.#tokens = tokens;
    const contents = [...tokens.keys()].filter((content) => content !== '');
    this.#pattern = contents.length === 0 ? null : anyOf(contents);
    this.#any = this.#pattern && new RegExp(this.#pattern.source, 'u');
  }

  isIn(text: string): boolean {
    return this.#any?.test(text) ?? false;
  }

  split(aligned: AlignedText): Section[] {
    const { text } = aligned;
    const sections: Section[] = [];
    let last = 0;
    for (const { 0: content, index } of this.#pattern === null ? [] : text.matchAll(this.#pattern)) {
      const token = this.#tokens.get(content)!;
      let start = index;
      let end = index + content.length;
      // A character takes one unit or two.
      const [before, after] = [text.slice(Math.max(0, start - 2), start), text.slice(end, end + 2)];
      if (token.single_word && (ENDS_WITH_WORD.test(before) || STARTS_WITH_WORD.test(after))) continue;
      if (token.lstrip) while (start > last && SPACE.test(text[start - 1]!)) start--;
      if (token.rstrip) while (end < text.length && SPACE.test(text[end]!)) end++;
      if (last < start) sections.push({ text: aligned.slice(last, start), id: null });
      sections.push({ text: aligned.slice(start, end), id: token.id });
      last = end;
    }
    if (last < text.length) sections.push({ text: aligned.slice(last, text.length), id: null });
    return sections;
  }
}

/** The tokens beside the vocabulary, which are cut out of a text before anything else happens to it. */
export class AddedTokens {
  readonly #raw: Finder;
  readonly #normalized: Finder;
  readonly #normalizer: Normalizer | null;

  constructor(
    readonly tokens: readonly AddedToken[],
    normalizer: Normalizer | null,
  ) {
    this.#normalizer = normalizer;
    const raw = tokens.filter(({ normalized }) => !normalized);
    const normalized = tokens.filter((token) => token.normalized);
    this.#raw = new Finder(new Map(raw.map((token) => [token.content, token])));
    this.#normalized = new Finder(
      new Map(normalized.map((token) => [normalizer?.normalize(token.content) ?? token.content, token])),
    );
  }

  /** Whether a text holds one, before or after it is normalised. */
  areIn(text: string, normalized: string): boolean {
    return this.#raw.isIn(text) || this.#normalized.isIn(normalized);
  }

  /** The sections of a text, those without an id normalised. */
  split(aligned: AlignedText): Section[] {
    return this.#raw.split(aligned).flatMap((section) => {
      if (section.id !== null) return [section];
      return this.#normalized.split(this.#normalizer?.align(section.text) ?? section.text);
    });
  }
}
