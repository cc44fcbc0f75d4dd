import { type Columns, type Field, GROUP, LuthierError, type TaskName } from '../../../protocol/index.ts';
import { OTHER_NAMES } from '../../data/names.ts';
import { saysOtherTask } from '../../data/other-task.ts';
import { listed, listedSome, type Problems, quoted } from '../../data/problems.ts';
import type { TableRow } from '../../data/row-record.ts';
import type { Table } from '../../data/table.ts';

/** A column of a table that holds a field, and why it is thought to. */
export interface Found {
  name: string;
  index: number;
  why: string;
}

/**
 * The column that is given for a field, or the one with its likeliest usual name.
 * @throws LuthierError `data-invalid` where a given column is not there
 */
export function columnNamed(table: Table, field: Field, given: Columns): Found | undefined {
  const wanted = given[field.name];
  if (wanted !== undefined) {
    const index = table.columns.indexOf(wanted);
    if (index < 0) throw noColumn(table, `${table.name} has no column ${quoted(wanted)} for the ${field.title}.`);
    return { name: wanted, index, why: 'given' };
  }
  const taken = new Set(Object.values(given));
  const lower = table.columns.map((name) => name.trim().toLowerCase());
  for (const usual of field.usual) {
    const index = lower.indexOf(usual);
    const name = table.columns[index];
    if (name !== undefined && !taken.has(name)) return { name, index, why: 'a common name' };
  }
  return undefined;
}

/** That no column is one that a task needs, and which task reads those that are there. @param needs what would do */
export const lacksColumns = (table: Table, task: TaskName, what: string, needs: string): LuthierError =>
  noColumn(
    table,
    `${table.name} has no column of ${what}.`,
    ` It needs ${needs}; name them under “columns”.${saysOtherTask(table, task)}`,
  );

const noColumn = (table: Table, message: string, instead = ''): LuthierError =>
  new LuthierError('data-invalid', message, `${saysColumns(table.columns)}${instead}`);

const saysColumns = (columns: readonly string[]): string =>
  `Its ${columns.length === 1 ? 'only column is' : 'columns are'} ${listed(columns.slice(0, 20).map(quoted))}.`;

/** What rows of one document or customer have in common, where a column says so. */
export function groupIn(table: Table, columns: Columns): (row: TableRow) => { group?: string } {
  const index = columns.group === undefined ? undefined : columnNamed(table, GROUP, columns)!.index;
  return (row) => {
    const group = index === undefined ? undefined : row.value(index)?.trim();
    return group ? { group } : {};
  };
}

/** Says which of a table's columns are not read; what only names or numbers rows is not missed. */
export async function checkUnused({ columns, ids, format }: Table, used: Columns, problems: Problems): Promise<void> {
  if (format === 'text') return;
  const read = new Set([...Object.values(used), ids]);
  const others = columns.filter((name) => !read.has(name) && !OTHER_NAMES.includes(name.toLowerCase()));
  if (others.length === 0) return;
  const named = listedSome(others, 5);
  problems.add(
    'info',
    'unused-column',
    `The model does not see the ${others.length === 1 ? 'column' : 'columns'} ${named}.`,
  );
}
