import { LuthierError } from '../../protocol/index.ts';
import { MAX_COLUMNS } from './delimited.ts';
import { jsonFault, withNumbersAsText } from './json-faults.ts';
import { LineCutter } from './lines.ts';
import { Rows } from './packed-rows.ts';
import type { Problems } from './problems.ts';
import { RowStore } from './row-store.ts';
import type { Content, Text } from './table.ts';

export interface JsonOptions {
  /** Whether a row's object is kept as it is written, too (`Table.sources`). */
  keepsSource?: boolean | undefined;
}

/** Collects JSON objects as rows; the columns are their keys in order of first appearance. */
class ObjectRows {
  readonly columns = new Map<string, number>();
  readonly store = new RowStore();
  readonly nested = new Map<string, number>();
  /** Each row's object as it is written, in a cell. */
  readonly #sources: RowStore | undefined;

  constructor(
    private readonly problems: Problems,
    private readonly name: string,
    { keepsSource = false }: JsonOptions,
  ) {
    this.#sources = keepsSource ? new RowStore() : undefined;
  }

  /** @param text a JSON value; what is wrong with it is told, and the others are read */
  add(text: string, line: number, end: number): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      const { kind, describe } = jsonFault(text);
      this.problems.occurrence({ severity: 'error', code: 'json-syntax', key: kind }, line, describe);
      return;
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const isList = Array.isArray(value);
      this.problems.occurrence(
        { severity: 'error', code: 'not-an-object', key: String(isList) },
        line,
        (where) =>
          `Not a JSON object${isList ? ' but a list' : ''} on ${where}: each row must be one object, such as {"text": "…", "label": "…"}.`,
      );
      return;
    }
    // 9007199254740993 and 1.0 are other labels than 9007199254740992 and 1.
    const hasNumbers = Object.values(value).some((field) => typeof field === 'number');
    this.row(hasNumbers ? JSON.parse(withNumbersAsText(text)) : value, line, end, text.includes('\\u'));
    this.#sources?.cell(text);
    this.#sources?.commit(line, end);
  }

  private row(value: object, line: number, end: number, hasEscapes: boolean): void {
    const cells: [column: number, value: string, isJson: boolean][] = [];
    let isSorted = true;
    for (const [key, field] of Object.entries(value)) {
      let index = this.columns.get(key);
      if (index === undefined) {
        index = this.columns.size;
        if (index === MAX_COLUMNS) throw tooManyColumns(this.name, line);
        this.columns.set(key, index);
      }
      const text = this.text(key, field, line);
      if (text === undefined) continue;
      if (hasEscapes && !isWellFormed(text)) {
        this.problems.occurrence(
          { severity: 'warning', code: 'encoding-broken', column: key },
          line,
          (where) => `“${key}” contains half a character (a lone surrogate) on ${where}; it is read as “\ufffd”.`,
        );
      }
      if (cells.length > 0 && cells.at(-1)![0] > index) isSorted = false;
      cells.push([index, text, typeof field === 'object']);
    }
    if (!isSorted) cells.sort((a, b) => a[0] - b[0]);
    this.store.sparse();
    for (const [column, text, isJson] of cells) this.store.cellOf(column, text, isJson);
    this.store.commit(line, end);
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
        `The key “${key}” contains ${Array.isArray(field) ? 'a list' : 'an object'} on ${where}; it cannot be used as the text or the label.`,
    );
    // A task may want it as it is (`row.json`), and a list of one label is opened.
    try {
      return JSON.stringify(field);
    } catch (error) {
      // Nested so deep that writing it overflows the stack, which reading it does not.
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  content(format: 'json' | 'jsonl'): Content {
    const columns = [...this.columns.keys()];
    const rows = new Rows(this.store, { width: columns.length });
    const sources = this.#sources && new Rows(this.#sources);
    return { format, columns, rows, nested: this.nested, ...(sources && { sources }) };
  }
}

/** @throws LuthierError `data-invalid`, naming the line that has one column more than are read */
export function tooManyColumns(name: string, line: number): LuthierError {
  return new LuthierError(
    'data-invalid',
    `${name} has more than ${MAX_COLUMNS.toLocaleString('en')} columns on line ${line}; that is the limit.`,
    'A table needs one column for each field and one row for each text. Are rows and columns swapped, or is the delimiter a different one?',
  );
}

const isWellFormed = (text: string) =>
  !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);

/** JSON Lines: one object a line. A line that is none is an error of its own; the others are read. */
export async function readJsonLines(text: Text, problems: Problems, options: JsonOptions = {}): Promise<Content> {
  const objects = new ObjectRows(problems, text.name, options);
  const lines = new LineCutter((bytes, start, end, line) => {
    // Files that were joined have a byte order mark in their midst.
    const content = bytes.toString('utf8', start, end).replace(/^\ufeff/, '');
    if (content.trim() !== '') objects.add(content, line, line);
  });
  for await (const piece of text.pieces()) lines.write(piece);
  lines.end();
  return objects.content('jsonl');
}

/**
 * An object of JSON as it is written, on one line, with more members behind its own.
 * @param source JSON; line breaks stand between its tokens alone
 */
export function withMembers(source: string, members: Readonly<Record<string, unknown>>): string {
  const own = source
    .replace(/[\r\n][\r\n\t ]*/g, ' ')
    .trim()
    .slice(0, -1)
    .trimEnd();
  const more = JSON.stringify(members).slice(1, -1);
  return `${own}${own === '{' || more === '' ? '' : ','}${more}}`;
}

/**
 * A JSON array of objects. Its elements are found by a scan of the bytes and parsed one by one, so that each has
 * its line, a mistake names one, and memory is bounded by the rows. After a mistake between elements nothing more is
 * read.
 * @param text whose first character other than blanks is `[`
 */
export async function readJsonArray(text: Text, problems: Problems, options: JsonOptions = {}): Promise<Content> {
  const objects = new ObjectRows(problems, text.name, options);
  const cutter = new ElementCutter(objects, (line, what) =>
    problems.add('error', 'json-syntax', `Not valid JSON on line ${line}: ${what}`, { line }),
  );
  for await (const piece of text.pieces()) cutter.write(piece);
  cutter.end();
  return objects.content('json');
}

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const OPEN_LIST = 91;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

type At = 'start' | 'first' | 'element' | 'within' | 'after' | 'closed' | 'failed';

/** Cuts an array into its elements, by braces and strings alone. */
class ElementCutter {
  #at: At = 'start';
  #line = 1;
  #last = 0;
  /** Of the element that it is within. */
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  #startLine = 1;
  #pending: Buffer[] = [];
  #commaLine = 1;

  constructor(
    private readonly objects: ObjectRows,
    private readonly tell: (line: number, what: string) => void,
  ) {}

  write(piece: Buffer): void {
    let start = 0;
    for (let i = 0; i < piece.length && this.#at !== 'failed'; i++) {
      const byte = piece[i]!;
      const before = this.#last;
      this.#last = byte;
      if (this.#at === 'within') {
        if (this.#isWithin(byte)) {
          if (byte === 13 || (byte === 10 && before !== 13)) this.#line++;
          continue;
        }
        // A bracket or a quote belongs to the element that it ends; what follows a number or a word does not.
        const isOwn =
          byte === CLOSE_OBJECT || byte === QUOTE || (byte === CLOSE_LIST && this.#depth === 0 && !this.#isScalar);
        this.#take(piece, start, isOwn ? i + 1 : i);
        this.#at = 'after';
        if (isOwn) continue;
      }
      if (byte === 10 || byte === 13) {
        if (byte === 13 || before !== 13) this.#line++;
        continue;
      }
      if (byte === 32 || byte === 9) continue;
      start = this.#between(byte, i) ?? start;
    }
    if (this.#at === 'within') this.#pending.push(Buffer.from(piece.subarray(start)));
  }

  end(): void {
    if (this.#at === 'within') {
      this.#fail(this.#startLine, 'the element that begins there is not closed before the file ends.');
    } else if (this.#at !== 'closed' && this.#at !== 'failed') {
      this.#fail(this.#line, 'the list is not closed with “]” before the file ends.');
    }
  }

  #isScalar = false;

  /** A byte between elements. @returns where an element begins, if it does */
  #between(byte: number, i: number): number | undefined {
    switch (this.#at) {
      case 'start':
        this.#at = 'first';
        return undefined;
      case 'first':
      case 'element':
        if (byte === CLOSE_LIST && this.#at === 'first') {
          this.#at = 'closed';
          return undefined;
        }
        if (byte === CLOSE_LIST) {
          const where = this.#commaLine === this.#line ? '' : ` (the comma is on line ${this.#commaLine})`;
          this.#fail(this.#line, `there is a comma before the closing “]”${where}; remove it.`);
          return undefined;
        }
        this.#at = 'within';
        this.#startLine = this.#line;
        this.#depth = byte === OPEN_OBJECT || byte === OPEN_LIST ? 1 : 0;
        this.#isString = byte === QUOTE;
        this.#isScalar = this.#depth === 0 && !this.#isString;
        if (this.#isScalar && (byte === COMMA || byte === CLOSE_OBJECT)) {
          this.#fail(this.#line, 'an element is missing before the comma.');
          return undefined;
        }
        return i;
      case 'after':
        if (byte === CLOSE_LIST) this.#at = 'closed';
        else if (byte === COMMA) {
          this.#at = 'element';
          this.#commaLine = this.#line;
        } else this.#fail(this.#line, 'a comma is missing between two elements.');
        return undefined;
      case 'closed':
        this.#fail(this.#line, 'there is more text after the closing “]”; it is not read.');
    }
    return undefined;
  }

  /** Whether the element goes on after this byte. */
  #isWithin(byte: number): boolean {
    if (this.#isString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) {
        this.#isString = false;
        return this.#depth > 0;
      }
      return true;
    }
    if (this.#isScalar) return byte !== COMMA && byte !== CLOSE_LIST;
    if (byte === QUOTE) this.#isString = true;
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#depth++;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) return --this.#depth > 0;
    return true;
  }

  #take(piece: Buffer, start: number, end: number): void {
    const last = piece.subarray(start, end);
    const bytes = this.#pending.length === 0 ? last : Buffer.concat([...this.#pending, last]);
    this.#pending = [];
    this.objects.add(bytes.toString('utf8').trimEnd(), this.#startLine, this.#line);
  }

  #fail(line: number, what: string): void {
    this.tell(line, what);
    this.#at = 'failed';
  }
}
