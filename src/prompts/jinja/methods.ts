import { capitalized, splitLines, stripped, titled, words } from './texts.ts';
import { type Arguments, isEqual, kindOf, listOf, RenderFault, textOf, tupleOf, type Value } from './values.ts';

type Method<T> = (held: T, given: Arguments) => Value;

const text = (value: Value | undefined, what: string): string => {
  if (typeof value === 'string') return value;
  throw new RenderFault(`${what}: a text is expected${value === undefined ? '' : `, not ${kindOf(value)}`}`);
};
const whole = (value: Value | undefined, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

/** Whether a text begins or ends with one of several. */
const meets = (what: 'startswith' | 'endswith'): Method<string> => {
  const has = what === 'startswith' ? 'startsWith' : 'endsWith';
  return (held, { args: [given] }) =>
    (Array.isArray(given) ? given : [given]).some((part) => held[has](text(part, what)));
};

const strip =
  (sides: 'both' | 'left' | 'right'): Method<string> =>
  (held, { args: [characters] }) =>
    stripped(held, sides, characters === undefined || characters === null ? undefined : text(characters, 'strip'));

/** Methods of Python's texts. */
const TEXT: Record<string, Method<string>> = {
  upper: (held) => held.toUpperCase(),
  lower: (held) => held.toLowerCase(),
  title: titled,
  capitalize: capitalized,
  strip: strip('both'),
  lstrip: strip('left'),
  rstrip: strip('right'),
  startswith: meets('startswith'),
  endswith: meets('endswith'),
  splitlines: splitLines,
  isdigit: (held) => /^\p{Nd}+$/u.test(held),
  find: (held, { args: [part] }) =>
    [...held.slice(0, Math.max(0, held.indexOf(text(part, 'find'))))].length +
    (held.includes(text(part, 'find')) ? 0 : -1),
  count: (held, { args: [part] }) =>
    text(part, 'count') === '' ? [...held].length + 1 : held.split(text(part, 'count')).length - 1,
  join: (held, { args: [items] }) =>
    listOf(items ?? [])
      .map((item) => text(item, 'join'))
      .join(held),
  replace: (held, { args: [from, to, count], named }) =>
    replaced(held, text(from, 'replace'), text(to, 'replace'), whole(count ?? named.get('count'), -1)),
  split: (held, { args: [separator, most], named }) => {
    const by = separator ?? named.get('sep') ?? null;
    return split(held, by === null ? null : text(by, 'split'), whole(most ?? named.get('maxsplit'), -1));
  },
};

/** Methods of Python's dictionaries and lists that change nothing. */
const DICT: Record<string, Method<Map<string, Value>>> = {
  get: (held, { args: [key, otherwise] }) => held.get(textOf(key ?? '')) ?? otherwise ?? null,
  items: (held) => [...held].map(([key, value]) => tupleOf(key, value)),
  keys: (held) => [...held.keys()],
  values: (held) => [...held.values()],
};
const LIST: Record<string, Method<Value[]>> = {
  index: (held, { args: [item] }) => {
    const found = held.findIndex((other) => isEqual(other, item ?? null));
    if (found < 0) throw new RenderFault('the list does not have this item');
    return found;
  },
  count: (held, { args: [item] }) => held.filter((other) => isEqual(other, item ?? null)).length,
};

/** A value's method of that name. */
export function methodOf(held: Value, name: string): Value | undefined {
  const bound = <T>(methods: Record<string, Method<T>>, of: T): Value | undefined => {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    return method && ((given: Arguments) => method(of, given));
  };
  if (typeof held === 'string') return bound(TEXT, held);
  if (held instanceof Map) return bound(DICT, held);
  return Array.isArray(held) ? bound(LIST, held) : undefined;
}

/** Python's `str.replace`; a negative count replaces all. */
export function replaced(held: string, from: string, to: string, count: number): string {
  if (count < 0) return from === '' ? [...held].reduce((all, c) => `${all}${c}${to}`, to) : held.split(from).join(to);
  const parts = from === '' ? ['', ...held] : held.split(from);
  return parts.reduce((all, part, i) => `${all}${i <= count ? to : from}${part}`);
}

function split(held: string, separator: string | null, most: number): string[] {
  if (separator === '') throw new RenderFault('split: the separator is empty');
  if (most < 0) return separator === null ? words(held) : held.split(separator);
  const whole = separator === null ? stripped(held, 'left') : held;
  const parts: string[] = [];
  let rest = whole;
  while (parts.length < most) {
    const found = separator === null ? rest.search(/\s/) : rest.indexOf(separator);
    if (found < 0) break;
    parts.push(rest.slice(0, found));
    rest = separator === null ? stripped(rest.slice(found), 'left') : rest.slice(found + separator.length);
  }
  return separator === null && rest === '' ? parts : [...parts, rest];
}
