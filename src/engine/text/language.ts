import { type DataProblem, formatPercent } from '../../protocol/index.ts';
import { otherLanguage } from './frequent-words.ts';
import { dominantScript, MODEL_OF_MANY, modelsForScript, scriptPhrase, unknownWarning } from './unknown.ts';

/** Texts, and characters of each, that are looked at to tell a script. */
const SAMPLE_TEXTS = 200;
const SAMPLE_CHARACTERS = 500;

/** Our names of scripts by ISO 15924's, as a language's likely script is given. */
const SCRIPTS: Readonly<Record<string, string>> = {
  Jpan: 'Japanese',
  Kore: 'Korean',
  Hans: 'Chinese',
  Hant: 'Chinese',
  Cyrl: 'Cyrillic',
  Arab: 'Arabic',
  Hebr: 'Hebrew',
  Grek: 'Greek',
  Thai: 'Thai',
  Latn: 'Latin',
  ...Object.fromEntries(
    ['Deva', 'Beng', 'Taml', 'Telu', 'Gujr', 'Knda', 'Mlym', 'Guru', 'Sinh'].map((script) => [script, 'Indic']),
  ),
};

/** `en` as “English”; a code that nobody knows as it is. */
function languageName(code: string): string {
  if (code === 'multilingual') return 'many languages';
  try {
    return new Intl.DisplayNames('en', { type: 'language' }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** “English”, “English and German”, “English, German and 2 more languages”. */
export function languageNames(codes: readonly string[]): string {
  const names = codes.map(languageName);
  if (names.length > 3) return `${names.slice(0, 2).join(', ')} and ${names.length - 2} more languages`;
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** The script that a language is likely written in (Unicode CLDR), by our name of it; null where it is none of ours. */
function scriptOf(code: string): string | null {
  try {
    return SCRIPTS[new Intl.Locale(code).maximize().script ?? ''] ?? null;
  } catch {
    return null;
  }
}

/**
 * What to warn of where a model is not for the language of the texts, or null. Scripts are compared, which is certain, and
 * in Latin script the most frequent words. Where the card names no language, the tokenizer's unknown pieces decide.
 * @param languages that the model's card names
 * @param unknownShare of the texts' pieces, 0 to 1
 */
export function languageProblem(
  languages: readonly string[] | null,
  texts: readonly string[],
  unknownShare: number,
): DataProblem | null {
  const sample = texts
    .slice(0, SAMPLE_TEXTS)
    .map((text) => text.slice(0, SAMPLE_CHARACTERS))
    .join('\n');
  const script = dominantScript(sample);
  const mismatch = scriptMismatch(languages, script) ?? (script === 'Latin' ? wordsMismatch(languages, sample) : null);
  const message = mismatch ?? unknownWarning(unknownShare, sample);
  // A few odd words are no other language: that has a code of its own.
  const code = mismatch === null ? 'unknown-tokens' : 'language-mismatch';
  return message === null ? null : { severity: 'warning', code, message };
}

function wordsMismatch(languages: readonly string[] | null, sample: string): string | null {
  const other = otherLanguage(languages ?? [], sample);
  if (other === null) return null;
  const [theirs, ours] = [other.code, other.of.code].map(languageName);
  const shares = `${formatPercent(other.share)} of their words are frequent in ${theirs}, and ${formatPercent(other.of.share)} in ${ours}`;
  return `The texts seem to be ${theirs} (${shares}), but this model is for ${languageNames(languages!)}. ${MODEL_OF_MANY}`;
}

function scriptMismatch(languages: readonly string[] | null, script: string | null): string | null {
  if (languages === null || script === null) return null;
  const known = languages.map(scriptOf);
  // A language that is not placed may be written in any script; so may "multilingual".
  if (known.includes(null) || known.includes(script)) return null;
  // Kana or not, Japanese has Chinese characters.
  if (script === 'Chinese' && known.includes('Japanese')) return null;
  return `The texts are ${scriptPhrase(script)}, but this model is for ${languageNames(languages)}. ${modelsForScript(script)}`;
}
