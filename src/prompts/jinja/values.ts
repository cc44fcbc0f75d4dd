import type { Range } from '../prompt-file.ts';

/** A number that Python writes with a point. Numbers of data are whole where they have no fraction. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A list that cannot be changed; it is written in round brackets. */
export class Tuple extends Array<Value> {}

export function tupleOf(...items: Value[]): Tuple {
  const tuple = new Tuple();
  for (const item of items) tuple.push(item);
  return tuple;
}

/** A dialogue: written as a whole, its messages are put in as such. */
export class Thread extends Array<Value> {
  written = '';
}

/** What `range` makes: its numbers come one by one. */
export class NumberRange {
  readonly start: number;
  readonly step: number;
  readonly length: number;

  constructor(start: number, stop: number, step: number) {
    if (step === 0) throw new RenderFault('range: the step must not be 0');
    this.start = start;
    this.step = step;
    this.length = Math.max(0, Math.ceil((stop - start) / step));
  }

  *[Symbol.iterator](): Generator<number> {
    for (let i = 0; i < this.length; i++) yield this.start + i * this.step;
  }
}

/** What has no value: the name that was asked for, and where. */
export class Undefined {
  readonly name: string;
  readonly place: Range | undefined;

  constructor(name: string, place?: Range) {
    this.name = name;
    this.place = place;
  }
}

export type Dict = Map<string, Value>;
/** Values whose attributes a template may set. */
export class Namespace {
  readonly entries: Dict;

  constructor(entries: Dict) {
    this.entries = entries;
  }
}

export interface Arguments {
  args: Value[];
  named: Dict;
}
export type Callable = (given: Arguments) => Value;
export type Value =
  | string
  | number
  | boolean
  | null
  | Float
  | Undefined
  | Value[]
  | NumberRange
  | Dict
  | Namespace
  | Callable;

/** What went wrong while a template was rendered, without a place: that is known where it is evaluated. */
export class RenderFault extends Error {}

/**
 * Data as a template has it.
 * @param clean what texts are freed of
 */
export function dataValue(data: unknown, clean: (text: string) => string = (text) => text): Value {
  if (data === null || data === undefined) return null;
  if (typeof data === 'number') return Number.isInteger(data) ? data : new Float(data);
  if (typeof data === 'string') return clean(data);
  if (typeof data === 'boolean') return data;
  if (typeof data === 'bigint') return Number(data);
  if (data instanceof Date) return data.toISOString();
  if (Array.isArray(data)) return data.map((item) => dataValue(item, clean));
  if (typeof data === 'object')
    return new Map(Object.entries(data).map(([key, value]) => [clean(key), dataValue(value, clean)]));
  throw new RenderFault(`a ${typeof data} cannot be used in a template`);
}

export function isTrue(value: Value): boolean {
  if (value instanceof Undefined || value === null) return false;
  if (value instanceof Float) return value.value !== 0;
  if (Array.isArray(value) || value instanceof NumberRange) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? Boolean(value) : true;
}

export const isNumber = (value: Value): value is number | Float | boolean =>
  typeof value === 'number' || typeof value === 'boolean' || value instanceof Float;
export const numberOf = (value: number | Float | boolean): number =>
  value instanceof Float ? value.value : Number(value);

/** What messages call the kind of a value. */
export function kindOf(value: Value): string {
  if (value === null) return 'None';
  if (value instanceof Undefined) return 'a missing value';
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'boolean') return 'a boolean';
  if (isNumber(value)) return 'a number';
  if (Array.isArray(value) || value instanceof NumberRange) return 'a list';
  return value instanceof Map ? 'an object' : typeof value === 'function' ? 'a function' : 'a namespace';
}

/** Python's `str`. */
export function textOf(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Undefined) return '';
  return value instanceof Thread ? value.written : sourceOf(value);
}

/** Python's `repr`. */
export function sourceOf(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return wholeText(value);
  if (typeof value === 'string') return quoted(value);
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Tuple) return `(${Array.from(value, sourceOf).join(', ')}${value.length === 1 ? ',' : ''})`;
  if (Array.isArray(value)) return `[${value.map(sourceOf).join(', ')}]`;
  if (value instanceof Map)
    return `{${[...value].map(([key, held]) => `${quoted(key)}: ${sourceOf(held)}`).join(', ')}}`;
  if (value instanceof NumberRange)
    return `range(${value.start}, ${value.start + value.length * value.step}${value.step === 1 ? '' : `, ${value.step}`})`;
  if (value instanceof Undefined) return 'Undefined';
  throw new RenderFault(`${kindOf(value)} cannot be written`);
}

const wholeText = (value: number): string => (Math.abs(value) < 1e21 ? BigInt(value).toString() : String(value));

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  const [digits, power] = value.toExponential().split('e') as [string, string];
  if (Number(power) < -4 || Number(power) >= 16)
    return `${digits}e${Number(power) < 0 ? '-' : '+'}${String(Math.abs(Number(power))).padStart(2, '0')}`;
  const text = exponent < -6 ? value.toFixed(-exponent + digits.length) : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\\\n\r\t'"]|[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, (character) => {
    if (character === '"' || character === "'") return character === quote ? `\\${character}` : character;
    const known = ESCAPES[character];
    if (known !== undefined) return known;
    const code = character.codePointAt(0)!;
    if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code <= 0xffff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
  });
  return `${quote}${body}${quote}`;
}

export function isEqual(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) return numberOf(a) === numberOf(b);
  if (a instanceof Undefined && b instanceof Undefined) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return (
      a instanceof Tuple === b instanceof Tuple && a.length === b.length && a.every((item, i) => isEqual(item, b[i]!))
    );
  if (a instanceof Map && b instanceof Map)
    return a.size === b.size && [...a].every(([key, value]) => b.has(key) && isEqual(value, b.get(key)!));
  return false;
}

/** Order of two values, as Python has it: texts by code points, lists item by item. */
export function compare(a: Value, b: Value): number {
  if (isNumber(a) && isNumber(b)) return numberOf(a) - numberOf(b);
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) if (!isEqual(a[i]!, b[i]!)) return compare(a[i]!, b[i]!);
    return a.length - b.length;
  }
  throw new RenderFault(`${kindOf(a)} and ${kindOf(b)} cannot be compared`);
}

function compareTexts(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < Math.min(left.length, right.length); i++)
    if (left[i] !== right[i]) return left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
  return left.length - right.length;
}

/** What can be gone through: the characters of a text, the keys of an object. */
export function itemsOf(value: Value): Iterable<Value> {
  if (typeof value === 'string') return [...value];
  if (Array.isArray(value) || value instanceof NumberRange) return value;
  if (value instanceof Map) return value.keys();
  if (value instanceof Undefined) return [];
  throw new RenderFault(`${kindOf(value)} has no items`);
}

/** The longest list that is made of a range. */
const MOST_ITEMS = 1_000_000;

export function listOf(value: Value): Value[] {
  if (value instanceof NumberRange && value.length > MOST_ITEMS)
    throw new RenderFault(`a list of ${value.length} numbers is too long`);
  return [...itemsOf(value)];
}

export function lengthOf(value: Value): number {
  if (typeof value === 'string') return [...value].length;
  if (Array.isArray(value) || value instanceof NumberRange) return value.length;
  if (value instanceof Map) return value.size;
  if (value instanceof Undefined) return 0;
  throw new RenderFault(`${kindOf(value)} has no length`);
}
