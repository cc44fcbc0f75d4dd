import { formatPercent } from '../../protocol/index.ts';

/** Share of unknown pieces above which a run says so before it starts. */
const UNKNOWN_SHARE_LIMIT = 0.05;

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
  const percent = `${formatPercent(share)} of the texts’ tokens are unknown to this model’s tokenizer`;
  if (script !== null && script !== 'Latin')
    return `${percent}: the texts are ${scriptPhrase(script)}. ${modelsForScript(script)}`;
  return `${percent}, so the model cannot tell them apart. A model with a larger vocabulary may fit better: "${ENGLISH}" for English, "${MULTILINGUAL}" for other languages.`;
}

const ENGLISH = 'google-bert/bert-base-uncased';
const MULTILINGUAL = 'google-bert/bert-base-multilingual-cased';

/** Names a model for texts of any language, and how to get it. */
export const MODEL_OF_MANY = `A model for many languages: "${MULTILINGUAL}" (luthier models download ${MULTILINGUAL}).`;

/** Names a model for texts in a script, and how to get it. */
export function modelsForScript(script: string): string {
  const name = script === 'Chinese' ? 'google-bert/bert-base-chinese' : MULTILINGUAL;
  const other = script === 'Latin' ? `, or for English "${ENGLISH}" and the starter "starters/bert"` : '';
  return `A suitable model: "${name}"${other} (luthier models download ${name}).`;
}

/** A script in a sentence about texts: “Chinese”, “in Cyrillic script”. */
export const scriptPhrase = (script: string): string => PHRASES[script] ?? script;

const PHRASES: Record<string, string> = {
  Cyrillic: 'in Cyrillic script',
  Arabic: 'in Arabic script',
  Hebrew: 'in Hebrew script',
  Latin: 'in Latin script',
  Indic: 'in an Indic script',
};
