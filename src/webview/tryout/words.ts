import type { TagPrediction } from '../../protocol/answers.ts';

/** A word of a text, with its place in code points. */
export interface Word {
  word: string;
  start: number;
  end: number;
}

/** What stands between blanks, and of that signs before and after a word by themselves, as in data of tagged words. */
const WORD = /[\p{L}\p{N}](?:\S*[\p{L}\p{N}])?\p{M}*|[^\s\p{L}\p{N}]\p{M}*/gu;

/**
 * The words of a text that a person typed, as a sentence of a dataset has them.
 * @param words of the row that the text is of, where it was picked from the data
 */
export function wordsOf(text: string, words?: readonly string[] | null): Word[] {
  const found = words && words.join(' ') === text ? [...words] : (text.match(WORD) ?? []);
  let at = 0;
  return found.map((word) => {
    const place = text.indexOf(word, at);
    const start = [...text.slice(0, place)].length;
    at = place + word.length;
    return { word, start, end: start + [...word].length };
  });
}

/** The tag of each word that an answer amounts to, of those that the model knows. */
export function tagsOf(
  words: readonly Word[],
  entities: TagPrediction['entities'],
  labels: readonly string[],
): string[] {
  const none = labels.includes('O') ? 'O' : (labels[0] ?? 'O');
  const known = (...tags: string[]): string => tags.find((tag) => labels.includes(tag)) ?? none;
  let last: TagPrediction['entities'][number] | undefined;
  return words.map(({ start, end }) => {
    const entity = entities.find((entity) => entity.start < end && start < entity.end);
    const isInside = entity !== undefined && entity === last;
    last = entity;
    if (!entity) return none;
    const { entity_group: group } = entity;
    return isInside ? known(`I-${group}`, `B-${group}`, group) : known(`B-${group}`, `I-${group}`, group);
  });
}
