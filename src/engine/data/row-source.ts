import { basename, dirname, isAbsolute, join } from 'node:path';
import { contains } from '../../files/folders.ts';
import type { Table } from './table.ts';

/** Where the rows of a dataset's rows.jsonl stand in the file that they were taken from. */
export interface LineSource {
  /** Absolute path of that file. */
  file: string;
  /** Its line for each line of rows.jsonl, from the first on; rows that were added later may have none, or 0. */
  lines: readonly number[];
}

/** The same, or the folder of which each row is a file, by its id. */
export type RowSource = LineSource | { folder: string };

/** Lines as dataset.json keeps them: consecutive ones as `[first line, count]`. */
export function toRanges(lines: readonly number[]): [line: number, count: number][] {
  const ranges: [number, number][] = [];
  for (const line of lines) {
    const last = ranges.at(-1);
    if (last && last[0] + last[1] === line) last[1]++;
    else ranges.push([line, 1]);
  }
  return ranges;
}

/** Rows of a dataset's folder whose places are known at most; a file of so many has gigabytes. */
const MAX_LINES = 50_000_000;

/** The source that a record names; undefined where it was an unsaved document, or is not recorded row by row. */
export function rowSource(
  source: { file: string; lines?: readonly (readonly [line: number, count: number])[] | undefined } | null | undefined,
): LineSource | undefined {
  if (!source?.lines || !isAbsolute(source.file)) return undefined;
  // A few bytes can name more lines than fit in memory; what no dataset has is not known.
  let total = 0;
  for (const [line, count] of source.lines) {
    if (line < 0 || count < 0) return undefined;
    total += count;
  }
  if (total > MAX_LINES) return undefined;
  return {
    file: source.file,
    lines: source.lines.flatMap(([line, count]) => Array.from({ length: count }, (_, i) => line + i)),
  };
}

/** Where each row stands, by what its dataset's record says; undefined where it does not. */
export const placesOf = (
  source: (NonNullable<Parameters<typeof rowSource>[0]> & { paths?: boolean | undefined }) | null | undefined,
): RowSource | undefined => (source?.paths && isAbsolute(source.file) ? { folder: source.file } : rowSource(source));

/** What messages call a file: a dataset's own rows.jsonl goes by the dataset's name. */
export function nameOf(file: string): string {
  const name = basename(file);
  return name === 'rows.jsonl' ? basename(dirname(file)) : name;
}

/**
 * The table with each row's place in the person's own file, so that all that is said and linked to leads there.
 * Rows without such a place keep theirs in rows.jsonl.
 * @param part the table's rows that are wanted, all or some, with their lines in rows.jsonl
 */
export function inSource(table: Table, source: RowSource | undefined, part = table.rows): Table {
  if (!source) return { ...table, rows: part };
  if ('folder' in source) return { ...table, rows: inFolder(table, source.folder, part) };
  const rows = part.placed((of) => {
    const line = source.lines[of - 1];
    return line ? { file: source.file, line } : undefined;
  });
  return { ...table, name: basename(source.file), rows };
}

/** The rows that are each a file of a folder. A path that leads out of it is no place. */
function inFolder(table: Table, folder: string, part: Table['rows']): Table['rows'] {
  const column = table.columns.indexOf(table.ids ?? '');
  const files = new Map<number, string>();
  for (const row of part) {
    const path = column < 0 ? undefined : row.value(column);
    const file = path && join(folder, path);
    if (file && contains(folder, file)) files.set(row.line, file);
  }
  return part.placed((line) => {
    const file = files.get(line);
    return file === undefined ? undefined : { file, line: 1 };
  });
}
