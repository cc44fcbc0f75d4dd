import type { Tokenizer } from '../text/tokenizer.ts';
import type { Context } from './context-window.ts';

/** Tokens that a word which is being typed may be taken back by. */
const MOST_TOKENS = 4;

/**
 * What each token of a vocabulary says. A word that is half typed is cut into other tokens than the whole word is, and
 * so is white space at the end: the model has not learned to go on from there. So the last tokens are taken back, and
 * it may only write what begins with their text (token healing; guidance and llama.cpp do so for the last token).
 */
export class TokenTexts {
  /** Null for special tokens and for those that are no whole characters. */
  readonly #texts: (string | null)[];
  readonly #byFirst = new Map<string, number[]>();
  /** Tokens of a letter, as what stands before others: at a text's start some decoders leave a blank out. */
  readonly around: readonly number[];

  constructor(tokenizer: Pick<Tokenizer, 'vocabSize' | 'encodeBare' | 'decode' | 'isSpecial'>) {
    this.around = [...tokenizer.encodeBare('a').ids];
    const front = tokenizer.decode(this.around).length;
    this.#texts = Array.from({ length: tokenizer.vocabSize }, (_, id) => {
      if (tokenizer.isSpecial(id)) return null;
      const text = tokenizer.decode([...this.around, id]).slice(front);
      return text === '' || text.includes('\uFFFD') ? null : text;
    });
    for (const [id, text] of this.#texts.entries()) {
      if (text === null) continue;
      const like = this.#byFirst.get(text[0]!);
      if (like) like.push(id);
      else this.#byFirst.set(text[0]!, [id]);
    }
  }

  textOf(id: number): string | null {
    return this.#texts[id] ?? null;
  }

  /** Tokens that say the beginning of a text, or all of it and more. */
  towards(text: string): number[] {
    return (this.#byFirst.get(text[0]!) ?? []).filter((id) => {
      const said = this.#texts[id]!;
      return said.length > text.length ? said.startsWith(text) : text.startsWith(said);
    });
  }

  /**
   * How many tokens at the end of a context are to be written anew: the word that is being typed, else the last one.
   * None where they say no whole characters.
   */
  unsureAtEnd({ text, ids, offsets }: Context): number {
    let count = 0;
    while (count < Math.min(MOST_TOKENS, ids.length)) {
      const at = ids.length - count - 1;
      const [start, end] = [offsets[2 * at]!, offsets[2 * at + 1]!];
      const said = this.textOf(ids[at]!);
      if (said === null || said !== text.slice(start, end) || !this.#canSpell(said)) return count;
      count++;
      if (!isWithinWord(text, start)) return count;
    }
    // A word of more tokens than these: only its last one.
    return Math.min(count, 1);
  }

  /** Whether there is a token for each of its characters, so that no beginning of it leads nowhere. */
  #canSpell(text: string): boolean {
    return [...text].every((char) => (this.#byFirst.get(char[0]!) ?? []).some((id) => this.#texts[id] === char));
  }
}

/** Letters of scripts that have spaces between words. */
const SPACED = /[\p{L}\p{M}\p{N}_]/u;
const UNSPACED =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

function isWithinWord(text: string, at: number): boolean {
  const [before, after] = [text[at - 1] ?? ' ', text[at] ?? ' '];
  return [before, after].every((char) => SPACED.test(char) && !UNSPACED.test(char));
}

/** A text that has to be written first, token by token. */
export class Wanted {
  constructor(
    private readonly texts: TokenTexts,
    private left: string,
  ) {}

  copy(): Wanted {
    return new Wanted(this.texts, this.left);
  }

  /** The scores of tokens that lead there; all others are impossible. */
  allowed(logits: Float32Array): Float32Array {
    if (this.left === '') return logits;
    const scores = new Float32Array(logits.length).fill(-Infinity);
    for (const id of this.texts.towards(this.left)) scores[id] = logits[id]!;
    return scores;
  }

  take(id: number): void {
    if (this.left !== '') this.left = this.left.slice(this.texts.textOf(id)?.length ?? this.left.length);
  }
}
