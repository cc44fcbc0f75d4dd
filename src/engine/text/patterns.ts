import { toRegExp } from 'oniguruma-to-es';

/**
 * A regular expression as tokenizers understands it (Oniguruma's syntax) as one of JavaScript's, with the flag g.
 * Throws where there is none that matches the same.
 */
export const jsPattern = (source: string): RegExp => tried(toRegExp(source, { global: true, target: 'ES2024' }));

/** What matches one of these texts, the longest first. Throws where they are too much for a regular expression. */
export function anyOf(texts: readonly string[]): RegExp {
  const longestFirst = [...texts].sort((a, b) => b.length - a.length);
  return tried(new RegExp(longestFirst.map(escaped).join('|'), 'gu'));
}

/** V8 reads a regular expression when it is first used, and only then finds it too large. */
function tried(pattern: RegExp): RegExp {
  pattern.test('');
  pattern.lastIndex = 0;
  return pattern;
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** The inside of a class (flag u): \w of Rust's own regular expressions, which differ from Oniguruma's in joiners. */
export const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';
