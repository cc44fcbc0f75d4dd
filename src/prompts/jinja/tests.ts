import { operate } from './operators.ts';
import { Float, isNumber, kindOf, NumberRange, numberOf, RenderFault, Undefined, type Value } from './values.ts';

const whole = (value: Value): number => {
  if (!isNumber(value)) throw new RenderFault(`a number is expected, not ${kindOf(value)}`);
  return numberOf(value);
};

const hasCase = (text: string) => text.toLowerCase() !== text.toUpperCase();

/** jinja2's tests that take no arguments. */
export const TESTS: Record<string, (value: Value) => boolean> = {
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  true: (value) => value === true,
  false: (value) => value === false,
  boolean: (value) => typeof value === 'boolean',
  string: (value) => typeof value === 'string',
  number: isNumber,
  integer: (value) => typeof value === 'number',
  float: (value) => value instanceof Float,
  mapping: (value) => value instanceof Map,
  iterable: (value) =>
    typeof value === 'string' ||
    Array.isArray(value) ||
    value instanceof NumberRange ||
    value instanceof Map ||
    value instanceof Undefined,
  sequence: (value) =>
    typeof value === 'string' ||
    Array.isArray(value) ||
    value instanceof NumberRange ||
    value instanceof Map ||
    value instanceof Undefined,
  callable: (value) => typeof value === 'function',
  odd: (value) => Math.abs(whole(value) % 2) === 1,
  even: (value) => whole(value) % 2 === 0,
  lower: (value) => typeof value === 'string' && hasCase(value) && value === value.toLowerCase(),
  upper: (value) => typeof value === 'string' && hasCase(value) && value === value.toUpperCase(),
};

/** Tests of a value beside another, with jinja2's names for each. */
const PAIRS: Record<string, (value: Value, other: Value) => boolean> = {
  ...named(['eq', 'equalto', '=='], '=='),
  ...named(['ne', '!='], '!='),
  ...named(['lt', 'lessthan', '<'], '<'),
  ...named(['le', '<='], '<='),
  ...named(['gt', 'greaterthan', '>'], '>'),
  ...named(['ge', '>='], '>='),
  ...named(['in'], 'in'),
  divisibleby: (value, other) => whole(value) % whole(other) === 0,
  sameas: (value, other) => value === other,
};

function named(names: string[], operator: string): Record<string, (value: Value, other: Value) => boolean> {
  return Object.fromEntries(names.map((name) => [name, (value, other) => operate(operator, value, other) === true]));
}

/** Whether a test holds, with what it is given. */
export function holds(name: string, value: Value, args: readonly Value[]): boolean {
  const alone = Object.hasOwn(TESTS, name) ? TESTS[name] : undefined;
  if (alone && args.length === 0) return alone(value);
  const pair = Object.hasOwn(PAIRS, name) ? PAIRS[name] : undefined;
  const [other] = args;
  if (pair && other !== undefined) return pair(value, other);
  throw new RenderFault(
    alone || pair ? `the test “${name}” takes ${pair ? 'a value' : 'no value'}` : `there is no test “${name}”`,
  );
}
