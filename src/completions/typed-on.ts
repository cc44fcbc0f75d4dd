import type { CompletionAnswer, CompletionItem } from '../protocol/index.ts';
import type { Place } from './place.ts';
import { shownText } from './trim.ts';

/** What was suggested, and where. */
export interface Shown {
  readonly place: Place;
  readonly answer: CompletionAnswer;
}

/** Brackets and quotes that an editor puts behind the cursor while somebody types. */
const ADDED = /^[)\]}>"'`]{0,4}/;

/**
 * Where somebody has typed on along what was suggested, its rest: no model is needed for it.
 * @returns null where something else was typed, or nothing is left
 */
export function typedOn({ place, answer }: Shown, now: Place): CompletionItem[] | null {
  if (place.language !== now.language) return null;
  const typed = typedSince(place.before, now.before, answer.items);
  if (typed === null) return null;
  const added = typed === '' ? '' : ADDED.exec(now.after)![0];
  const isSameBelow = [...Array(added.length + 1).keys()].some((n) => isSameStart(place.after, now.after.slice(n)));
  if (!isSameBelow) return null;
  const left = answer.items.flatMap((item) => {
    if (!item.text.startsWith(typed)) return [];
    const text = shownText(item.text.slice(typed.length), now);
    return text === '' ? [] : [{ ...item, text }];
  });
  return left.length > 0 ? left : null;
}

/** What of a suggestion was typed behind an earlier text; null where something else was. Windows may have moved on. */
function typedSince(then: string, now: string, items: readonly CompletionItem[]): string | null {
  const longest = items.reduce((n, { text }) => Math.max(n, text.length), 0);
  for (let length = 0; length <= Math.min(longest, now.length); length++) {
    const typed = now.slice(now.length - length);
    if (!items.some(({ text }) => text.startsWith(typed))) continue;
    if (isSameEnd(then, now.slice(0, now.length - length))) return typed;
  }
  return null;
}

/** Characters that two windows of one text have in common at least, where they are that long. */
const COMMON = 64;

function isSameEnd(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return (short.length >= COMMON || short.length === long.length) && long.endsWith(short);
}
function isSameStart(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return (short.length >= COMMON || short.length === long.length) && long.startsWith(short);
}
