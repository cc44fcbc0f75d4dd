import type { AlignedText, Change } from './aligned.ts';
import type { Normalizer } from './steps.ts';
import { NOT_DECOMPOSED, NOT_DECOMPOSED_COMPATIBLY } from './unicode-tables.ts';

const ASCII = /^\p{ASCII}*$/u;
const notDecomposed = new RegExp(`([${NOT_DECOMPOSED}])`, 'u');
const notDecomposedCompatibly = new RegExp(`([${NOT_DECOMPOSED_COMPATIBLY}])`, 'u');
/** Combining class 240, the highest: a mark of any other class goes before it. */
const LAST_MARK = '\u0345';

/**
 * Unicode's normalisation forms with each character's place: tokenizers' NFD, NFKD, NFC and NFKC
 * (its crate unicode-normalization-alignments; characters that this crate does not know yet are left whole).
 */
class UnicodeForm implements Normalizer {
  readonly #form: 'NFC' | 'NFD' | 'NFKC' | 'NFKD';
  /** Characters left whole. */
  readonly #whole: RegExp;

  constructor(form: 'NFC' | 'NFD' | 'NFKC' | 'NFKD') {
    this.#form = form;
    this.#whole = form === 'NFC' || form === 'NFD' ? notDecomposed : notDecomposedCompatibly;
  }

  normalize(text: string): string {
    if (ASCII.test(text)) return text;
    if (!this.#whole.test(text)) return text.normalize(this.#form);
    return text
      .split(this.#whole)
      .map((part, i) => (i % 2 === 1 ? part : part.normalize(this.#form)))
      .join('');
  }

  align(aligned: AlignedText): AlignedText {
    const text = this.normalize(aligned.text);
    if (text === aligned.text) return aligned;
    const changes = this.#decompose(aligned.text);
    return aligned.transform(this.#form === 'NFC' || this.#form === 'NFKC' ? compose(changes) : changes);
  }

  /** The characters of the decomposed text; marks stand in canonical order, each with the change that it came by. */
  #decompose(text: string): Change[] {
    const form = this.#form === 'NFC' || this.#form === 'NFD' ? 'NFD' : 'NFKD';
    const changes: Change[] = [];
    for (const character of text) {
      const parts = this.#whole.test(character) ? character : character.normalize(form);
      let change = 0;
      for (const part of parts) {
        changes.push([part, change]);
        change = 1;
      }
    }
    return inCanonicalOrder(changes);
  }
}

/** Marks between two starters sorted by their class, those of equal class staying in order. */
function inCanonicalOrder(changes: Change[]): Change[] {
  const ordered: Change[] = [];
  for (const change of changes) {
    let at = ordered.length;
    while (at > 0 && goesBefore(change[0], ordered[at - 1]![0])) at--;
    ordered.splice(at, 0, change);
  }
  return ordered;
}

/** Before the first combining mark. */
const isLatin = (character: string): boolean => character.codePointAt(0)! < 0x300;
/** Whether two characters in a row change places in canonical order. */
const goesBefore = (second: string, first: string): boolean => {
  if (isLatin(second) || isLatin(first)) return false;
  const pair = `a${first}${second}`;
  return pair.normalize('NFD') === `a${second}${first}` && first !== second;
};
const isStarter = (character: string): boolean =>
  isLatin(character) || !(character === LAST_MARK || goesBefore(character, LAST_MARK));
/** Whether a mark stands between a starter and one after it of the same class (in canonical order no other can). */
const blocks = (mark: string, character: string): boolean => isStarter(character) || !goesBefore(mark, character);

/** The one character that two compose to, or null. */
function composed(first: string, second: string): string | null {
  const result = (first + second).normalize('NFC');
  if (notDecomposed.test(result)) return null;
  return result.length === (result.codePointAt(0)! > 0xffff ? 2 : 1) && result !== '' ? result : null;
}

/** Puts characters together again: unicode-normalization-alignments, recompose.rs. */
function* compose(changes: Iterable<Change>): Generator<Change> {
  let starter: Change | null = null;
  let marks: Change[] = [];
  for (const change of changes) {
    const [character, count] = change;
    if (starter === null) {
      if (isStarter(character)) starter = change;
      else yield change;
      continue;
    }
    const last = marks.at(-1);
    if (last === undefined || !blocks(last[0], character)) {
      const whole = composed(starter[0], character);
      if (whole !== null) {
        starter = [whole, starter[1] + count - 1];
        continue;
      }
    }
    if (isStarter(character)) {
      yield starter;
      yield* marks;
      starter = change;
      marks = [];
    } else marks.push(change);
  }
  if (starter !== null) yield starter;
  yield* marks;
}

export const decomposed: Normalizer = new UnicodeForm('NFD');
export const UNICODE_FORMS: Record<'NFC' | 'NFD' | 'NFKC' | 'NFKD', Normalizer> = {
  NFC: new UnicodeForm('NFC'),
  NFD: decomposed,
  NFKC: new UnicodeForm('NFKC'),
  NFKD: new UnicodeForm('NFKD'),
};
