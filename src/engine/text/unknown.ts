/** Share of unknown pieces above which a run says so before it starts. */
export const UNKNOWN_SHARE_LIMIT = 0.05;

/** Scripts told apart, and a model for texts that are mostly written in them. */
const SCRIPTS: [name: string, pattern: RegExp][] = [
  ['Japanese', /\p{Script=Hiragana}|\p{Script=Katakana}/gu],
  ['Korean', /\p{Script=Hangul}/gu],
  ['Chinese', /\p{Script=Han}/gu],
  ['Cyrillic', /\p{Script=Cyrillic}/gu],
  ['Arabic', /\p{Script=Arabic}/gu],
  ['Hebrew', /\p{Script=Hebrew}/gu],
  ['Greek', /\p{Script=Greek}/gu],
  ['Thai', /\p{Script=Thai}/gu],
  [
    'Indic',
    /[\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Gujarati}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Gurmukhi}\p{Script=Sinhala}]/gu,
  ],
  ['Latin', /\p{Script=Latin}/gu],
];
const LETTER = /\p{L}/gu;
/** Japanese is written with more Chinese characters than kana; this much kana among the letters tells it. */
const KANA_SHARE = 0.1;

/** The script that most letters of a text are of, or null for a text without letters or of another script. */
export function dominantScript(text: string): string | null {
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  const letters = count(LETTER);
  if (letters === 0) return null;
  const counts = SCRIPTS.map(([name, pattern]) => ({ name, count: count(pattern) }));
  if (counts[0]!.count > KANA_SHARE * letters) return 'Japanese';
  const most = counts.reduce((a, b) => (b.count > a.count ? b : a));
  return most.count === 0 ? null : most.name;
}

/**
 * What to tell a person before a run whose texts the tokenizer hardly knows, or null at 5 % of unknown pieces and below.
 * @param share Unknown pieces over all pieces, 0 to 1.
 * @param sampleText Some of the texts; their script decides which model is named.
 */
export function unknownWarning(share: number, sampleText: string): string | null {
  if (!(share > UNKNOWN_SHARE_LIMIT)) return null;
  const script = dominantScript(sampleText);
  const percent = `${Math.round(share * 100)} % of the text's pieces are unknown to this model's tokenizer`;
  if (script === 'Chinese') return `${percent}: the text is Chinese. A model that fits: "bert-base-chinese".`;
  if (script !== null && script !== 'Latin')
    return `${percent}: the text is ${NAMES[script] ?? script}. A model that fits: "bert-base-multilingual-cased".`;
  return `${percent}, so the model cannot tell them apart. A model with a larger vocabulary may fit better: "bert-base-uncased" for English, "bert-base-multilingual-cased" for other languages.`;
}

const NAMES: Record<string, string> = {
  Cyrillic: 'in Cyrillic script',
  Arabic: 'in Arabic script',
  Hebrew: 'in Hebrew script',
  Indic: 'in an Indic script',
};
