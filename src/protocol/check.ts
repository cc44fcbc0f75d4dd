/**
 * Checks of messages that cross into or out of a webview. A small table instead of a schema library:
 * schema libraries compile their checks with `new Function`, which a webview's content security policy forbids.
 */

/** Says what does not fit, or null when `value` has the shape. `at` names the place in the message. */
export type Check = (value: unknown, at: string) => string | null;

const saw = (value: unknown): string =>
  value === undefined
    ? 'missing'
    : value === null
      ? 'null'
      : Array.isArray(value)
        ? 'an array'
        : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;

export const isString: Check = (value, at) =>
  typeof value === 'string' ? null : `${at} is ${saw(value)}, not a string`;

/** A string under which nothing is found that every object has: what is looked up by it is there, or is missing. */
export const isKey: Check = (value, at) =>
  isString(value, at) ?? ((value as string) in {} ? `${at} is “${value}”, a name that every object has` : null);

export const isBoolean: Check = (value, at) =>
  typeof value === 'boolean' ? null : `${at} is ${saw(value)}, not a boolean`;

export const isNumber: Check = (value, at) =>
  typeof value === 'number' && Number.isFinite(value) ? null : `${at} is not a finite number`;

/** A whole number from 0 on: ids, lines, counts. */
export const isCount: Check = (value, at) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? null
    : `${at} is not a whole number of 0 or more`;

export const isColumn: Check = (value, at) =>
  value instanceof Float64Array ? null : `${at} is ${saw(value)}, not a Float64Array`;

export const isBytes: Check = (value, at) =>
  value instanceof Uint8Array ? null : `${at} is ${saw(value)}, not a Uint8Array`;

export const anything: Check = () => null;

export const oneOf =
  (...choices: readonly string[]): Check =>
  (value, at) =>
    choices.some((choice) => choice === value) ? null : `${at} is not one of ${choices.join(', ')}`;

export const nullOr =
  (check: Check): Check =>
  (value, at) =>
    value === null ? null : check(value, at);

export const optional =
  (check: Check): Check =>
  (value, at) =>
    value === undefined ? null : check(value, at);

export const listOf =
  (check: Check): Check =>
  (value, at) => {
    if (!Array.isArray(value)) return `${at} is ${saw(value)}, not an array`;
    for (let i = 0; i < value.length; i++) {
      const problem = check(value[i], `${at}[${i}]`);
      if (problem) return problem;
    }
    return null;
  };

/** Every value of an object used as a dictionary, and its keys where they are looked up in tables. */
export const recordOf =
  (check: Check, keys: Check = anything): Check =>
  (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return `${at} is ${saw(value)}, not an object`;
    for (const [key, item] of Object.entries(value)) {
      const problem = keys(key, `a key of ${at}`) ?? check(item, `${at}.${key}`);
      if (problem) return problem;
    }
    return null;
  };

/** An object with at least these fields; fields that a newer sender added are let through. */
export const shape =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value, at) => {
    if (typeof value !== 'object' || value === null) return `${at} is ${saw(value)}, not an object`;
    const object = value as Record<string, unknown>;
    for (const key in fields) {
      const problem = fields[key]!(object[key], `${at}.${key}`);
      if (problem) return problem;
    }
    return null;
  };

/** One rule for each member of a union M discriminated by K, and in it one for each field: a missing rule does not compile. */
export type Rules<M extends Record<K, string>, K extends string> = {
  [Tag in M[K]]: { [Field in Exclude<keyof Extract<M, Record<K, Tag>>, K>]-?: Check };
};

/** The check of a union by its discriminating field. */
export const union = <K extends string>(
  key: K,
  rules: Readonly<Record<string, Readonly<Record<string, Check>>>>,
): Check => {
  const byTag = new Map(Object.entries(rules).map(([tag, fields]) => [tag, shape(fields)]));
  return (value, at) => {
    if (typeof value !== 'object' || value === null) return `${at} is ${saw(value)}, not an object`;
    const tag = (value as Record<string, unknown>)[key];
    const check = typeof tag === 'string' ? byTag.get(tag) : undefined;
    return check
      ? check(value, at)
      : `${at}.${key} is ${typeof tag === 'string' ? `"${tag.slice(0, 40)}", unknown` : saw(tag)}`;
  };
};

/** What came of a check: the message, typed, or why it is dropped. */
export type Checked<M> = { ok: true; message: M } | { ok: false; reason: string };

export const checked = <M>(check: Check, value: unknown): Checked<M> => {
  const reason = check(value, 'message');
  return reason === null ? { ok: true, message: value as M } : { ok: false, reason };
};

/** Reads values that a check fits, of what it says they are. */
export const parser =
  <M>(check: Check) =>
  (value: unknown): Checked<M> =>
    checked<M>(check, value);

/** What a page keeps for itself, in the only version there is: one that another version of Luthier wrote is not read. */
export const firstVersion =
  (fields: Record<string, Check>): Check =>
  (value, at) =>
    shape({ version: isCount, ...fields })(value, at) ??
    ((value as { version: number }).version === 1 ? null : `${at}.version is not 1`);
