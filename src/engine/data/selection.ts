import { type DataSelection, LuthierError, type TaskName } from '../../protocol/index.ts';
import { DOCUMENT } from './conll.ts';
import { type Detected, detectFormat } from './detect.ts';
import { isJson } from './detect-json.ts';
import { markdownTables } from './markdown.ts';
import { readTable } from './read.ts';
import type { Table } from './table.ts';

type ReadOptions = { signal?: AbortSignal | undefined; task?: TaskName | undefined };

/** Lines that a selection touches, 1-based and inclusive. */
interface Span {
  first: number;
  last: number;
  /** Whether it begins or ends within a line. */
  isPartial: boolean;
}

/**
 * Turns an editor's selection into a table. Rows that are selected in part are taken whole and that is said; the
 * header, the delimiter and the format are the document's where it is a table, else those of the block of lines
 * that the selection stands in. Line numbers are the document's.
 * @param name of the document; its ending helps to tell the format.
 * @throws LuthierError `data-invalid` when nothing is selected, no row is, or the text is no table; `cancelled`.
 */
export async function extractSelection(
  selection: DataSelection,
  name = 'The selection',
  options: ReadOptions = {},
): Promise<Table> {
  if (selection.text.trim() === '') {
    throw new LuthierError('data-invalid', 'Nothing is selected.', 'Select the rows to use, or the whole document.');
  }
  const { full_text: fullText, start_line: startLine } = selection;
  const lines = fullText.split(LINE_END);
  const span = spanOf(selection.text, lines, startLine);
  const table =
    (await fromMarkdown(lines, span, name, options)) ??
    (await fromDocument(fullText, lines, span, name, options)) ??
    (await fromBlock(lines, span, name, options));
  const { format, rows } = table;
  const isCut = format === 'conll' && (rows.at(0)!.line < span.first || rows.at(-1)!.end > span.last);
  return span.isPartial || isCut ? withNote(table) : table;
}

const LINE_END = /\r\n|\n|\r/;

/** Empty lines at the ends of the selection do not count: a selection often ends before the next line's first letter. */
function spanOf(text: string, lines: readonly string[], startLine: number): Span {
  const selected = text.split(LINE_END);
  let from = 0;
  while (selected[from]!.trim() === '') from++;
  let to = selected.length - 1;
  while (selected[to]!.trim() === '') to--;
  const first = startLine + from;
  const last = Math.min(startLine + to, lines.length);
  const isPartial = selected[from] !== lines[first - 1] || selected[to] !== lines[last - 1];
  return { first, last, isPartial };
}

/** The Markdown table that the selection stands in, in a document that may hold prose and other tables. */
async function fromMarkdown(
  lines: readonly string[],
  span: Span,
  name: string,
  options: ReadOptions,
): Promise<Table | undefined> {
  const found = markdownTables(lines).find((table) => table.start < span.last && table.end >= span.first);
  if (!found) return undefined;
  const text = lines.map((line, i) => {
    if (i < found.start || i >= found.end) return '';
    const isHead = i < found.start + 2;
    // A blank line would end the table; a lone bar is a row without cells, which is passed over.
    return isHead || (i + 1 >= span.first && i + 1 <= span.last) ? line : '|';
  });
  const source = { file: name, text: text.join('\n') };
  return someRows(await readTable(source, { ...options, detected: { format: 'markdown' }, allowNoRows: true }));
}

/** The document as a table of which the selection is some rows; undefined when it is none, or not one that far down. */
async function fromDocument(
  fullText: string,
  lines: readonly string[],
  span: Span,
  name: string,
  options: ReadOptions,
): Promise<Table | undefined> {
  let whole: Table;
  let detected: Detected;
  try {
    detected = detectFormat(Buffer.from(fullText, 'utf8'), name, { task: options.task });
    whole = await readTable({ file: name, text: fullText }, { ...options, detected });
  } catch (error) {
    if (error instanceof LuthierError && error.code !== 'cancelled') return undefined;
    throw error;
  }
  const rows = whole.rows.filter((row) => row.line <= span.last && row.end >= span.first);
  const isSound = whole.problems.every((problem) => problem.severity !== 'error');
  if (rows.length === 0 && !isSound) return undefined;
  if (rows.length === 0) return someRows({ ...whole, rows });
  if (rows.length === whole.rows.length) return whole;
  if (detected.format === 'json') {
    // What is wrong elsewhere in the list is no concern of the selection's.
    const problems = whole.problems.filter(({ line }) => line === undefined || line <= span.last);
    return { ...whole, rows, problems };
  }
  // Read again with the other lines blank, so that problems and counts are the selection's own.
  const wanted = new Set<number>();
  for (const { line, end } of whole.header ? [whole.header, ...rows] : rows) {
    for (let i = line; i <= end; i++) wanted.add(i);
  }
  // Of which document a sentence is stands above it.
  const isHead = (line: number) => detected.format === 'conll' && lines[line - 1]!.startsWith(DOCUMENT);
  const text = masked(lines, (line) => wanted.has(line) || isHead(line));
  return readTable({ file: name, text }, { ...options, detected, hasHeader: whole.header !== undefined });
}

/** The selected lines by themselves, under the first line of their block where that is a header. */
async function fromBlock(lines: readonly string[], span: Span, name: string, options: ReadOptions): Promise<Table> {
  let head = span.first;
  while (head > 1 && lines[head - 2]!.trim() !== '') head--;
  const isSelected = (line: number): boolean => line >= span.first && line <= span.last;
  if (head < span.first) {
    try {
      const table = await readTable(
        { file: name, text: masked(lines, (line) => line === head || isSelected(line)) },
        options,
      );
      if (table.header?.line === head && !table.problems.some((problem) => problem.severity === 'error')) return table;
    } catch (error) {
      if (!(error instanceof LuthierError) || error.code === 'cancelled') throw error;
    }
  }
  return readTable({ file: name, text: asWholeJson(masked(lines, isSelected)) }, options);
}

/** The document with the lines that are not wanted made empty: every row keeps its line number. */
function masked(lines: readonly string[], isWanted: (line: number) => boolean): string {
  return lines.map((text, i) => (isWanted(i + 1) ? text : '')).join('\n');
}

/** Elements cut out of a JSON array, made an array again. JSON Lines stay as they are. */
function asWholeJson(text: string): string {
  const trimmed = text.trim();
  const isElements = trimmed.startsWith('{') && /\}\s*,/.test(trimmed) && !isJson(trimmed.split(LINE_END)[0]!);
  const isOpenList = /^\[\s*\{/.test(trimmed) && !trimmed.endsWith(']');
  if (!isElements && !isOpenList) return text;
  const body = text.trimEnd().replace(/,$/, '').replace(/\]$/, '');
  return `${isElements ? '[' : ''}${body}]`;
}

function someRows(table: Table): Table {
  if (table.rows.length > 0) return table;
  throw new LuthierError(
    'data-invalid',
    'The selection contains no rows of the table.',
    'Select rows below the header.',
  );
}

function withNote(table: Table): Table {
  const [first, last] = [table.rows.at(0), table.rows.at(-1)];
  const where = first && last ? ` (lines ${first.line} to ${last.end})` : '';
  return {
    ...table,
    problems: [
      ...table.problems,
      {
        severity: 'info',
        code: 'selection-completed',
        message:
          table.format === 'conll'
            ? `The selection begins or ends in the middle of a sentence; it was extended to whole sentences${where}.`
            : `The selection begins or ends in the middle of a line; it was extended to whole rows${where}.`,
        ...(first && { line: first.line }),
      },
    ],
  };
}
