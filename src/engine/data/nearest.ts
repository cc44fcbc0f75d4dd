import { closest, distance } from 'fastest-levenshtein';

/**
 * The name that is probably meant by one that is unknown.
 * @param most letters that are added, left out or replaced at most (Levenshtein's distance)
 * @returns undefined where none is so near
 */
export function nearest(name: string, among: readonly string[], most: number): string | undefined {
  if (among.length === 0) return undefined;
  const found = closest(name, among);
  return distance(name, found) <= most ? found : undefined;
}
