import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { Columns, LabelsWritten, RowLengths, ServiceRequests, TaskName } from '../../protocol/index.ts';
import { requireColumns } from './checks.ts';
import { columnsFor } from './columns.ts';
import { LABELLED } from './labelled.ts';
import { Problems } from './problems.ts';
import { type ReadOptions, readTable } from './read.ts';
import { resolveDataset } from './resolve.ts';
import type { TableRow } from './row-record.ts';
import { inSource, nameOf } from './row-source.ts';
import { type Table, withoutBroken } from './table.ts';
import type { AnyRowKind, WrittenRow, WrittenRows } from './types.ts';
import { understand } from './understand.ts';

/** The task that folders of texts are for. */
const TEXTS = 'text-generation';

export interface Opened {
  table: Table;
  columns: Columns;
  /** That rows without a place of their own stand in. */
  file: string;
  /** Of a dataset's folder. */
  task?: TaskName;
}

/**
 * A file, or all rows of a dataset's folder, with their places in the file that they were taken from.
 * @returns the table, the columns that a dataset's folder itself names, and the file that rows without a place of
 *   their own stand in.
 * @throws LuthierError as readTable and resolveDataset do.
 */
export async function openRows(
  path: string,
  options: Pick<ReadOptions, 'encoding' | 'task' | 'onProgress' | 'signal'> = {},
): Promise<Opened> {
  const { encoding, task, onProgress, signal } = options;
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    return { table: await readTable({ file: path }, { encoding, task, onProgress, signal }), columns: {}, file: path };
  }
  const { parts, columns, task: own } = await resolveDataset(path, '.', { takesFolders: true });
  if (parts.train.file === path) {
    // A folder of texts rather than a dataset's own.
    const texts = await readTable({ file: path }, { encoding, task: TEXTS, signal });
    return { table: texts, columns: {}, file: path, task: TEXTS };
  }
  const { file, source, ids } = parts.train;
  const table = await readTable({ file }, { encoding: 'utf-8', onProgress, signal });
  return {
    table: inSource({ ...table, name: nameOf(file), ...(ids && { ids }) }, source),
    columns,
    file,
    ...(own && { task: own }),
  };
}

export interface ListOptions extends LabelsWritten {
  /** A file or a dataset's folder, absolute. */
  data: string;
  columns: Columns;
  /** Of a file, where it is not to be guessed. */
  encoding?: string | undefined;
  limit: number;
  /** Rows to pass over first; 0 when absent. */
  offset?: number | undefined;
  /** Keeps the rows whose text contains this; case is ignored. */
  search?: string | undefined;
  /** Keeps the rows with this very text, blanks around it aside. */
  text?: string | undefined;
  /** With `text`: keeps those whose second text is this. */
  text_pair?: string | undefined;
  /** Keeps the rows of this class. */
  label?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** Rows with their lines, at most `limit` of them; `total` and `lengths` are of all that match. */
export async function listRows(
  options: ListOptions,
  kind: AnyRowKind = LABELLED,
): Promise<ServiceRequests['data/rows']['result']> {
  const { limit, offset = 0, text, text_pair: pair, label } = options;
  const all = await writtenRows(options, kind);
  const wanted = options.search?.toLowerCase() ?? '';
  const keyOf = (texts: readonly string[]) =>
    texts
      .slice(0, pair === undefined ? 1 : 2)
      .map((one) => one.trim())
      .join('\0');
  const exact = text === undefined ? undefined : keyOf(pair === undefined ? [text] : [text, pair]);
  const found = all.filter((row) => {
    const texts = kind.texts(row);
    return (
      (label === undefined || kind.hasLabel(row, label)) &&
      (exact === undefined || keyOf(texts) === exact) &&
      (wanted === '' || texts.some((one) => one.toLowerCase().includes(wanted)))
    );
  });
  return {
    rows: found.slice(offset, offset + limit).map((row) => {
      const { group: _, ...fields } = kind.stored(row);
      return { line: row.line, file: row.file, ...fields };
    }),
    total: found.length,
    lengths: lengthsOf(Int32Array.from(found, (row) => kind.length(row)).sort()),
  };
}

interface Known {
  key: string;
  rows: WrittenRows<WrittenRow>;
}

/** The rows looked at last: a page that is turned or a letter that is typed does not read 100 MB again. */
let last: Known | undefined;
/** Texts that are kept for that at most, in UTF-16 units. */
const KEPT = 64 * 2 ** 20;

/** All rows that have what is needed, in the file's order; those that were asked for last are kept. */
export async function writtenRows(
  { data, columns, encoding, signal, label_separator, label_columns }: Omit<ListOptions, 'limit'>,
  kind: AnyRowKind,
): Promise<WrittenRows<WrittenRow>> {
  const key = JSON.stringify([
    ...[data, kind.name, label_separator, label_columns],
    ...[columns, encoding, await stamp(data)],
  ]);
  if (last?.key === key) return last.rows;
  last = undefined;
  const { table, columns: own, file } = await openRows(data, { encoding, task: kind.name, signal });
  const { rows } = await understand(kind, withoutBroken(table), {
    file,
    given: { ...own, ...columns },
    problems: new Problems(),
    signal,
  });
  let size = 0;
  for (const row of rows as WrittenRows<WrittenRow>) for (const text of kind.texts(row)) size += text.length;
  if (size < KEPT) last = { key, rows };
  return rows;
}

/** Changes when the file or a file of the folder does. */
async function stamp(path: string): Promise<unknown> {
  const of = (file: string) =>
    stat(file).then(
      ({ mtimeMs, size, ino }) => [mtimeMs, size, ino],
      () => null,
    );
  return [await of(path), await of(`${path}/rows.jsonl`), await of(`${path}/dataset.json`)];
}

/** Bars of the histogram at most. */
const BARS = 20;

/** Quartiles of lengths that ascend, and a histogram of equal steps whose last bar holds all longer ones. */
function lengthsOf(lengths: Int32Array): RowLengths {
  const at = (share: number) => lengths[Math.min(lengths.length - 1, Math.floor(share * lengths.length))] ?? 0;
  const [low, high] = [lengths[0] ?? 0, lengths.at(-1) ?? 0];
  // One text of a whole page must not squeeze all others into the first bar.
  const top = Math.max(1, Math.min(high, 1.25 * at(0.95)));
  const step = niceStep(top / BARS);
  const counts = new Array<number>(Math.floor(top / step) + 1).fill(0);
  for (const length of lengths) counts[Math.min(counts.length - 1, Math.floor(length / step))]!++;
  return { min: low, median: at(0.5), p95: at(0.95), max: high, step, counts: lengths.length === 0 ? [] : counts };
}

/** 1, 2, 5, 10, 20, 50, … at least as large as `step`. */
function niceStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, step)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((nice) => nice >= step) ?? 10 * power;
}

/** How a row's place in the person's file stands today. */
export type Located = ServiceRequests['data/locate']['result'];

/**
 * Finds a row of a dataset's folder in the file that it was taken from, which may have changed since.
 * @param options.data the dataset's folder
 * @param options.file the row's file as a run recorded it
 * @param options.line its line there
 */
export async function locateRow(
  options: {
    data: string;
    columns: Columns;
    file: string;
    line: number;
    signal?: AbortSignal | undefined;
  },
  kind: AnyRowKind = LABELLED,
): Promise<Located> {
  const { data, file, line, signal } = options;
  const { table, columns: own, file: copy } = await openRows(data, { signal });
  const { columns } = columnsFor(kind, withoutBroken(table), own);
  const index = table.rows.findIndex((row) => row.line === line && (row.file ?? copy) === file);
  if (index < 0 || !isAbsolute(file)) return { state: 'same', file, line };
  const one = { ...table, rows: table.rows.slice(index, index + 1) };
  const row = (
    await kind.rows(one, requireColumns(table, columns, kind.name), { file: copy, problems: new Problems() })
  ).at(0);
  const inCopy = { file: copy, line: index + 1 };
  if (!row) return { state: 'same', file, line };
  const now = await readTable({ file }, { task: kind.name, signal }).catch(() => undefined);
  if (!now) return { state: (await stamp(file).then((s) => (s as unknown[])[0])) ? 'changed' : 'missing', ...inCopy };
  const wanted = kind.texts(row)[0]!.trim();
  const said = (at: TableRow, column: number, value: string | undefined): string | undefined => {
    const list = at.json(column);
    return Array.isArray(list) ? list.join(' ') : value;
  };
  const has = (at: TableRow) => at.values.some((value, column) => said(at, column, value)?.trim() === wanted);
  const there = now.rows.find((other) => other.line === line);
  if (there && has(there)) return { state: 'same', file, line };
  const elsewhere = [...now.rows.filter(has)].sort((a, b) => Math.abs(a.line - line) - Math.abs(b.line - line))[0];
  return elsewhere ? { state: 'moved', file, line: elsewhere.line } : { state: 'changed', ...inCopy };
}
