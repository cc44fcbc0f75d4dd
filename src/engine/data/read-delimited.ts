import { counted, LuthierError } from '../../protocol/index.ts';
import { DelimitedParser, type Dialect, MAX_COLUMNS } from './delimited.ts';
import { columnNames, firstRowIs, isHeaderAgain } from './header.ts';
import { tooManyColumns } from './json.ts';
import { LineCutter } from './lines.ts';
import { NumberList, without } from './number-list.ts';
import { type Pace, Stride } from './pace.ts';
import { Rows } from './packed-rows.ts';
import { listed, Places, type Problems, quoted } from './problems.ts';
import { RowStore } from './row-store.ts';
import type { Content, Text } from './table.ts';

/** Rows of cells, before it is known whether the first of them is a header. */
export interface Grid {
  store: RowStore;
  /** The first row, and the numbers of those that repeat it. */
  first: { line: number; end: number; cells: string[] } | undefined;
  again: NumberList;
  againAt: Places;
  /** Index of the last cell with content in any row but the first. */
  lastFilled: number;
  /** Rows that have cells and no content. */
  blank: Places;
  /** Rows by their number of cells. */
  widths: Map<number, number>;
}

/** Takes rows into a grid one by one. */
export class GridBuilder {
  readonly grid: Grid = {
    store: new RowStore(),
    first: undefined,
    again: new NumberList(),
    againAt: new Places(),
    lastFilled: -1,
    blank: new Places(),
    widths: new Map(),
  };
  #firstBytes = 0;

  constructor(private readonly name: string) {}

  /** The row whose cells stand in the grid's store. @param isHeader it counts even when its cells are empty */
  row(line: number, end: number, isHeader = false): void {
    const { grid } = this;
    const { store } = grid;
    if (!isHeader && store.isBlank()) {
      if (store.cells > 1) grid.blank.add(line);
      store.drop();
      return;
    }
    if (!grid.first) {
      if (store.cells > MAX_COLUMNS) throw tooManyColumns(this.name, line);
      grid.first = { line, end, cells: store.current() };
      this.#firstBytes = store.bytes;
    } else if (this.#mayRepeat() && isHeaderAgain(store.current(), grid.first.cells)) {
      grid.again.push(store.length);
      grid.againAt.add(line);
    } else {
      for (let i = store.cells - 1; i > grid.lastFilled; i--) if (!store.isBlankCell(i)) grid.lastFilled = i;
    }
    grid.widths.set(store.cells, (grid.widths.get(store.cells) ?? 0) + 1);
    store.commit(line, end);
  }

  /** Most rows differ from the first in their number of cells or of letters. */
  #mayRepeat(): boolean {
    const { store, first } = this.grid;
    return store.cells === first!.cells.length && Math.abs(store.bytes - this.#firstBytes) <= 3 + store.cells;
  }
}

interface Reading {
  grid: Grid;
  broken: number | undefined;
  hasBackslashQuote: boolean;
  /** Rows over several lines, each of which has as many delimiters as the header: quotes that close by chance. */
  spans: Places;
  /** The first of them. */
  span: { line: number; end: number; column: number } | undefined;
  /** Whether it is plain that the file's writer quotes cells: the header's, many, or some with doubled quotes. */
  isQuoting: boolean;
}

/**
 * Reads delimited text. Quotes that do not fit, or that fit by chance, are read as what the format makes of them:
 * characters in tab-separated text, escaped by backslashes where that makes all rows whole; what is done is told.
 */
export async function readDelimited(
  text: Text,
  dialect: Dialect,
  problems: Problems,
  isHeaderKnown: boolean | undefined,
): Promise<Content> {
  const format = dialect.delimiter === '\t' ? 'tsv' : 'csv';
  let used = dialect;
  let reading = await parse(text, dialect);
  const isOdd = (of: Reading) => of.broken !== undefined || of.spans.count > 0;
  if (dialect.quotes && isOdd(reading) && reading.hasBackslashQuote) {
    const escaped = await parse(text, { ...dialect, backslash: true });
    if (!isOdd(escaped)) {
      reading = escaped;
      used = { ...dialect, backslash: true };
      problems.add(
        'info',
        'backslash-quotes',
        'Quotes within cells are escaped with a backslash (\\") instead of being doubled, and are read that way.',
      );
    }
  }
  if (dialect.quotes && isOdd(reading) && format === 'tsv' && !(reading.broken === undefined && reading.isQuoting)) {
    // Tab-separated files are often written without quoting at all.
    const plain = await parse(text, { ...dialect, quotes: false });
    if (reading.broken !== undefined || unlikeFirst(plain) <= unlikeFirst(reading)) {
      reading = plain;
      used = { ...dialect, quotes: false };
      problems.add('info', 'plain-quotes', 'The quotes do not enclose cells and are read as ordinary characters.');
    }
  }
  tellOddities(reading, reading.broken === undefined ? 0 : await lastLine(text), problems);
  const { grid } = reading;
  const content = await contentOf(format, grid, isHeaderKnown, problems, text);
  if (dialect.delimiter === ';' || dialect.delimiter === '|') {
    problems.add('info', 'delimiter', `Cells are separated by “${dialect.delimiter}”.`);
  }
  return { ...content, dialect: used };
}

/** Rows that have another number of cells than the first. */
function unlikeFirst({ grid }: Reading): number {
  return grid.store.length - (grid.widths.get(grid.first?.cells.length ?? 0) ?? 0);
}

async function parse(text: Text, dialect: Dialect): Promise<Reading> {
  const builder = new GridBuilder(text.name);
  const spans = new Places();
  let span: Reading['span'];
  let isHeaderQuoted = false;
  const parser = new DelimitedParser(dialect, builder.grid.store, (row) => {
    const { line, end, fewest, most, column } = row;
    isHeaderQuoted ||= !builder.grid.first && parser.enclosed > 0;
    builder.row(line, end);
    const delimiters = builder.grid.first ? builder.grid.first.cells.length - 1 : 0;
    if (end > line && delimiters > 0 && fewest === delimiters && most === delimiters) {
      spans.add(line);
      span ??= { line, end, column };
    }
  });
  for await (const piece of text.pieces()) {
    parser.write(piece);
    if (parser.broken !== undefined) break;
  }
  parser.end();
  const { grid } = builder;
  const { broken, hasBackslashQuote, enclosed, doubled } = parser;
  const isQuoting = isHeaderQuoted || doubled > 0 || enclosed > grid.store.length / 10;
  return { grid, broken, hasBackslashQuote, spans, span, isQuoting };
}

/** The last line of a text that has anything on it. */
async function lastLine(text: Text): Promise<number> {
  let last = 0;
  const lines = new LineCutter((bytes, start, end, line) => {
    if (bytes.toString('utf8', start, end).trim() !== '') last = line;
  });
  for await (const piece of text.pieces()) lines.write(piece);
  lines.end();
  return last;
}

/** @param last line of the file, which counts where quotes are broken */
function tellOddities(
  { broken, hasBackslashQuote, spans, span, grid }: Reading,
  last: number,
  problems: Problems,
): void {
  if (broken !== undefined) {
    const advice = hasBackslashQuote
      ? 'The file seems to escape quotes with backslashes (\\"), but not everywhere: write quotes within a cell twice ("") instead, as pandas does with doublequote=True. '
      : 'Close the cell, and write quotes within it twice (""). ';
    problems.add(
      'error',
      'broken-quote',
      `The quotes in the row that begins on line ${broken} do not match: a quoted cell is not closed, or text follows its closing quote. ` +
        `${advice}${last > broken ? `Lines ${broken} to ${last} are` : 'That row is'} not read.`,
      { line: broken },
    );
  }
  if (!span) return;
  const { line, end, column } = span;
  const name = grid.first?.cells[column]?.trim();
  const cell = name ? `“${name}”` : `cell ${column + 1}`;
  problems.occurrences({ severity: 'warning', code: 'quotes-span-lines' }, spans, (where, count) =>
    count === 1
      ? `The quotes around ${cell} run from line ${line} to line ${end}, and each of these lines looks like a separate row. If so, a quote is unclosed, or closed by chance: write it twice ("") or remove it.`
      : `Quotes run over several lines, each of which looks like a separate row (${where}; the first is ${cell} from line ${line} to line ${end}). If so, quotes are unclosed, or closed by chance: write them twice ("") or remove them.`,
  );
}

/** What a grid says once it is known whether its first row names the columns. */
export async function contentOf(
  format: 'csv' | 'tsv' | 'markdown',
  grid: Grid,
  isHeaderKnown: boolean | undefined,
  problems: Problems,
  text: Text,
): Promise<Content> {
  const content = await withColumns(format, grid, isHeaderKnown, problems, text);
  problems.occurrences(
    { severity: 'info', code: 'blank-row' },
    grid.blank,
    (where, count) => `${counted(count, 'row')} without any content (${where}) ${count === 1 ? 'is' : 'are'} left out.`,
  );
  return content;
}

async function withColumns(
  format: 'csv' | 'tsv' | 'markdown',
  grid: Grid,
  isHeaderKnown: boolean | undefined,
  problems: Problems,
  text: Text,
): Promise<Content> {
  const { store, first } = grid;
  if (!first) return { format, columns: [], rows: new Rows(store), nested: new Map() };
  const firstRow = () => firstRowIs(new Rows(store).slice(0, 201).map((row) => [...row.values] as string[]));
  const found = isHeaderKnown === undefined ? firstRow() : isHeaderKnown ? 'header' : 'row';
  if (found === 'guessed') tellGuess(first, problems);
  if (found !== 'row') {
    return withHeader(format, grid, first, problems, text.pace);
  }
  return withoutHeader(format as 'csv' | 'tsv', grid, problems, text);
}

/** A row that is taken for the header is lost, and few rows are a weak sign. */
function tellGuess({ line, cells }: NonNullable<Grid['first']>, problems: Problems): void {
  const shown = cells.filter((cell) => cell.trim() !== '').slice(0, 3);
  const names = listed(shown.map((cell) => quoted(cell.trim())));
  problems.add(
    'info',
    'header-guessed',
    `${names} on line ${line} ${shown.length === 1 ? 'was' : 'were'} taken for the header. If that line is a row, put one with the columns’ names above it, such as “text” and “label”.`,
    { line },
  );
}

async function withHeader(
  format: Content['format'],
  { store, again, againAt, lastFilled, widths }: Grid,
  { line, end, cells }: NonNullable<Grid['first']>,
  problems: Problems,
  pace: Pace,
): Promise<Content> {
  let width = cells.length;
  // A delimiter at the end of each line makes a last column without name and content.
  while (width > 1 && cells[width - 1]!.trim() === '' && lastFilled < width - 1) width--;
  const { names, duplicates } = columnNames(cells.slice(0, width));
  for (const duplicate of duplicates) {
    problems.add(
      'warning',
      'duplicate-column',
      `The column name “${duplicate}” occurs more than once; the later ones are called “${duplicate}_2” and so on.`,
      { column: duplicate },
    );
  }
  problems.occurrences(
    { severity: 'warning', code: 'repeated-header' },
    againAt,
    (where, count) =>
      `The header is repeated on ${where}; ${count === 1 ? 'that line is' : 'these lines are'} left out.`,
  );
  const rows =
    againAt.count === 0
      ? new Rows(store, { width, skip: 1 })
      : new Rows(store, { width, index: without(store.length, again.numbers(), 1) });
  const broken = isMixed(widths, width) ? await ragged(rows, width, problems, 'the header', pace) : {};
  return { format, header: { line, end }, columns: names, rows, ...broken, nested: new Map() };
}

async function withoutHeader(
  format: 'csv' | 'tsv',
  { store, first, widths }: Grid,
  problems: Problems,
  text: Text,
): Promise<Content> {
  const width = [...widths].sort((a, b) => b[1] - a[1])[0]![0];
  if (width > MAX_COLUMNS) throw tooManyColumns(text.name, first!.line);
  const rows = new Rows(store, { width });
  const broken = isMixed(widths, width) ? await ragged(rows, width, problems, 'most rows', text.pace) : {};
  if (format === 'tsv' && width === 2) {
    const columns = labelComesFirst(rows) ? ['label', 'text'] : ['text', 'label'];
    problems.add('info', 'no-header', `There is no header line; the columns are read as ${columns.join(' and ')}.`);
    return { format: 'label-tab-text', columns, rows, ...broken, nested: new Map() };
  }
  const columns = Array.from({ length: width }, (_, i) => `column_${i + 1}`);
  problems.add(
    'info',
    'no-header',
    `There is no header line; the columns are called ${columns.slice(0, 3).join(', ')}${width > 3 ? ', …' : ''}.`,
  );
  return { format, columns, rows, ...broken, nested: new Map() };
}

/** Of two columns the one with fewer different and shorter cells holds the classes. */
function labelComesFirst(rows: Rows): boolean {
  const looked = rows.slice(0, 1000).map((row) => row.values);
  const distinct = (i: number): number => new Set(looked.map((values) => values[i])).size;
  const length = (i: number): number => looked.reduce((sum, values) => sum + (values[i]?.length ?? 0), 0);
  const [left, right] = [distinct(0), distinct(1)];
  return left === right ? length(0) <= length(1) : left < right;
}

const isMixed = (widths: Grid['widths'], width: number) => [...widths.keys()].some((count) => count !== width);

/** Another number of cells than the table's is an error, save for empty ones at the end. */
async function ragged(
  rows: Rows,
  width: number,
  problems: Problems,
  whose: string,
  pace: Pace,
): Promise<Pick<Content, 'broken'>> {
  const isOne = whose === 'the header';
  const stride = new Stride(pace);
  const broken = new NumberList();
  let next = 0;
  for (const row of rows) {
    const wait = stride.step(row.bytes);
    if (wait) await wait;
    const place = next++;
    if (row.count === width) continue;
    const { line, count: cells } = row;
    if (row.values.length === width) {
      problems.occurrence(
        { severity: 'info', code: 'trailing-delimiter' },
        line,
        (where) => `Empty cells beyond the last column are left out on ${where}.`,
      );
      continue;
    }
    broken.push(place);
    const got = cells > MAX_COLUMNS ? `more than ${counted(MAX_COLUMNS, 'cell')}` : counted(cells, 'cell');
    problems.occurrence({ severity: 'error', code: 'ragged-row' }, line, (where, count) =>
      count === 1
        ? `Line ${line} has ${got}, but ${whose} ${isOne ? 'has' : 'have'} ${width}. Put quotes around a cell that contains the delimiter, or fill in missing cells.`
        : `${counted(count, 'row')} do not have ${counted(width, 'cell')} like ${whose} (${where}; line ${line} has ${cells}). Put quotes around cells that contain the delimiter, or fill in missing cells.`,
    );
  }
  return { broken: broken.numbers() };
}

/** @throws LuthierError `data-invalid`: the file, by its name or by what was told, should hold a Markdown table */
export function noMarkdownTable(name: string): LuthierError {
  return new LuthierError('data-invalid', `${name} contains no Markdown table.`, 'Add one, or use CSV.');
}
