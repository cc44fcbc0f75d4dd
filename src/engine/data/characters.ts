/**
 * What the eye cannot tell apart: characters without a shape, blanks of many kinds, letters in two encodings of
 * Unicode, and letters of other scripts that look like Latin ones.
 */

/**
 * Characters that leave nothing on the screen: Unicode's default ignorables (zero width, soft hyphen, directions,
 * variation selectors, fillers), interlinear marks and control characters. Tags stay: flags are told apart by them.
 */
const INVISIBLE = /(?![\u{E0020}-\u{E007F}])[\p{Default_Ignorable_Code_Point}\uFFF9-\uFFFB]|(?!\s)\p{Cc}/gu;
/** Of those, the ones that words and emoji are rightly written with. */
const JOINERS = /\p{Join_Control}|\p{Variation_Selector}/u;
/** Blanks other than those that a keyboard has. */
const ODD_BLANK = /[^\S \t\n\v\f\r]|\u0085/gu;
const ANY_BLANK = /[\s\u0085]/gu;
const PLAIN = /^[\x20-\x7E]*$/;
/** Anything that a tokenizer keeps something of. */
const READABLE = /[^\p{Cc}\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}\s\uFFFD]/u;

/** Whether a text has a single character that can be read: neither blank, control nor format character. */
export const isReadable = (text: string): boolean => READABLE.test(text);

/** A label as it is compared: in Unicode's composed form, without invisible characters, blanks being plain ones. */
export function labelKey(label: string): string {
  if (PLAIN.test(label)) return label.trim();
  return label.normalize('NFC').replace(INVISIBLE, '').replace(ANY_BLANK, ' ').trim();
}

/** The same, but what words and emoji are rightly written with stays: how a label is shown and kept. */
export function tidyLabel(label: string): string {
  if (PLAIN.test(label)) return label.trim();
  const kept = label.normalize('NFC').replace(INVISIBLE, (character) => (JOINERS.test(character) ? character : ''));
  return kept.replace(ANY_BLANK, ' ').trim();
}

/** A text as it is compared: as a label, and without regard to case and to how many blanks stand between words. */
export function nearText(text: string): string {
  // Most texts need no more than this, and every row is asked several times.
  if (PLAIN.test(text)) return (text.includes('  ') ? text.replace(/ +/g, ' ') : text).trim().toLowerCase();
  return text
    .normalize('NFC')
    .replace(INVISIBLE, '')
    .replace(/[\s\u0085]+/gu, ' ')
    .trim()
    .toLowerCase();
}

/** Letters of Cyrillic and Greek, each with the Latin one that it looks like. */
const LOOK_ALIKES: ReadonlyMap<string, string> = new Map(
  [
    ['АВЕЅІЈКМНОРСТУХԚԜҮ', 'ABESIJKMHOPCTYXQWY'],
    ['ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ', 'ABEZHIKMNOPTYX'],
    ['аеѕіјорсухԁһԛԝү', 'aesijopcyxdhqwy'],
    ['ονιρυϲϳ', 'ovipucj'],
  ].flatMap(([other, latin]) => [...other!].map((letter, i) => [letter, latin![i]!] as const)),
);
/** The same without case, small letters' own looks before those of their capitals. */
const LOOK_ALIKES_IN_LOWER_CASE: ReadonlyMap<string, string> = new Map(
  [...LOOK_ALIKES].map(([other, latin]) => [other.toLowerCase(), latin.toLowerCase()] as const),
);

/**
 * What labels that a person would take for one have in common: case, blanks, `-` and `_`, marks at the end, wide and
 * narrow forms, and letters of other scripts that look Latin do not count.
 */
export function lookOf(label: string): string {
  const folded = labelKey(label).normalize('NFKC').toLowerCase();
  const look = [...folded].map((letter) => LOOK_ALIKES_IN_LOWER_CASE.get(letter) ?? letter).join('');
  const words = look.replace(/[\s_-]+/g, ' ');
  return words.replace(/[\s.,;:!]+$/, '') || words;
}

/** Letters of another script that look Latin, in a label that has Latin letters besides or looks wholly Latin. */
export const lookAlikesIn = (label: string): string[] => [
  ...new Set([...label].filter((letter) => LOOK_ALIKES.has(letter))),
];

const NAMES: Readonly<Record<number, string>> = {
  160: 'no-break space',
  173: 'soft hyphen',
  847: 'combining grapheme joiner',
  1564: 'Arabic letter mark',
  8199: 'figure space',
  8201: 'thin space',
  8203: 'zero width space',
  8204: 'zero width non-joiner',
  8205: 'zero width joiner',
  8206: 'left-to-right mark',
  8207: 'right-to-left mark',
  8234: 'left-to-right embedding',
  8235: 'right-to-left embedding',
  8236: 'pop directional formatting',
  8237: 'left-to-right override',
  8238: 'right-to-left override',
  8239: 'narrow no-break space',
  8288: 'word joiner',
  8294: 'left-to-right isolate',
  8295: 'right-to-left isolate',
  8296: 'first strong isolate',
  8297: 'pop directional isolate',
  12288: 'ideographic space',
  12644: 'Hangul filler',
  65038: 'variation selector-15',
  65039: 'variation selector-16',
  65279: 'byte order mark',
  768: 'combining grave accent',
  769: 'combining acute accent',
  770: 'combining circumflex accent',
  771: 'combining tilde',
  776: 'combining diaeresis',
  778: 'combining ring above',
  780: 'combining caron',
  807: 'combining cedilla',
};

/** `U+200B (zero width space)`. */
export function characterName(character: string): string {
  const code = character.codePointAt(0)!;
  const kind = LOOK_ALIKES.has(character)
    ? `a ${/\p{Script=Greek}/u.test(character) ? 'Greek' : 'Cyrillic'} letter that looks like “${LOOK_ALIKES.get(character)}”`
    : /\p{M}/u.test(character)
      ? 'a combining mark'
      : /\p{Z}/u.test(character)
        ? 'a space'
        : /\p{Cc}/u.test(character)
          ? 'a control character'
          : 'an invisible character';
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')} (${NAMES[code] ?? kind})`;
}

/** The characters by which a label differs from how it is kept: invisible ones, odd blanks, parts of a letter. */
export function oddCharacters(label: string, kept: string): string[] {
  const own = new Set(kept);
  const odd = invisibleIn(label);
  const marks = label.normalize('NFC') === label ? [] : (label.normalize('NFD').match(/\p{M}/gu) ?? []);
  return [...new Set([...odd, ...marks])].filter((character) => !own.has(character));
}

/** Invisible characters and odd blanks of a text. */
export const invisibleIn = (text: string): string[] => [
  ...new Set([...(text.match(INVISIBLE) ?? []), ...(text.match(ODD_BLANK) ?? [])]),
];
