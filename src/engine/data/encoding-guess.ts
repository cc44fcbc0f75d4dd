import { largest, smallest } from '../../protocol/index.ts';
import { decodeWhole } from './codec.ts';
import { encodingNamed } from './encoding-names.ts';

/** What the bytes of a text may be, none of it certain. */
export interface EncodingGuess {
  encoding: string;
  /** Whether no other encoding is about as likely and reads the text otherwise. */
  is_sure: boolean;
  /** Words of the file that only this encoding reads so. */
  sample: string;
  /** The next likely ones that read them otherwise. */
  alternatives: { encoding: string; sample: string }[];
}

/** More adds nothing to a guess, and takes longer. */
const LOOKED_AT = 1 << 14;
/** Candidates whose confidence has at least this share of the best one's are judged by what they read. */
const NEAR = 0.75;
const MAX_ALTERNATIVES = 2;

/**
 * Guesses the encoding of text that is not UTF-8. jschardet's statistics propose; among proposals that are about as
 * likely, the one wins that reads the fewest odd characters: capitals within words, symbols between letters.
 * @param lines of the text that hold bytes above 127
 */
export async function guessEncoding(lines: Buffer): Promise<EncodingGuess> {
  // A megabyte of statistics, for the few files that need them.
  const { detectAll } = await import('jschardet');
  const looked = lines.subarray(0, LOOKED_AT);
  const found = new Map<string, number>();
  for (const { encoding, confidence } of detectAll(looked, { minimumThreshold: 0 })) {
    const name = encoding === null ? undefined : encodingNamed(encoding);
    if (name === undefined || name.startsWith('utf-') || NEVER.test(name)) continue;
    found.set(name, Math.max(found.get(name) ?? 0, confidence));
  }
  const { ascii, high } = lettersOf(looked);
  const isLatin = (ascii >= high || high < 3) && !MULTIBYTE.includes([...found][0]?.[0] ?? '');
  if (isLatin) for (const name of found.keys()) if (!LATIN.includes(name)) found.delete(name);
  // A few letters are no statistics: what most such files are in goes first then, if it reads well.
  const highest = largest([...found.values()], undefined, 0);
  if ((isLatin && high < MANY_LETTERS) || found.size === 0) {
    for (const [name, share] of FEW_LETTERS)
      found.set(name, Math.max((found.get(name) ?? 0) * (1 + share), share * highest));
  }
  const candidates = [...found]
    .map(([encoding, confidence]) => {
      const text = decodeWhole(looked, encoding);
      return { encoding, confidence, text, oddities: oddities(text) };
    })
    .sort((a, b) => b.confidence - a.confidence);
  const near = candidates.filter(({ confidence }) => confidence >= NEAR * candidates[0]!.confidence);
  const fewest = smallest(near.map((candidate) => candidate.oddities));
  const fitting = near.filter((candidate) => candidate.oddities === fewest);
  // Where two read the same, the better known name says it.
  const same = fitting.filter(({ text }) => text === fitting[0]!.text);
  const best =
    (high < 3 && fitting.find(({ encoding }) => encoding === 'windows-1252')) ||
    (same.find(({ encoding }) => USUAL.includes(encoding)) ?? same[0]!);
  const others = distinct(candidates.filter(({ text }) => text !== best.text));
  const rival = fitting.find(({ text }) => text !== best.text);
  const named = [...(rival ? [rival] : []), ...others.filter((other) => other !== rival)];
  if (named.length === 0 && best.encoding !== 'windows-1252') {
    named.push({ ...best, encoding: 'windows-1252', text: decodeWhole(looked, 'windows-1252') });
  }
  const at = firstDifference(best.text);
  return {
    encoding: best.encoding,
    is_sure: rival === undefined && (high >= 3 || ascii > 1),
    sample: around(best.text, at),
    alternatives: named.slice(0, MAX_ALTERNATIVES).map(({ encoding, text }) => ({
      encoding,
      sample: around(text, firstDifference(text)),
    })),
  };
}

/** Of the world of mailing lists before Unicode: tables do not come in them, and they look like others. */
const NEVER = /^iso-8859-(3|4|6|10|13|14|16)$/;
const MULTIBYTE = ['gb18030', 'big5', 'shift_jis', 'euc-jp', 'euc-kr'];
/** Encodings of languages whose words are ASCII for the most part. */
const LATIN = [
  'windows-1252',
  'windows-1250',
  'windows-1254',
  'windows-1257',
  'iso-8859-2',
  'mac-roman',
  'cp437',
  'cp850',
  'cp852',
];
/** Encodings of files in such languages, each with the share of the best one's confidence that it has at least. */
const FEW_LETTERS: readonly [encoding: string, share: number][] = [
  ['windows-1252', 1],
  ['mac-roman', 0.8],
  ['cp850', 0.8],
];

/** From how many letters beyond ASCII on statistics are to be trusted. */
const MANY_LETTERS = 60;

/** Of the words that have bytes above 127: how many of their letters are ASCII, and how many are not. */
function lettersOf(lines: Buffer): { ascii: number; high: number } {
  let ascii = 0;
  let high = 0;
  for (const word of lines.toString('latin1').match(/[A-Za-z\x80-\xff]+/g) ?? []) {
    const letters = word.replace(/[\x80-\xff]/g, '').length;
    if (letters === word.length) continue;
    ascii += letters;
    high += word.length - letters;
  }
  return { ascii, high };
}

const USUAL = ['windows-1252', 'windows-1250', 'windows-1251', 'cp850'];

function distinct<T extends { text: string }>(candidates: readonly T[]): T[] {
  const seen = new Set<string>();
  return candidates.filter(({ text }) => !seen.has(text) && seen.add(text));
}

function firstDifference(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return i;
  return 0;
}

const SAMPLE_BEFORE = 12;
const SAMPLE_LENGTH = 40;

/** Some words about a place, on one line. */
function around(text: string, at: number): string {
  const lineStart = Math.max(text.lastIndexOf('\n', at), text.lastIndexOf('\r', at)) + 1;
  const rest = text.slice(Math.max(lineStart, at - SAMPLE_BEFORE), at + SAMPLE_LENGTH);
  const line = rest.split(/[\r\n]/, 1)[0]!;
  const letters = [...line].slice(0, SAMPLE_LENGTH).join('');
  return at - SAMPLE_BEFORE > lineStart ? `…${letters.replace(/^\S*\s+(?=.*[^\0-\x7f])/, '')}` : letters;
}

const SCRIPTS = [
  /\p{Script=Latin}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Hebrew}/u,
  /\p{Script=Arabic}/u,
];
/** Marks that stand within words, too. */
const WITHIN_WORDS = /[’‘'\u02bc·\-‐…]/;

/** Whether a mark stands where typesetting has it: don’t, a “word”, a – b. */
function isTypography(letter: string, before: string | undefined, after: string | undefined): boolean {
  const isWord = (beside: string | undefined) => beside !== undefined && /[\p{L}\p{N}]/u.test(beside);
  switch (letter) {
    case '’':
      return isWord(before) && isWord(after);
    case '“':
    case '‘':
      return !isWord(before) && isWord(after);
    case '”':
      return before !== undefined && before !== ' ' && !isWord(after);
    case '–':
    case '—':
      return before === ' ' && after === ' ';
    default:
      return false;
  }
}

/** How many characters do not stand where a text would have them, less those that could not stand better. */
function oddities(text: string): number {
  const letters = [...text.slice(0, 4096)];
  let count = 0;
  const script = (letter: string | undefined): number =>
    letter === undefined ? -1 : SCRIPTS.findIndex((pattern) => pattern.test(letter));
  const isLetter = (letter: string | undefined): boolean => letter !== undefined && /\p{L}/u.test(letter);
  const isUpper = (letter: string): boolean => /\p{Lu}/u.test(letter);
  const isLower = (letter: string): boolean => /\p{Ll}/u.test(letter);
  for (const [i, letter] of letters.entries()) {
    if (letter <= '\x7f') continue;
    const [before, after] = [letters[i - 1], letters[i + 1]];
    if (letter === '\ufffd' || /[\x80-\x9f]/.test(letter)) count += 3;
    else if (isLetter(letter)) {
      const own = script(letter);
      for (const beside of [before, after]) {
        if (isLetter(beside) && own >= 0 && script(beside) >= 0 && script(beside) !== own) count++;
      }
      if (/\d/.test(`${before}${after}`)) count++;
      if (before !== undefined && isLetter(before) && isLower(before) && isUpper(letter)) count++;
      if (after !== undefined && isLetter(after) && isLower(letter) && isUpper(after)) count++;
    } else if (isTypography(letter, before, after)) count--;
    else if (/[\p{Sm}\u2500-\u259f]/u.test(letter)) count++;
    else if (/[†‡•§¶]/.test(letter) && (isLetter(before) || isLetter(after))) count++;
    else if (/[„‚¿¡]/.test(letter) && isLetter(before)) count++;
    else if (!WITHIN_WORDS.test(letter) && isLetter(before) && isLetter(after)) count++;
    // A letter's mark and a currency's sign stand beside other things than symbols do.
    else if (/[\p{So}\p{Sk}\p{No}]/u.test(letter) && (isLetter(before) || isLetter(after))) count++;
  }
  return count;
}
