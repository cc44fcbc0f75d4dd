/** The line under a GitHub-flavoured Markdown table's header: `| --- | :---: |`. */
const SEPARATOR = /^\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?$/;

export interface MarkdownTable {
  /** Index of the header's line among the lines given. */
  start: number;
  /** Index after the last row's line. */
  end: number;
}

/** Where the tables of a Markdown text stand (GitHub Flavored Markdown 0.29, section 4.10). */
export function markdownTables(lines: readonly string[]): MarkdownTable[] {
  const tables: MarkdownTable[] = [];
  for (let i = 1; i < lines.length; i++) {
    if (!isTableStart(lines[i - 1]!, lines[i]!)) continue;
    let end = i + 1;
    while (end < lines.length && lines[end]!.includes('|')) end++;
    tables.push({ start: i - 1, end });
    i = end;
  }
  return tables;
}

/** Whether two lines are a table's header and the line of dashes under it. */
function isTableStart(header: string, under: string): boolean {
  const separator = under.trim();
  if (!header.includes('|') || !separator.includes('-') || !SEPARATOR.test(separator)) return false;
  return markdownCells(header).length === markdownCells(separator).length;
}

/** One row's cells, trimmed; `\|` is a bar within a cell. */
function markdownCells(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** A line of a table, its number and its cells. */
export interface MarkdownRow {
  line: number;
  cells: string[];
}

/** Gathers the first table of a text whose lines come one by one; counts the others. */
export class MarkdownReader {
  header: MarkdownRow | undefined;
  /** Tables of the text. */
  tables = 0;
  #before: string | undefined;
  #isWithin = false;
  readonly #onRow: (row: MarkdownRow) => void;

  /** @param onRow called for each row of the first table */
  constructor(onRow: (row: MarkdownRow) => void) {
    this.#onRow = onRow;
  }

  line(text: string, line: number): void {
    if (this.#isWithin && text.includes('|')) {
      if (this.tables === 1) this.#onRow({ line, cells: markdownCells(text) });
      return;
    }
    this.#isWithin = this.#before !== undefined && isTableStart(this.#before, text);
    if (this.#isWithin && ++this.tables === 1) this.header = { line: line - 1, cells: markdownCells(this.#before!) };
    this.#before = this.#isWithin ? undefined : text;
  }
}
