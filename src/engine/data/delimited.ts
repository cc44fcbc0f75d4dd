import { pipeline } from 'node:stream/promises';
import { CsvError, type Options, parse } from 'csv-parse';
import { parse as parseSync } from 'csv-parse/sync';
import { countLineEnds } from './encoding.ts';
import type { Pace } from './pace.ts';

export interface Dialect {
  delimiter: string;
  /** Whether `"` encloses cells; otherwise it is a character like any other. */
  quotes: boolean;
  /** Whether blanks may stand between a delimiter and an opening quote. */
  ltrim: boolean;
}

export interface DelimitedRow {
  line: number;
  end: number;
  cells: string[];
}

export interface Delimited {
  rows: DelimitedRow[];
  /** Line of the row whose quotes do not fit; nothing after it can be trusted, and nothing after it is in `rows`. */
  broken?: number;
}

const CHUNK = 1 << 18;

/** Ends the parser from within its callback. */
class BrokenQuote extends Error {}

/**
 * Reads delimiter-separated rows (RFC 4180, with other delimiters and any line ends) by csv-parse.
 * A quote within a cell that does not begin with one is a character; text after a closing quote is an error.
 * Blank lines are skipped. Lines are counted here: csv-parse counts a \r\n within quotes twice.
 * @param bytes UTF-8.
 */
export async function readDelimited(bytes: Buffer, dialect: Dialect, pace: Pace): Promise<Delimited> {
  const rows: DelimitedRow[] = [];
  let offset = 0;
  let line = 1;
  const parser = parse({
    ...options(dialect),
    on_record: (cells: string[], { bytes: end }) => {
      // Blank lines in front belong to no row.
      let start = offset;
      while (start < end && isLineEnd(bytes[start])) start++;
      line += countLineEnds(bytes, offset, start);
      if (dialect.quotes && cells.some((cell) => hasBrokenQuote(cell, bytes, start, end))) throw new BrokenQuote();
      let last = end;
      while (last > start && isLineEnd(bytes[last - 1])) last--;
      const lines = countLineEnds(bytes, start, last);
      rows.push({ line, end: line + lines, cells });
      line += lines + countLineEnds(bytes, last, end);
      offset = end;
      return null;
    },
  });
  parser.resume();
  try {
    await pipeline(chunks(bytes, pace), parser);
  } catch (error) {
    if (error instanceof BrokenQuote) return { rows, broken: line };
    if (error instanceof CsvError && error.code === 'CSV_QUOTE_NOT_CLOSED') {
      while (isLineEnd(bytes[offset])) line += countLineEnds(bytes, offset, ++offset);
      return { rows, broken: line };
    }
    throw error;
  }
  return { rows };
}

/** The first rows of a sample, whatever state its quotes are in; for guessing the dialect. */
export function sampleRows(sample: string, dialect: Dialect): string[][] {
  const rows: string[][] = [];
  try {
    parseSync(sample, {
      ...options(dialect),
      on_record: (cells: string[]) => {
        rows.push(cells);
        return null;
      },
    });
  } catch (error) {
    // The sample may end within a quoted cell.
    if (!(error instanceof CsvError)) throw error;
  }
  return rows;
}

function options(dialect: Dialect): Options {
  return {
    delimiter: dialect.delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    quote: dialect.quotes ? '"' : null,
    escape: dialect.quotes ? '"' : null,
    ltrim: dialect.ltrim,
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
  };
}

async function* chunks(bytes: Buffer, pace: Pace): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += CHUNK) {
    yield bytes.subarray(from, from + CHUNK);
    await pace();
  }
}

/**
 * csv-parse, told to be lenient about quotes within a cell, is lenient about text after a closing quote too, and
 * then leaves the opening quote in the cell. A cell that truly begins with a quote has it doubled in the file.
 */
function hasBrokenQuote(cell: string, bytes: Buffer, start: number, end: number): boolean {
  if (cell.charCodeAt(0) !== 34) return false;
  return !bytes.subarray(start, end).includes(`"${cell.replaceAll('"', '""')}"`);
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === 10 || byte === 13;
}
