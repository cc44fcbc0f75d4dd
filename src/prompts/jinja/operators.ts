import {
  compare,
  Float,
  isEqual,
  isNumber,
  itemsOf,
  kindOf,
  numberOf,
  RenderFault,
  Tuple,
  textOf,
  tupleOf,
  Undefined,
  type Value,
} from './values.ts';

/** The longest text that `*` repeats, and the longest list. */
const MOST_REPEATED = 1 << 20;

/** What an operator makes of two values, as in Python. */
export function operate(operator: string, a: Value, b: Value): Value {
  switch (operator) {
    case '==':
      return isEqual(a, b);
    case '!=':
      return !isEqual(a, b);
    case '~':
      return textOf(a) + textOf(b);
    case 'in':
      return isIn(a, b);
    case 'not in':
      return !isIn(a, b);
    case '<':
      return compare(a, b) < 0;
    case '>':
      return compare(a, b) > 0;
    case '<=':
      return compare(a, b) <= 0;
    case '>=':
      return compare(a, b) >= 0;
    default:
      return reckon(operator, a, b);
  }
}

function isIn(item: Value, held: Value): boolean {
  if (typeof held === 'string') {
    if (typeof item !== 'string') throw new RenderFault(`${kindOf(item)} cannot be in a text`);
    return held.includes(item);
  }
  if (held instanceof Map) return typeof item === 'string' && held.has(item);
  for (const other of itemsOf(held)) if (isEqual(item, other)) return true;
  return false;
}

function reckon(operator: string, a: Value, b: Value): Value {
  if (isNumber(a) && isNumber(b))
    return numbers(operator, numberOf(a), numberOf(b), a instanceof Float || b instanceof Float);
  if (operator === '+') {
    if (typeof a === 'string' && typeof b === 'string') return a + b;
    if (Array.isArray(a) && Array.isArray(b) && a instanceof Tuple === b instanceof Tuple)
      return a instanceof Tuple ? tupleOf(...a, ...b) : [...a, ...b];
  }
  if (operator === '*') {
    if (typeof b === 'number') return repeated(a, b);
    if (typeof a === 'number') return repeated(b, a);
  }
  const missing = [a, b].find((value) => value instanceof Undefined);
  if (missing) throw new RenderFault(`“${missing.name}” is not defined`);
  throw new RenderFault(`${kindOf(a)} and ${kindOf(b)} cannot be used with ${operator}`);
}

function repeated(value: Value, times: number): Value {
  const size = typeof value === 'string' || Array.isArray(value) ? value.length : 0;
  if (size * times > MOST_REPEATED) throw new RenderFault('the text gets too long');
  if (typeof value === 'string') return value.repeat(Math.max(0, times));
  if (Array.isArray(value)) return Array.from({ length: Math.max(0, times) }, () => value).flat(1);
  throw new RenderFault(`${kindOf(value)} cannot be repeated`);
}

function numbers(operator: string, a: number, b: number, isFloat: boolean): Value {
  const made = (value: number): Value => (isFloat ? new Float(value) : value);
  switch (operator) {
    case '+':
      return made(a + b);
    case '-':
      return made(a - b);
    case '*':
      return made(a * b);
    case '/':
      return new Float(divided(a, b, (x, y) => x / y));
    case '//':
      return made(divided(a, b, (x, y) => Math.floor(x / y)));
    case '%':
      return made(divided(a, b, (x, y) => x - y * Math.floor(x / y)));
    case '**':
      return isFloat || b < 0 ? new Float(a ** b) : a ** b;
    default:
      throw new RenderFault(`there is no operator ${operator}`);
  }
}

function divided(a: number, b: number, by: (a: number, b: number) => number): number {
  if (b === 0) throw new RenderFault('a number is divided by 0');
  return by(a, b);
}
