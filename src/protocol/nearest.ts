// No part of index.ts: pages, which look for no names, would load the library's tables.
import { closest, distance } from 'fastest-levenshtein';

/**
 * The name that is probably meant by one that is unknown; small and capital letters count as the same, and one of which
 * no letter is left is none.
 * @param most letters that are added, left out or replaced at most (Levenshtein's distance)
 * @returns undefined where none is so near
 */
export function nearest(name: string, among: readonly string[], most: number): string | undefined {
  if (among.length === 0) return undefined;
  const wanted = name.toLowerCase();
  const folded = among.map((other) => other.toLowerCase());
  const found = closest(wanted, folded);
  const far = distance(wanted, found);
  return far <= most && far < wanted.length ? among[folded.indexOf(found)] : undefined;
}

/** The end of a sentence that refuses a name: which one may be meant, where one is near. */
export const orMeant = (near: string | undefined): string =>
  near === undefined ? '.' : `; did you mean “${near.replace(/\s+/g, ' ')}”?`;
