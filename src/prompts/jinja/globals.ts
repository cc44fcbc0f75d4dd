import { type Arguments, type Dict, kindOf, Namespace, NumberRange, RenderFault, type Value } from './values.ts';

/** Names that every template has: jinja2's functions, and Python's constants in both spellings. */
export const globals = (): Dict =>
  new Map<string, Value>([
    ['range', rangeOf],
    ['dict', ({ named }) => named],
    ['namespace', namespaceOf],
    ...[['true', true] as const, ['True', true] as const, ['false', false] as const, ['False', false] as const],
    ...[['none', null] as const, ['None', null] as const],
  ]);

function rangeOf({ args }: Arguments): Value {
  const numbers = args.map((value) => {
    if (typeof value !== 'number') throw new RenderFault(`range: whole numbers are expected, not ${kindOf(value)}`);
    return value;
  });
  if (numbers.length === 0) throw new RenderFault('range: a number is expected');
  return numbers.length === 1
    ? new NumberRange(0, numbers[0]!, 1)
    : new NumberRange(numbers[0]!, numbers[1]!, numbers[2] ?? 1);
}

function namespaceOf({ args: [first], named }: Arguments): Value {
  return new Namespace(new Map([...(first instanceof Map ? first : []), ...named]));
}
