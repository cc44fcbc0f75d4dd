import { resolve } from 'node:path';
import { parsePrompt } from '../../prompts/parse.ts';
import type { PromptExamples, PromptFile } from '../../prompts/prompt-file.ts';
import { inputValues } from '../../prompts/values.ts';
import { counted, type DataProblem, LuthierError, type ServiceRequests } from '../../protocol/index.ts';
import { nearText } from '../data/characters.ts';
import { Random } from '../data/random.ts';
import type { TableRow } from '../data/row-record.ts';
import { openRows } from '../data/rows.ts';
import { type Table, withoutBroken } from '../data/table.ts';
import { datasetInside, type Surroundings, surroundingsOf } from './files.ts';

/** Rows of a file or a dataset's folder, as values of a template. */
export interface PromptRows {
  columns: string[];
  length: number;
  /** What is wrong with rows that are none of these. */
  leftOut: DataProblem[];
  /** @param row from 1 on @throws LuthierError `usage` where there is no such row */
  at(row: number): Record<string, unknown>;
}

/** @throws LuthierError as openRows */
export async function openPromptRows(data: string, signal?: AbortSignal): Promise<PromptRows> {
  const { table: read } = await openRows(data, { signal });
  // A template is not filled from cells that stand in wrong columns, and rows count as Inspect Dataset counts them.
  const table = withoutBroken(read);
  // Ids of rows are Luthier's own, and no column of the data.
  const shown = table.columns.map((name, i) => ({ name, i })).filter(({ name }) => name !== table.ids);
  return {
    columns: shown.map(({ name }) => name),
    length: table.rows.length,
    leftOut: read.problems.filter(({ severity }) => severity === 'error'),
    at: (row) => cellsOf(rowAt(table, row), shown),
  };
}

function rowAt({ rows, name }: Table, row: number): TableRow {
  const found = Number.isInteger(row) && row >= 1 ? rows.at(row - 1) : undefined;
  if (found) return found;
  throw new LuthierError(
    'usage',
    `${name} has no row ${row}: it has ${counted(rows.length, 'row')}.`,
    'Rows count from 1.',
  );
}

function cellsOf(row: TableRow, columns: readonly { name: string; i: number }[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { name, i } of columns) {
    const json = row.json(i);
    const value = json === undefined ? row.value(i) : json;
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** Rows of a template's dataset that have a text in one of their cells. */
export async function listPromptRows(
  { text, data, limit, offset = 0, search = '', ...place }: ServiceRequests['prompt/rows']['params'],
  signal?: AbortSignal,
): Promise<ServiceRequests['prompt/rows']['result']> {
  const rows = await datasetOf(text, data, surroundingsOf(place), signal);
  if (!rows) throw noDataset('The template');
  const wanted = search.trim().toLowerCase();
  const found: { row: number; values: Record<string, unknown> }[] = [];
  let total = 0;
  for (let row = 1; row <= rows.length; row++) {
    const isShown = total >= offset && found.length < limit;
    if (wanted === '' && !isShown) {
      total++;
      continue;
    }
    const values = rows.at(row);
    const cells = Object.values(values).map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
    if (wanted !== '' && !cells.some((cell) => cell.toLowerCase().includes(wanted))) continue;
    if (isShown) found.push({ row, values });
    total++;
  }
  const left_out = rows.leftOut.reduce((sum, { count = 1 }) => sum + count, 0);
  return { columns: rows.columns, rows: found, total, ...(left_out > 0 && { left_out }) };
}

/** Rows of the data that a person names, or of the template's own dataset; null where there is neither. */
async function datasetOf(
  text: string,
  data: string | undefined,
  { folder, roots }: Surroundings,
  signal?: AbortSignal,
): Promise<PromptRows | null> {
  if (data !== undefined) return openPromptRows(resolve(data), signal);
  const { dataset } = parsePrompt(text);
  return dataset === undefined ? null : openPromptRows(await datasetInside(dataset, folder, roots), signal);
}

export const noDataset = (name: string): LuthierError =>
  new LuthierError(
    'usage',
    `${name} has no dataset, so it has no rows.`,
    'Name one: --data FILE, or luthier.dataset in the template.',
  );

/** The examples that are written into a template; the row itself, known by its inputs, is none of its own. */
export function writtenExamples(
  file: PromptFile,
  { rows = [], count }: PromptExamples,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown>[] {
  const own = rowKey(file, values);
  return rows
    .map((row) => inputValues(file, { row }))
    .filter((example) => rowKey(file, example) !== own)
    .slice(0, count);
}

/**
 * What tells a row from others by what it gives a template’s inputs, without regard to what the data’s own rules pass
 * over; of a template without inputs, by all that it has.
 */
export const rowKey = ({ inputs }: Pick<PromptFile, 'inputs'>, values: Readonly<Record<string, unknown>>): string =>
  nearText(
    JSON.stringify(
      inputs.length > 0
        ? inputs.map(({ name }) => values[name] ?? null)
        : Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  );

/**
 * The rows that a run keeps as its examples: those that drawExamples would draw, without the ones that it holds out. One
 * more than are shown, since a row passes over itself.
 */
export function drawnRows(
  rows: PromptRows,
  file: PromptFile,
  { count, seed }: PromptExamples,
  isHeldOut: (key: string) => boolean,
): Record<string, unknown>[] {
  const random = new Random(seed);
  const tried = new Set<number>();
  const drawn: Record<string, unknown>[] = [];
  while (drawn.length <= count && tried.size < rows.length) {
    const number = 1 + random.below(rows.length);
    if (tried.has(number)) continue;
    tried.add(number);
    const row = rows.at(number);
    if (!isHeldOut(rowKey(file, inputValues(file, { row })))) drawn.push(row);
  }
  return drawn;
}

/**
 * Few-shot examples: rows drawn from a dataset, as the template's inputs and the row's columns; always the same for a
 * seed. The row itself is none of its examples.
 * @param row the one that is rendered, where it is of the same dataset
 */
export function drawExamples(
  rows: PromptRows,
  file: PromptFile,
  { count, seed }: PromptExamples,
  row: number | null,
): Record<string, unknown>[] {
  const random = new Random(seed);
  const chosen = new Set<number>();
  // One more than asked for, so that the row can be passed over without another draw.
  const most = Math.min(count + 1, rows.length);
  while (chosen.size < most) chosen.add(1 + random.below(rows.length));
  return [...chosen]
    .filter((number) => number !== row)
    .slice(0, count)
    .map((number) => inputValues(file, { row: rows.at(number) }));
}
