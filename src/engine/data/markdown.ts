import type { Problems } from './problems.ts';
import { counted } from './problems.ts';

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
    const header = lines[i - 1]!;
    const separator = lines[i]!.trim();
    if (!header.includes('|') || !separator.includes('-') || !SEPARATOR.test(separator)) continue;
    if (markdownCells(header).length !== markdownCells(separator).length) continue;
    let end = i + 1;
    while (end < lines.length && lines[end]!.includes('|')) end++;
    tables.push({ start: i - 1, end });
    i = end;
  }
  return tables;
}

/** One row's cells, trimmed; `\|` is a bar within a cell. */
export function markdownCells(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
}

export interface MarkdownRows {
  header: { line: number; end: number; cells: string[] };
  rows: { line: number; end: number; cells: string[] }[];
}

/** The rows of one table. */
export function readMarkdownTable(lines: readonly string[], table: MarkdownTable): MarkdownRows {
  const rows: MarkdownRows['rows'] = [];
  for (let i = table.start + 2; i < table.end; i++) {
    rows.push({ line: i + 1, end: i + 1, cells: markdownCells(lines[i]!) });
  }
  const line = table.start + 1;
  return { header: { line, end: line, cells: markdownCells(lines[table.start]!) }, rows };
}

/** The first table of a text; says so when there are more. */
export function readMarkdown(lines: readonly string[], problems: Problems): MarkdownRows | undefined {
  const tables = markdownTables(lines);
  if (!tables[0]) return undefined;
  if (tables.length > 1) {
    problems.add(
      'info',
      'several-tables',
      `The file holds ${counted(tables.length, 'table')}; the first is read, from line ${tables[0].start + 1} on.`,
      { line: tables[0].start + 1 },
    );
  }
  return readMarkdownTable(lines, tables[0]);
}
