import { jsonOf } from './json.ts';
import { replaced } from './methods.ts';
import { holds } from './tests.ts';
import { capitalized, splitLines, stripped, titledWords } from './texts.ts';
import {
  type Arguments,
  compare,
  Float,
  isEqual,
  isNumber,
  isTrue,
  kindOf,
  lengthOf,
  listOf,
  Namespace,
  numberOf,
  RenderFault,
  textOf,
  tupleOf,
  Undefined,
  type Value,
} from './values.ts';

/** @param apply another filter, by its name */
export type Filter = (
  value: Value,
  given: Arguments,
  apply: (name: string, value: Value, given: Arguments) => Value,
) => Value;
export type Filters = Record<string, Filter>;

/** The arguments by their names, as in jinja2's documentation. */
function take<K extends string>({ args, named }: Arguments, ...names: K[]): { [name in K]: Value | undefined } {
  if (args.length > names.length)
    throw new RenderFault(`${args.length} arguments are given, ${names.length} at most are expected`);
  for (const key of named.keys())
    if (!(names as string[]).includes(key)) throw new RenderFault(`there is no argument “${key}”`);
  return Object.fromEntries(names.map((name, i) => [name, i < args.length ? args[i] : named.get(name)])) as {
    [name in K]: Value | undefined;
  };
}

const number = (value: Value | undefined, otherwise: number): number => {
  if (value === undefined || value === null) return otherwise;
  if (!isNumber(value)) throw new RenderFault(`a number is expected, not ${kindOf(value)}`);
  return numberOf(value);
};
const is = (value: Value | undefined): boolean => value !== undefined && isTrue(value);
const indentOf = (value: Value | undefined): string =>
  typeof value === 'string' ? value : ' '.repeat(Math.max(0, number(value, 4)));

/** `a.b.0` within a value. */
function at(item: Value, path: Value | undefined): Value {
  if (path === undefined || path === null) return item;
  let held: Value = item;
  for (const part of typeof path === 'number' ? [String(path)] : textOf(path).split('.')) {
    const within: Value = held;
    const found: Value | undefined =
      within instanceof Map
        ? within.get(part)
        : within instanceof Namespace
          ? within.entries.get(part)
          : Array.isArray(within) && /^\d+$/.test(part)
            ? within[Number(part)]
            : undefined;
    held = found === undefined ? new Undefined(textOf(path)) : found;
  }
  return held;
}

/** What is compared where case does not count. */
const key = (value: Value, caseSensitive: boolean): Value =>
  typeof value === 'string' && !caseSensitive ? value.toLowerCase() : value;

const sorted = (items: readonly Value[], by: (item: Value) => Value, reverse: boolean): Value[] =>
  [...items].sort((a, b) => (reverse ? compare(by(b), by(a)) : compare(by(a), by(b))));

function extreme(which: 1 | -1): Filter {
  return (value, given) => {
    const { case_sensitive, attribute } = take(given, 'case_sensitive', 'attribute');
    const by = (item: Value) => key(at(item, attribute), is(case_sensitive));
    const items = listOf(value);
    if (items.length === 0) return new Undefined('the largest or smallest of nothing');
    return items.reduce((best, item) => (compare(by(item), by(best)) * which > 0 ? item : best));
  };
}

/** Items that a test holds for, or does not. */
function chosen(kept: boolean, ofAttribute: boolean): Filter {
  return (value, { args }) => {
    const attribute = ofAttribute ? args[0] : undefined;
    const [test, ...of] = ofAttribute ? args.slice(1) : args;
    return listOf(value).filter((item) => {
      const seen = ofAttribute ? at(item, attribute) : item;
      return (test === undefined ? isTrue(seen) : holds(textOf(test), seen, of)) === kept;
    });
  };
}

/** Python rounds a half to the even neighbour. */
function rounded(value: number, digits: number, method: string): number {
  const factor = 10 ** digits;
  const scaled = value * factor;
  if (method === 'ceil') return Math.ceil(scaled) / factor;
  if (method === 'floor') return Math.floor(scaled) / factor;
  if (digits >= 0) {
    // As many digits of the exact value as decide.
    const fixed = Number(value.toFixed(Math.min(digits, 100)));
    if (Math.abs(scaled - Math.trunc(scaled)) !== 0.5) return fixed;
  }
  const down = Math.floor(scaled);
  const half = scaled - down;
  return (half === 0.5 ? (down % 2 === 0 ? down : down + 1) : Math.round(scaled)) / factor;
}

function shortened(text: string, length: number, killWords: boolean, end: string, leeway: number): string {
  const points = [...text];
  if (points.length <= length + leeway) return text;
  const kept = points.slice(0, Math.max(0, length - [...end].length)).join('');
  if (killWords) return kept + end;
  const blank = kept.lastIndexOf(' ');
  return (blank < 0 ? kept : kept.slice(0, blank)) + end;
}

const present = (value: Value | undefined, name: string): Value => (value === undefined ? new Undefined(name) : value);

const length: Filter = (value) => lengthOf(value);
const orElse: Filter = (value, given) => {
  const { default_value, boolean } = take(given, 'default_value', 'boolean');
  return value instanceof Undefined || (is(boolean) && !isTrue(value))
    ? default_value === undefined
      ? ''
      : default_value
    : value;
};

/** jinja2's filters, those that make prompts. */
export const standardFilters: Filters = {
  abs: (value) => (value instanceof Float ? new Float(Math.abs(value.value)) : Math.abs(number(value, 0))),
  ...{ length, count: length, default: orElse, d: orElse },
  capitalize: (value) => capitalized(textOf(value)),
  lower: (value) => textOf(value).toLowerCase(),
  upper: (value) => textOf(value).toUpperCase(),
  title: (value) => titledWords(textOf(value)),
  string: (value) => textOf(value),
  safe: (value) => value,
  list: (value) => listOf(value),
  items: (value) => {
    if (value instanceof Map) return [...value].map(([name, held]) => tupleOf(name, held));
    if (value instanceof Undefined) return [];
    throw new RenderFault(`${kindOf(value)} has no keys`);
  },
  first: (value) => present(listOf(value)[0], 'the first of nothing'),
  last: (value) => present(listOf(value).at(-1), 'the last of nothing'),
  reverse: (value) => (typeof value === 'string' ? [...value].reverse().join('') : listOf(value).reverse()),
  trim: (value, given) => {
    const { chars } = take(given, 'chars');
    return stripped(textOf(value), 'both', chars === undefined || chars === null ? undefined : textOf(chars));
  },
  join: (value, given) => {
    const { d, attribute } = take(given, 'd', 'attribute');
    return listOf(value)
      .map((item) => textOf(at(item, attribute)))
      .join(textOf(d ?? ''));
  },
  replace: (value, given) => {
    const { old, new: to, count } = take(given, 'old', 'new', 'count');
    return replaced(textOf(value), textOf(old ?? ''), textOf(to ?? ''), number(count, -1));
  },
  indent: (value, given) => {
    const { width, first, blank } = take(given, 'width', 'first', 'blank');
    const by = indentOf(width);
    const text = `${textOf(value)}\n`;
    const lines = splitLines(text);
    const [head = '', ...rest] = lines;
    const inner = rest.map((line) => (line !== '' || is(blank) ? by + line : line));
    return (is(first) ? by : '') + [head, ...inner].join('\n');
  },
  center: (value, given) => {
    const { width } = take(given, 'width');
    const text = textOf(value);
    const room = Math.max(0, number(width, 80) - [...text].length);
    const left = Math.floor(room / 2) + (room & number(width, 80) & 1);
    return ' '.repeat(left) + text + ' '.repeat(room - left);
  },
  truncate: (value, given) => {
    const { length: most, killwords, end, leeway } = take(given, 'length', 'killwords', 'end', 'leeway');
    return shortened(textOf(value), number(most, 255), is(killwords), textOf(end ?? '...'), number(leeway, 5));
  },
  wordcount: (value) => [...textOf(value).matchAll(/[\p{L}\p{N}_]+/gu)].length,
  int: (value, given) => {
    const { default: otherwise, base } = take(given, 'default', 'base');
    if (isNumber(value)) return Math.trunc(numberOf(value));
    const text = textOf(value).trim().replaceAll('_', '');
    const radix = number(base, 10);
    if (radix !== 10) {
      const digits = text.replace(/^([+-]?)0[xob]/i, '$1');
      const made = Number.parseInt(digits, radix);
      return Number.isNaN(made) ? (otherwise ?? 0) : made;
    }
    return /^[+-]?\d+(\.\d*)?(e[+-]?\d+)?$/i.test(text) ? Math.trunc(Number(text)) : (otherwise ?? 0);
  },
  float: (value, given) => {
    const { default: otherwise } = take(given, 'default');
    if (isNumber(value)) return new Float(numberOf(value));
    const text = textOf(value).trim();
    return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? new Float(Number(text)) : (otherwise ?? new Float(0));
  },
  round: (value, given) => {
    const { precision, method } = take(given, 'precision', 'method');
    const how = textOf(method ?? 'common');
    const made = rounded(number(value, 0), number(precision, 0), how);
    // Python's round leaves whole numbers whole.
    return typeof value === 'number' && how === 'common' ? made : new Float(made);
  },
  sum: (value, given) => {
    const { attribute, start } = take(given, 'attribute', 'start');
    const items = listOf(value).map((item) => at(item, attribute));
    const total = items.reduce((sum: number, item) => sum + number(item, 0), number(start, 0));
    return [...items, start ?? 0].some((item) => item instanceof Float) ? new Float(total) : total;
  },
  ...{ min: extreme(-1), max: extreme(1) },
  sort: (value, given) => {
    const { reverse, case_sensitive, attribute } = take(given, 'reverse', 'case_sensitive', 'attribute');
    const paths = typeof attribute === 'string' ? attribute.split(',') : [attribute];
    const by = (item: Value): Value => tupleOf(...paths.map((path) => key(at(item, path), is(case_sensitive))));
    return sorted(listOf(value), by, is(reverse));
  },
  dictsort: (value, given) => {
    const { case_sensitive, by, reverse } = take(given, 'case_sensitive', 'by', 'reverse');
    if (!(value instanceof Map)) throw new RenderFault(`${kindOf(value)} has no keys`);
    const place = by === undefined || by === 'key' ? 0 : 1;
    const pairs = [...value].map(([name, held]) => tupleOf(name, held) as Value);
    return sorted(pairs, (pair) => key((pair as Value[])[place]!, is(case_sensitive)), is(reverse));
  },
  unique: (value, given) => {
    const { case_sensitive, attribute } = take(given, 'case_sensitive', 'attribute');
    const seen: Value[] = [];
    return listOf(value).filter((item) => {
      const own = key(at(item, attribute), is(case_sensitive));
      if (seen.some((other) => isEqual(other, own))) return false;
      seen.push(own);
      return true;
    });
  },
  groupby: (value, given) => {
    const { attribute, default: otherwise, case_sensitive } = take(given, 'attribute', 'default', 'case_sensitive');
    const by = (item: Value): Value => {
      const own = at(item, attribute);
      return own instanceof Undefined && otherwise !== undefined ? otherwise : own;
    };
    const groups: { own: Value; name: Value; items: Value[] }[] = [];
    for (const item of sorted(listOf(value), (one) => key(by(one), is(case_sensitive)), false)) {
      const own = key(by(item), is(case_sensitive));
      const group = groups.at(-1);
      if (group && isEqual(group.own, own)) group.items.push(item);
      else groups.push({ own, name: by(item), items: [item] });
    }
    return groups.map(({ name, items }) => tupleOf(name, items));
  },
  map: (value, { args, named }, apply) => {
    const attribute = named.get('attribute');
    if (attribute !== undefined) {
      const otherwise = named.get('default');
      return listOf(value).map((item) => {
        const own = at(item, attribute);
        return own instanceof Undefined && otherwise !== undefined ? otherwise : own;
      });
    }
    const [name, ...rest] = args;
    if (typeof name !== 'string') throw new RenderFault('map: the name of a filter is expected, or attribute="…"');
    return listOf(value).map((item) => apply(name, item, { args: rest, named }));
  },
  select: chosen(true, false),
  reject: chosen(false, false),
  selectattr: chosen(true, true),
  rejectattr: chosen(false, true),
  batch: (value, given) => {
    const { linecount, fill_with } = take(given, 'linecount', 'fill_with');
    const [items, size] = [listOf(value), number(linecount, 0)];
    if (!(size >= 1)) throw new RenderFault('batch: a number of items is expected');
    const rows: Value[][] = [];
    for (let i = 0; i < items.length; i += size) rows.push(items.slice(i, i + size));
    const last = rows.at(-1);
    if (last && fill_with !== undefined && fill_with !== null) while (last.length < size) last.push(fill_with);
    return rows;
  },
  slice: (value, given) => {
    const { slices, fill_with } = take(given, 'slices', 'fill_with');
    const [items, count] = [listOf(value), number(slices, 0)];
    if (!(count >= 1)) throw new RenderFault('slice: a number of slices is expected');
    const [size, more] = [Math.floor(items.length / count), items.length % count];
    return Array.from({ length: count }, (_, i): Value => {
      const start = i * size + Math.min(i, more);
      const part = items.slice(start, start + size + (i < more ? 1 : 0));
      if (fill_with !== undefined && fill_with !== null && i >= more && more > 0) part.push(fill_with);
      return part;
    });
  },
  attr: (value, given) => {
    const { name } = take(given, 'name');
    return value instanceof Namespace ? at(value, name) : new Undefined(textOf(name ?? ''));
  },
  tojson: (value, given) => {
    const { indent } = take(given, 'indent');
    const json = jsonOf(value, {
      indent: indent === undefined || indent === null ? null : number(indent, 0),
      sorted: true,
      ascii: true,
    });
    return json.replace(/[<>&']/g, (character) => `\\u00${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
  },
  /** Ours: JSON as people write it, in the keys' order and with letters as they are. */
  json: (value, given) => {
    const { indent } = take(given, 'indent');
    return jsonOf(value, {
      indent: indent === undefined || indent === null ? null : number(indent, 0),
      sorted: false,
      ascii: false,
    });
  },
};
