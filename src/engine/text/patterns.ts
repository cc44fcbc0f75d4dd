import { toRegExp } from 'oniguruma-to-es';

/**
 * A regular expression as tokenizers understands it (Oniguruma's syntax) as one of JavaScript's, with the flag g.
 * Throws where there is none that matches the same.
 */
export const jsPattern = (source: string): RegExp => toRegExp(source, { global: true, target: 'ES2024' });

/** The inside of a class (flag u): \w of Rust's own regular expressions, which differ from Oniguruma's in joiners. */
export const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';
