import { lineAfter, lineBefore, lineBelow, type Place } from './place.ts';

/**
 * What of a written text is shown at a place: nothing that already stands behind the cursor or below it, no half
 * character, no direction that is left open, no white space at its end.
 * @param isCut whether it was ended in the middle of a line; half a word is then left out
 * @returns an empty text where nothing is worth showing
 */
export function shownText(text: string, place: Place, { isCut = false }: { isCut?: boolean } = {}): string {
  let shown = wholeDirections(wholeCharacters(text.replaceAll('\r\n', '\n')));
  if (isCut) shown = wholeWords(shown);
  shown = beforeLinesBelow(beforeRestOfLine(shown, place), place);
  // In front of a word, the space is a part of what is missing.
  if (!/^\S/.test(lineAfter(place))) shown = shown.trimEnd();
  return shown.trim() === '' ? '' : shown;
}

/** Without what ends in the middle of a character: bytes that are none yet, half a surrogate pair. */
export function wholeCharacters(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === '\uFFFD') end--;
  // A joiner, or a flag's first half, wants what follows it.
  while (end > 0 && (isHighSurrogate(text.charCodeAt(end - 1)) || text[end - 1] === '\u200D')) end--;
  return text.slice(0, end);
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** The nearest place at or before `at` that divides no surrogate pair. */
export const wholeAt = (text: string, at: number): number =>
  at > 0 && at < text.length && isLowSurrogate(text.charCodeAt(at)) && isHighSurrogate(text.charCodeAt(at - 1))
    ? at - 1
    : at;

/** Characters that begin an embedding or override, and an isolate; and those that end them. */
const OPENS: ReadonlyMap<string, string> = new Map([
  ...[...'\u202A\u202B\u202D\u202E'].map((char) => [char, '\u202C'] as const),
  ...[...'\u2066\u2067\u2068'].map((char) => [char, '\u2069'] as const),
]);
const CLOSES: ReadonlySet<string> = new Set(OPENS.values());

/** A direction that is opened and not closed would turn what follows it in the file round: it is cut in front of it. */
function wholeDirections(text: string): string {
  const open: { at: number; closer: string }[] = [];
  for (let i = 0; i < text.length; i++) {
    const closer = OPENS.get(text[i]!);
    if (closer !== undefined) open.push({ at: i, closer });
    else if (CLOSES.has(text[i]!)) {
      // It would close what stands in front of the cursor.
      if (open.at(-1)?.closer !== text[i]) return text.slice(0, open[0]?.at ?? i);
      open.pop();
    }
  }
  return open.length > 0 ? text.slice(0, open[0]!.at) : text;
}

/** Scripts that have no spaces between words. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]$/u;

function wholeWords(text: string): string {
  if (UNSPACED.test(text)) return text;
  const word = /[\p{L}\p{M}\p{N}_]+$/u.exec(text);
  if (!word) return text;
  const rest = text.slice(0, word.index);
  return rest.trim() === '' ? text : rest;
}

const PAIRS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** Without what the rest of the cursor's line says already; in front of a rest, a suggestion stays on its line. */
function beforeRestOfLine(text: string, place: Place): string {
  const rest = lineAfter(place).trimStart();
  if (rest === '') return text;
  const line = text.split('\n', 1)[0]!;
  // A bracket that it does not open itself and that stands behind the cursor.
  const open: string[] = [];
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (PAIRS[char]) open.push(PAIRS[char]);
    else if (')]}'.includes(char) && open.pop() !== char && rest.startsWith(char)) return line.slice(0, i);
  }
  for (let length = Math.min(line.length, rest.length); length > 0; length--) {
    const at = line.length - length;
    if (!rest.startsWith(line.slice(at))) continue;
    // Half a word that happens to be the beginning of another one.
    if (isWord(line[at]!) && isWord((place.before + line)[place.before.length + at - 1] ?? '')) continue;
    return line.slice(0, at);
  }
  return line;
}

const isWord = (char: string): boolean => /[\p{L}\p{N}_]/u.test(char);

/** Lines shorter than this repeat those below only if they are equal: many lines begin alike. */
const LONG_LINE = 12;

/** Without the first line that stands below, and what follows it. */
function beforeLinesBelow(text: string, place: Place): string {
  const below = lineBelow(place);
  if (below === null || lineAfter(place) !== '') return text;
  const lines = text.split('\n');
  const first = lineBefore(place);
  for (const [i, line] of lines.entries()) {
    const whole = (i === 0 ? first + line : line).trimEnd();
    if (i === 0 && line.trim() === '') continue;
    const [short, long] = [whole, below].sort((a, b) => a.length - b.length) as [string, string];
    const isEnd = i === lines.length - 1;
    const isSame =
      whole === below || (short.trim().length >= LONG_LINE && long.startsWith(short) && (isEnd || short === below));
    if (isSame) return lines.slice(0, i).join('\n');
  }
  return text;
}
