import { RowStore } from './row-store.ts';

export interface Dialect {
  delimiter: string;
  /** Whether `"` encloses cells; otherwise it is a character like any other. */
  quotes: boolean;
  /** Whether blanks may stand between a delimiter and an opening quote. */
  ltrim: boolean;
  /** Whether a backslash takes the meaning from the quote, delimiter or backslash after it. */
  backslash?: boolean;
}

/** Columns of a table at most. A row that has more cells is kept without those beyond. */
export const MAX_COLUMNS = 10_000;

const LF = 10;
const CR = 13;
const QUOTE = 34;
const BACKSLASH = 92;

/** What the parser is within. */
const At = {
  RowStart: 0,
  CellStart: 1,
  Plain: 2,
  Quoted: 3,
  /** After a quote within a quoted cell: its end, or the first half of a quote that is doubled. */
  AfterQuote: 4,
} as const;

/**
 * Reads delimiter-separated rows (RFC 4180, with other delimiters and any line ends) from UTF-8 that comes in pieces.
 * A quote within a cell that does not begin with one is a character; text after a closing quote ends the reading.
 * Blank lines are skipped. Cells go from the bytes of the file to those of the rows: no string is made of them.
 */
export class DelimitedParser {
  /** Line of the row whose quotes do not fit; nothing after it can be trusted, and nothing after it is read. */
  broken: number | undefined;
  /** Whether a backslash stood before a quote within quotes. */
  hasBackslashQuote = false;
  /** Cells that stand whole between quotes on one line, and those of them that hold a doubled quote. */
  enclosed = 0;
  doubled = 0;

  readonly #store: RowStore;
  readonly #onRow: (row: ParsedRow) => void;
  readonly #delimiter: number;
  readonly #dialect: Dialect;
  #at: (typeof At)[keyof typeof At] = At.RowStart;
  #line = 1;
  #isReturn = false;
  #isEscaped = false;
  /** Of the quoted cell: the line it begins on, and whether it holds a doubled quote. */
  #cellLine = 1;
  #isDoubled = false;
  readonly #row: ParsedRow = { line: 1, end: 1, fewest: 0, most: 0, column: -1 };
  /** Delimiters on the line so far, within quotes or not. */
  #delimiters = 0;

  /** @param onRow called when a row's cells are in the store, to commit it or to drop it */
  constructor(dialect: Dialect, store: RowStore, onRow: (row: ParsedRow) => void) {
    this.#dialect = dialect;
    this.#delimiter = dialect.delimiter.charCodeAt(0);
    this.#store = store;
    this.#onRow = onRow;
  }

  write(bytes: Buffer): void {
    const { quotes, ltrim, backslash } = this.#dialect;
    const store = this.#store;
    const delimiter = this.#delimiter;
    let i = 0;
    while (i < bytes.length && this.broken === undefined) {
      const byte = bytes[i]!;
      if (this.#isReturn) {
        this.#isReturn = false;
        if (byte === LF) {
          // The second half of a line end that is counted already.
          if (this.#at === At.Quoted) store.append(bytes, i, i + 1);
          i++;
          continue;
        }
      }
      if (this.#isEscaped) {
        this.#isEscaped = false;
        if (byte !== QUOTE && byte !== BACKSLASH && byte !== delimiter) store.append(ESCAPE, 0, 1);
        if (byte !== LF && byte !== CR) {
          store.append(bytes, i, i + 1);
          i++;
          continue;
        }
      }
      switch (this.#at) {
        case At.RowStart:
          if (byte === LF || byte === CR) {
            this.#endLine(byte);
            i++;
            break;
          }
          this.#row.line = this.#line;
          this.#row.fewest = Number.POSITIVE_INFINITY;
          this.#row.most = 0;
          this.#row.column = -1;
          this.#delimiters = 0;
          this.#at = At.CellStart;
          break;
        case At.CellStart:
          if (ltrim && (byte === 32 || (byte === 9 && delimiter !== 9))) i++;
          else if (quotes && byte === QUOTE) {
            this.#at = At.Quoted;
            this.#cellLine = this.#line;
            this.#isDoubled = false;
            i++;
          } else this.#at = At.Plain;
          break;
        case At.Plain: {
          let end = i;
          let stop = byte;
          while (stop !== delimiter && stop !== LF && stop !== CR && !(backslash && stop === BACKSLASH)) {
            if (++end === bytes.length) break;
            stop = bytes[end]!;
          }
          if (end > i) store.append(bytes, i, end);
          i = end;
          if (end === bytes.length) break;
          i++;
          if (backslash && stop === BACKSLASH) this.#isEscaped = true;
          else this.#endCell(stop);
          break;
        }
        case At.Quoted: {
          let end = i;
          for (; end < bytes.length; end++) {
            const inner = bytes[end]!;
            if (inner === QUOTE || inner === LF || inner === CR || inner === BACKSLASH) break;
            if (inner === delimiter) this.#delimiters++;
          }
          if (end > i) store.append(bytes, i, end);
          i = end;
          if (end === bytes.length) break;
          i++;
          const stop = bytes[end]!;
          if (stop === QUOTE) this.#at = At.AfterQuote;
          else if (stop === BACKSLASH) {
            if (backslash) this.#isEscaped = true;
            else {
              // Whether a quote follows is seen when it is read: AfterQuote asks for the byte before it.
              store.append(bytes, end, end + 1);
              if (i === bytes.length || bytes[i] === QUOTE) this.hasBackslashQuote = true;
            }
          } else {
            store.append(bytes, end, end + 1);
            this.#row.column = store.cells;
            // A row of its own would have something after its last delimiter.
            if (end > 0 && bytes[end - 1] === delimiter) this.#delimiters = -1;
            this.#endLine(stop);
          }
          break;
        }
        case At.AfterQuote:
          i++;
          if (byte === QUOTE) {
            store.append(bytes, i - 1, i);
            this.#isDoubled = true;
            this.#at = At.Quoted;
          } else if (byte === delimiter || byte === LF || byte === CR) {
            if (this.#cellLine === this.#line) {
              this.enclosed++;
              if (this.#isDoubled) this.doubled++;
            }
            this.#endCell(byte);
          } else if (!(ltrim && byte === 32)) this.broken = this.#row.line;
      }
    }
  }

  /** The content is over. */
  end(): void {
    if (this.broken !== undefined) return;
    if (this.#isEscaped) this.#store.append(ESCAPE, 0, 1);
    this.#isEscaped = false;
    if (this.#at === At.Quoted) this.broken = this.#row.line;
    else if (this.#at !== At.RowStart) this.#endCell(LF);
  }

  #endCell(stop: number): void {
    const store = this.#store;
    if (store.cells <= MAX_COLUMNS) store.endCell();
    else store.dropCell();
    if (stop === this.#delimiter) {
      this.#delimiters++;
      this.#at = At.CellStart;
      return;
    }
    const row = this.#row;
    row.end = this.#line;
    row.fewest = Math.min(row.fewest, this.#delimiters);
    row.most = Math.max(row.most, this.#delimiters);
    this.#onRow(row);
    this.#at = At.RowStart;
    this.#endLine(stop);
  }

  #endLine(stop: number): void {
    this.#line++;
    this.#isReturn = stop === CR;
    this.#row.fewest = Math.min(this.#row.fewest, this.#delimiters);
    this.#row.most = Math.max(this.#row.most, this.#delimiters);
    this.#delimiters = 0;
  }
}

const ESCAPE = Buffer.from('\\');

/** A row whose cells stand in the store. The object is used again for the next. */
export interface ParsedRow {
  line: number;
  end: number;
  /** Delimiters on the line of it that has fewest and on the one that has most, within quotes or not. */
  fewest: number;
  most: number;
  /** Index of the last cell that spans lines; -1 when none does. */
  column: number;
}

/** The rows of a sample, up to one whose quotes do not fit (which may be its last, cut off); for guessing the dialect. */
export function sampleRows(sample: Buffer, dialect: Dialect): { rows: string[][]; isBroken: boolean } {
  const rows: string[][] = [];
  const store = new RowStore();
  const parser = new DelimitedParser(dialect, store, () => {
    rows.push(store.current());
    store.drop();
  });
  parser.write(sample);
  parser.end();
  return { rows, isBroken: parser.broken !== undefined };
}
