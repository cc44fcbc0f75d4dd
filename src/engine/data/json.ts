import { countLineEnds } from './encoding.ts';
import { linesOf } from './lines.ts';
import type { Pace } from './pace.ts';
import type { Problems } from './problems.ts';
import { quoted } from './problems.ts';
import type { Content, PlainRow } from './table.ts';

/** Collects JSON objects as rows; the columns are their keys in order of first appearance. */
class ObjectRows {
  readonly columns = new Map<string, number>();
  readonly rows: PlainRow[] = [];
  readonly nested = new Map<string, number>();

  constructor(private readonly problems: Problems) {}

  add(value: unknown, line: number, end: number): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.problems.occurrence(
        { severity: 'error', code: 'not-an-object' },
        line,
        (where) => `No JSON object on ${where}: each row must be one, such as {"text": "…", "label": "…"}.`,
      );
      return;
    }
    const values: (string | undefined)[] = [];
    for (const [key, field] of Object.entries(value)) {
      let index = this.columns.get(key);
      if (index === undefined) {
        index = this.columns.size;
        this.columns.set(key, index);
      }
      values[index] = this.text(key, field, line);
    }
    this.rows.push({ line, end, values });
  }

  private text(key: string, field: unknown, line: number): string | undefined {
    if (typeof field === 'string') return field;
    if (field === null || field === undefined) return undefined;
    if (typeof field !== 'object') return String(field);
    if (!this.nested.has(key)) this.nested.set(key, line);
    this.problems.occurrence(
      { severity: 'info', code: 'nested-json', column: key },
      line,
      (where) =>
        `The key “${key}” holds ${Array.isArray(field) ? 'a list' : 'an object'} on ${where}; it cannot be used as text or label.`,
    );
    // What it says may still be opened: a list of one label.
    return JSON.stringify(field);
  }

  content(format: 'json' | 'jsonl'): Content {
    const columns = [...this.columns.keys()];
    for (const row of this.rows) {
      // A row's array is as long as its own last key; every row has a place for every column.
      for (let i = 0; i < columns.length; i++) row.values[i] ??= undefined;
    }
    return { format, columns, rows: this.rows, nested: this.nested };
  }
}

/** JSON Lines: one object a line. A line that is none is an error of its own; the others are read. */
export async function readJsonLines(bytes: Buffer, problems: Problems, pace: Pace): Promise<Content> {
  const objects = new ObjectRows(problems);
  for (const { line, text } of linesOf(bytes)) {
    if (line % 1024 === 0) await pace();
    if (text.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      problems.occurrence(
        { severity: 'error', code: 'json-syntax' },
        line,
        (where) =>
          `Not valid JSON on ${where}: each line must be one whole object, such as {"text": "…", "label": "…"}.`,
      );
      continue;
    }
    objects.add(value, line, line);
  }
  return objects.content('jsonl');
}

/**
 * A JSON array of objects. Its elements are found by a scan of the bytes and parsed one by one, so that each has
 * its line, a mistake names one, and memory is bounded by the rows. After a mistake nothing more is read.
 * @param bytes UTF-8 whose first character other than blanks is `[`.
 */
export async function readJsonArray(bytes: Buffer, problems: Problems, pace: Pace): Promise<Content> {
  const objects = new ObjectRows(problems);
  let line = 1;
  let counted = 0;
  /** Offsets only ever grow. */
  const lineOf = (offset: number): number => {
    line += countLineEnds(bytes, counted, offset);
    counted = offset;
    return line;
  };
  const fail = (offset: number, what: string): Content => {
    const at = lineOf(Math.min(offset, bytes.length));
    problems.add('error', 'json-syntax', `Not valid JSON on line ${at}: ${what}`, { line: at });
    return objects.content('json');
  };

  let at = skipBlanks(bytes, skipBlanks(bytes, 0) + 1);
  if (bytes[at] === CLOSE_LIST) return objects.content('json');
  for (let i = 0; ; i++) {
    if (i % 1024 === 0) await pace();
    const end = elementEnd(bytes, at);
    if (end === undefined) return fail(at, 'the element that begins there is not closed before the file ends.');
    const text = bytes.toString('utf8', at, end);
    const start = lineOf(at);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return fail(at, `${quoted(text)} cannot be read; check its quotes, commas and braces.`);
    }
    objects.add(value, start, lineOf(end));
    at = skipBlanks(bytes, end);
    if (bytes[at] === CLOSE_LIST) break;
    if (at >= bytes.length) return fail(at, 'the list is not closed with “]” before the file ends.');
    if (bytes[at] !== COMMA) return fail(at, 'a comma is missing between two elements.');
    at = skipBlanks(bytes, at + 1);
    if (bytes[at] === CLOSE_LIST) return fail(at, 'a comma stands before the closing “]”; remove it.');
  }
  const rest = skipBlanks(bytes, at + 1);
  if (rest < bytes.length) return fail(rest, 'there is more after the closing “]”; it is not read.');
  return objects.content('json');
}

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const OPEN_LIST = 91;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

function skipBlanks(bytes: Buffer, at: number): number {
  let i = at;
  while (bytes[i] === 32 || bytes[i] === 10 || bytes[i] === 13 || bytes[i] === 9) i++;
  return i;
}

/** Offset after the JSON value that begins at `at`, by its braces and strings alone; undefined when it never ends. */
function elementEnd(bytes: Buffer, at: number): number | undefined {
  let depth = 0;
  for (let i = at; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      for (i++; i < bytes.length && bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) i++;
      if (i >= bytes.length) return undefined;
      if (depth === 0) return i + 1;
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      depth++;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      if (depth === 0) return i;
      if (--depth === 0) return i + 1;
    } else if (byte === COMMA && depth === 0) {
      return i;
    }
  }
  return undefined;
}
