import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { LuthierError } from '../errors.ts';
import { type DelimitedRow, type Dialect, readDelimited } from './delimited.ts';
import { type Detected, detectFormat } from './detect.ts';
import { decode } from './encoding.ts';
import { columnNames, hasHeader } from './header.ts';
import { readJsonArray, readJsonLines } from './json.ts';
import { LABEL_SPACE_TEXT, linesOf } from './lines.ts';
import { readMarkdown } from './markdown.ts';
import { type Pace, pacer } from './pace.ts';
import { packedRows } from './packed-rows.ts';
import { counted, Problems } from './problems.ts';
import { type Content, isEmpty, type PlainRow, type Table } from './table.ts';

/** Largest file that is read. Rows are kept in memory: about five bytes of it for each byte of short rows. */
export const MAX_BYTES = 512 * 2 ** 20;

export interface TableSource {
  /** Path of the file, or the name of a document whose `text` is given. */
  file: string;
  /** Stands for the file's content (an unsaved document). */
  text?: string;
}

export interface ReadOptions {
  signal?: AbortSignal | undefined;
  /** Told rather than found from the content. */
  detected?: Detected;
  /** Likewise, for delimited text. */
  hasHeader?: boolean;
  /** Whether a table without rows is an answer rather than an error. */
  allowNoRows?: boolean;
}

/**
 * Reads a file as a table: CSV, TSV and their kin, JSON Lines, a JSON array of objects, a Markdown table,
 * `label<TAB>text` or `label text` lines. Format, delimiter, header and encoding are found from the content;
 * whatever was guessed or is odd stands in `problems`, an `error` there being something that no model should be
 * trained on. 200 MB take seconds; the event loop is never held for long.
 * @throws LuthierError `data-unreadable` (no file, no text file, too large, no leave to read), `data-invalid`
 *   (empty, or no table), `cancelled`.
 */
export async function readTable(source: TableSource, options: ReadOptions = {}): Promise<Table> {
  const name = basename(source.file);
  const problems = new Problems();
  const pace = pacer(options.signal);
  const raw = source.text === undefined ? await readBytes(source.file) : Buffer.from(source.text, 'utf8');
  const { bytes, encoding } = decode(raw, name, problems);
  if (bytes.every(isBlank)) {
    throw new LuthierError(
      'data-invalid',
      `${name} is empty.`,
      'Give it a header line such as “text,label” and a row for each example.',
    );
  }
  const content = await readContent(bytes, name, problems, pace, options);
  const rows = packedRows(content.rows, content.columns.length);
  const table: Table = { name, encoding, ...content, rows, problems: problems.list() };
  if (
    !options.allowNoRows &&
    table.rows.length === 0 &&
    !table.problems.some((problem) => problem.severity === 'error')
  ) {
    throw new LuthierError(
      'data-invalid',
      table.header ? `${name} has no rows below its header.` : `${name} holds no rows.`,
      'Add a row for each example.',
    );
  }
  return table;
}

async function readBytes(file: string): Promise<Buffer> {
  let handle: Awaited<ReturnType<typeof open>> | undefined;
  try {
    handle = await open(file, 'r');
    const stat = await handle.stat();
    if (stat.isDirectory()) {
      throw new LuthierError('data-unreadable', `${file} is a folder, not a file.`, 'Name one of the files in it.');
    }
    if (stat.size > MAX_BYTES) {
      throw new LuthierError(
        'data-unreadable',
        `${basename(file)} has ${Math.round(stat.size / 2 ** 20).toLocaleString('en')} MB; at most ${MAX_BYTES / 2 ** 20} MB are read.`,
        'Fine-tuning seldom needs as much: take a part of its rows.',
      );
    }
    return await handle.readFile();
  } catch (error) {
    throw asReadError(error, file);
  } finally {
    await handle?.close();
  }
}

/** An error of the file system as one that names the file and the way out. */
export function asReadError(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || error instanceof LuthierError || !('code' in error)) return error;
  const cause = { cause: error };
  switch (error.code) {
    case 'ENOENT':
      return new LuthierError(
        'data-unreadable',
        `There is no file ${file}.`,
        'Check the path; in a recipe, paths are relative to the recipe.',
        cause,
      );
    case 'EACCES':
    case 'EPERM':
      return new LuthierError(
        'data-unreadable',
        `${file} may not be read.`,
        'Give yourself the right to read it.',
        cause,
      );
    default:
      return new LuthierError(
        'data-unreadable',
        `${file} cannot be read (${error.message}).`,
        'Check the disk and the path.',
        cause,
      );
  }
}

async function readContent(
  content: Buffer,
  name: string,
  problems: Problems,
  pace: Pace,
  options: ReadOptions,
): Promise<Content> {
  // Excel's own first line, "sep=;", is no row; its line end stays, so that lines keep their numbers.
  const bytes = /^sep=.(?=[\r\n])/i.test(content.toString('latin1', 0, 8)) ? content.subarray('sep=;'.length) : content;
  const detected = options.detected ?? detectFormat(bytes, name);
  switch (detected.format) {
    case 'json':
      return readJsonArray(bytes, problems, pace);
    case 'jsonl':
      return readJsonLines(bytes, problems, pace);
    case 'markdown': {
      const lines = [...linesOf(bytes)].map((line) => line.text);
      const found = readMarkdown(lines, problems);
      if (!found)
        throw new LuthierError('data-invalid', `${name} holds no Markdown table.`, 'Give it one, or use CSV.');
      return withHeader('markdown', found.header, found.rows, problems);
    }
    case 'label-space-text':
      return readLabelSpaceText(bytes, problems, pace);
    default:
      return readDelimitedContent(bytes, detected.dialect, problems, pace, options.hasHeader);
  }
}

async function readLabelSpaceText(bytes: Buffer, problems: Problems, pace: Pace): Promise<Content> {
  const rows: PlainRow[] = [];
  for (const { line, text } of linesOf(bytes)) {
    if (line % 4096 === 0) await pace();
    if (text.trim() === '') continue;
    const match = LABEL_SPACE_TEXT.exec(text);
    if (match) rows.push({ line, end: line, values: [match[1], match[2]] });
    else {
      problems.occurrence(
        { severity: 'error', code: 'ragged-row' },
        line,
        (where) => `No label with a text after it on ${where}: each line must be “<label> <text>”.`,
      );
    }
  }
  return { format: 'label-space-text', columns: ['label', 'text'], rows, nested: new Map() };
}

async function readDelimitedContent(
  bytes: Buffer,
  dialect: Dialect,
  problems: Problems,
  pace: Pace,
  isHeaderKnown: boolean | undefined,
): Promise<Content> {
  let result = await readDelimited(bytes, dialect, pace);
  if (result.broken !== undefined && dialect.delimiter === '\t') {
    // Tab-separated files are often written without quoting at all.
    result = await readDelimited(bytes, { ...dialect, quotes: false }, pace);
    problems.add('info', 'plain-quotes', `The quotes do not enclose cells; they are read as characters.`);
  }
  if (result.broken !== undefined) {
    const line = result.broken;
    problems.add(
      'error',
      'broken-quote',
      `The quotes of the row that begins on line ${line} do not fit: a quoted cell is not closed, or text follows its closing quote. ` +
        'Close it, and write quotes within it twice (""). The rows from there on are not read.',
      { line },
    );
  }
  const { rows } = result;
  if (!rows[0]) return { format: dialect.delimiter === '\t' ? 'tsv' : 'csv', columns: [], rows: [], nested: new Map() };
  if (dialect.delimiter === ';' || dialect.delimiter === '|') {
    problems.add('info', 'delimiter', `Cells are separated by “${dialect.delimiter}”.`);
  }
  const format = dialect.delimiter === '\t' ? 'tsv' : 'csv';
  if (isHeaderKnown ?? hasHeader(rows.slice(0, 201).map((row) => row.cells))) {
    return withHeader(format, rows[0], rows.slice(1), problems);
  }
  return withoutHeader(format, rows, problems);
}

function withHeader(
  format: Content['format'],
  header: DelimitedRow,
  rows: DelimitedRow[],
  problems: Problems,
): Content {
  const { line, end, cells } = header;
  let width = cells.length;
  // A delimiter at the end of each line makes a last column without name and content.
  while (width > 1 && cells[width - 1]!.trim() === '' && rows.every((row) => isEmpty(row.cells[width - 1]))) width--;
  const { names, duplicates } = columnNames(cells.slice(0, width));
  for (const duplicate of duplicates) {
    problems.add(
      'warning',
      'duplicate-column',
      `The column name “${duplicate}” occurs more than once; the later ones are called “${duplicate}_2” and so on.`,
      { column: duplicate },
    );
  }
  const fitting = fitted(rows, width, problems, 'the header');
  return { format, header: { line, end }, columns: names, rows: fitting, nested: new Map() };
}

function withoutHeader(format: 'csv' | 'tsv', rows: DelimitedRow[], problems: Problems): Content {
  const counts = new Map<number, number>();
  for (const { cells } of rows) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  const width = [...counts].sort((a, b) => b[1] - a[1])[0]![0];
  const plain = fitted(rows, width, problems, 'most rows');
  if (format === 'tsv' && width === 2) {
    const columns = labelComesFirst(plain) ? ['label', 'text'] : ['text', 'label'];
    problems.add('info', 'no-header', `There is no header line; the columns are taken as ${columns.join(' and ')}.`);
    return { format: 'label-tab-text', columns, rows: plain, nested: new Map() };
  }
  const columns = Array.from({ length: width }, (_, i) => `column_${i + 1}`);
  problems.add(
    'info',
    'no-header',
    `There is no header line; the columns are called ${columns.slice(0, 3).join(', ')}${width > 3 ? ', …' : ''}.`,
  );
  return { format, columns, rows: plain, nested: new Map() };
}

/** Of two columns the one with fewer different and shorter cells holds the classes. */
function labelComesFirst(rows: readonly PlainRow[]): boolean {
  const looked = rows.slice(0, 1000);
  const distinct = (i: number): number => new Set(looked.map((row) => row.values[i])).size;
  const length = (i: number): number => looked.reduce((sum, row) => sum + (row.values[i]?.length ?? 0), 0);
  const [left, right] = [distinct(0), distinct(1)];
  return left === right ? length(0) <= length(1) : left < right;
}

/** Rows of the table's width; another number of cells is an error, save for empty ones at the end. */
function fitted(rows: readonly DelimitedRow[], width: number, problems: Problems, whose: string): PlainRow[] {
  const fitting: PlainRow[] = [];
  for (const { line, end, cells } of rows) {
    if (cells.every(isEmpty)) {
      if (cells.length > 1) {
        problems.occurrence(
          { severity: 'info', code: 'blank-row' },
          line,
          (where, count) => `${counted(count, 'row')} without any content left out (${where}).`,
        );
      }
      continue;
    }
    if (cells.length > width && cells.slice(width).every(isEmpty)) {
      problems.occurrence(
        { severity: 'info', code: 'trailing-delimiter' },
        line,
        (where) => `Empty cells beyond the last column left out on ${where}.`,
      );
      cells.length = width;
    } else if (cells.length !== width) {
      const got = counted(cells.length, 'cell');
      const first = line;
      problems.occurrence({ severity: 'error', code: 'ragged-row' }, line, (where, count) =>
        count === 1
          ? `Line ${first} has ${got} where ${whose} ${whose === 'the header' ? 'has' : 'have'} ${width}; put quotes around a cell that holds the delimiter, or fill in what is missing.`
          : `${counted(count, 'row')} do not have ${width} cells as ${whose} ${whose === 'the header' ? 'does' : 'do'} (${where}; line ${first} has ${cells.length}); put quotes around cells that hold the delimiter, or fill in what is missing.`,
      );
    }
    fitting.push({ line, end, values: cells });
  }
  return fitting;
}

function isBlank(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}
