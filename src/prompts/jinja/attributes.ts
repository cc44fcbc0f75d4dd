import { methodOf } from './methods.ts';
import { Namespace, NumberRange, textOf, type Value } from './values.ts';

/**
 * What a value has under a name or at a place; undefined where it has nothing there.
 * @param dotted `value.key`, by which methods are found before keys, as in Python
 */
export function attributeOf(held: Value, key: Value, dotted: boolean): Value | undefined {
  if (held instanceof Namespace) return held.entries.get(textOf(key));
  if (typeof key === 'string') {
    const method = methodOf(held, key);
    const own = held instanceof Map ? held.get(key) : undefined;
    return dotted ? (method ?? own) : (own ?? method);
  }
  if (typeof key === 'number' && held instanceof Map) return held.get(String(key));
  if (typeof key !== 'number' || !(typeof held === 'string' || Array.isArray(held) || held instanceof NumberRange))
    return undefined;
  const items = typeof held === 'string' ? [...held] : held;
  const at = key < 0 ? key + items.length : key;
  if (items instanceof NumberRange) return at >= 0 && at < items.length ? items.start + at * items.step : undefined;
  return items[at];
}
