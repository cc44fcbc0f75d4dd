import { type Check, isString, listOf } from './check.ts';

/** Longest tag, and most tags of one run. */
const MOST_CHARACTERS = 40;
const MOST_TAGS = 20;

/** A tag as it is kept: white space at its ends and in a row is none. */
export const cleanTag = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** Why a text is no tag, as a sentence; null where it is one. */
export function tagProblem(text: string): string | null {
  const tag = cleanTag(text);
  if (tag === '') return 'A tag needs a name.';
  if (tag.length > MOST_CHARACTERS) return `A tag has at most ${MOST_CHARACTERS} characters.`;
  // In a cell of CSV, and on a command line, they stand between tags.
  if (/[,;\p{Cc}]/u.test(tag)) return 'A tag cannot contain a comma or a semicolon.';
  return null;
}

/** Tags as a run keeps them: clean, each once, in the order of the alphabet. */
export const cleanTags = (tags: readonly string[]): string[] =>
  [...new Set(tags.map(cleanTag))].sort((a, b) => a.localeCompare(b, 'en'));

/** Why a list is none of a run's tags, as a sentence; null where it is. */
export function tagsProblem(tags: unknown): string | null {
  if (areTags(tags, 'tags') !== null) return 'Tags must be a list of texts.';
  const list = tags as string[];
  if (list.length > MOST_TAGS) return `A run has at most ${MOST_TAGS} tags.`;
  return list.map(tagProblem).find((problem) => problem !== null) ?? null;
}

export const areTags: Check = listOf(isString);
