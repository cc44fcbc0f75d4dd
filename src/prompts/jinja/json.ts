import { Float, kindOf, Namespace, NumberRange, RenderFault, sourceOf, type Value } from './values.ts';

export interface JsonOptions {
  /** Blanks for each level; all on one line where null. */
  indent: number | null;
  sorted: boolean;
  /** Letters beyond ASCII are written as escapes. */
  ascii: boolean;
}

/** Python's `json.dumps`. */
export function jsonOf(value: Value, options: JsonOptions, level = 1): string {
  const { indent, sorted } = options;
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number' || value instanceof Float) return sourceOf(value);
  if (typeof value === 'string') return quoted(value, options);
  const [open, close] = Array.isArray(value) || value instanceof NumberRange ? '[]' : '{}';
  const inner = (parts: string[]): string => {
    if (parts.length === 0) return `${open}${close}`;
    if (indent === null) return `${open}${parts.join(', ')}${close}`;
    const [pad, end] = [`\n${' '.repeat(indent * level)}`, `\n${' '.repeat(indent * (level - 1))}`];
    return `${open}${pad}${parts.join(`,${pad}`)}${end}${close}`;
  };
  if (Array.isArray(value) || value instanceof NumberRange)
    return inner(Array.from(value, (item) => jsonOf(item, options, level + 1)));
  if (!(value instanceof Map || value instanceof Namespace))
    throw new RenderFault(`${kindOf(value)} cannot be written as JSON`);
  const entries = [...(value instanceof Map ? value : value.entries)];
  if (sorted) entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return inner(entries.map(([key, held]) => `${quoted(key, options)}: ${jsonOf(held, options, level + 1)}`));
}

function quoted(text: string, { ascii }: JsonOptions): string {
  const source = JSON.stringify(text);
  if (!ascii) return source;
  return source.replace(/[\x7f-\uffff]/g, (c) =>
    c === '\x7f' ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
