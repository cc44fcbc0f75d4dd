import { type Columns, LuthierError, type NewRow, type TaskName } from '../../protocol/index.ts';
import { type LabelsHow, setOf, TRUE } from './answer-cells.ts';
import { readLabelCell } from './label-cells.ts';
import { listed, quoted } from './problems.ts';
import { isEmpty, type Table } from './table.ts';

/** A cell that is to be written: a text, or several, which formats without lists write as a list of JSON. */
export type Cell = string | readonly string[];
/** Cells of a new row by their columns. */
export type Values = ReadonlyMap<string, Cell>;

/** What of a row tells it from others. */
export const textsOf = (row: NewRow): readonly string[] =>
  'tokens' in row ? [row.tokens.join(' ')] : row.text_pair === undefined ? [row.text] : [row.text, row.text_pair];

/** Labels of a row, of each word where it has words. */
export const labelsOf = (row: NewRow, task: TaskName): readonly string[] =>
  'tokens' in row ? row.tags : task === 'multi_label_classification' ? setOf(row.label) : [row.label];

/**
 * The cells of new rows, written as those of the others are.
 * @throws LuthierError `data-invalid` for a row that lacks something, or that the columns cannot hold
 */
export function valuesOf(
  rows: readonly NewRow[],
  table: Table,
  columns: Columns,
  { task, ...how }: LabelsHow & { task: TaskName },
): Values[] {
  const labelCells =
    task === 'multi_label_classification'
      ? cellsOfSets(table, columns.label!, how)
      : (label: string): [string, Cell][] => [[columns.label!, label]];
  return rows.map((row) =>
    'tokens' in row ? taggedValues(row, table, columns) : textValues(row, table, columns, labelCells),
  );
}

function textValues(
  row: Exclude<NewRow, { tokens: string[] }>,
  table: Table,
  columns: Columns,
  labelCells: (label: string) => [string, Cell][],
): Values {
  for (const field of ['text', 'label'] as const) {
    if (row[field].trim() === '') throw new LuthierError('data-invalid', `The new row has no ${field}.`, 'Add one.');
  }
  const { text, text_pair } = row;
  if ((columns.text_pair !== undefined) !== Boolean(text_pair?.trim())) {
    throw new LuthierError(
      'data-invalid',
      columns.text_pair === undefined
        ? `Rows of ${table.name} have one text, but the new row has two.`
        : `Rows of ${table.name} have two texts (“${columns.text}” and “${columns.text_pair}”), but the new row has only one.`,
      columns.text_pair === undefined ? 'Name the column of the second text in the recipe.' : 'Add the second text.',
    );
  }
  return new Map<string, Cell>([
    [columns.text!, text],
    ...labelCells(row.label),
    ...(columns.text_pair !== undefined && text_pair !== undefined ? [[columns.text_pair, text_pair] as const] : []),
  ]);
}

/** Any number of labels: in columns of 0 and 1, joined by what the others are joined by, or in a list. */
function cellsOfSets(
  table: Table,
  column: string,
  { label_separator: separator, label_columns: marked }: LabelsHow,
): (label: string) => [string, Cell][] {
  if (marked) {
    const { yes, no } = marksIn(table, marked);
    return (label) => {
      const set = setOf(label);
      const strange = set.filter((name) => !marked.includes(name));
      if (strange.length > 0)
        throw new LuthierError(
          'data-invalid',
          `${table.name} has no column for ${listed(strange.map(quoted))}, so nothing was added.`,
          'Add the column to the file first.',
        );
      return marked.map((name) => [name, set.includes(name) ? yes : no]);
    };
  }
  const index = table.columns.indexOf(column);
  const hasLists = table.rows.some((row) => {
    const cell = row.value(index);
    return !isEmpty(cell) && readLabelCell(cell).kind !== 'plain';
  });
  return (label) => {
    const set = setOf(label);
    if (separator !== undefined) {
      const odd = set.find((name) => name.includes(separator));
      if (odd === undefined) return [[column, set.join(separator)]];
      throw new LuthierError(
        'data-invalid',
        `The label ${quoted(odd)} contains ${quoted(separator)}, which stands between labels, so nothing was added.`,
        'Choose a label without it.',
      );
    }
    return [[column, hasLists || set.length > 1 ? set : (set[0] ?? '')]];
  };
}

/** The very words by which a file says yes and no. */
function marksIn(table: Table, columns: readonly string[]): { yes: string; no: string } {
  const indices = columns.map((name) => table.columns.indexOf(name));
  const found = new Map<boolean, string>();
  for (const row of table.rows) {
    for (const index of indices) {
      const cell = row.value(index)?.trim();
      const is = cell === undefined ? undefined : TRUE.get(cell.toLowerCase());
      if (is !== undefined && !found.has(is)) found.set(is, cell!);
    }
    if (found.size === 2) break;
  }
  return { yes: found.get(true) ?? '1', no: found.get(false) ?? '0' };
}

function taggedValues({ tokens, tags }: Extract<NewRow, { tokens: string[] }>, table: Table, columns: Columns): Values {
  if (tokens.length === 0 || tokens.length !== tags.length || tokens.some((word) => word.trim() === '')) {
    throw new LuthierError('data-invalid', 'The new sentence does not have one tag for each word.', 'Add the tags.');
  }
  const index = table.columns.indexOf(columns.tags!);
  const first = table.rows.find((row) => Array.isArray(row.json(index)))?.json(index) as unknown[] | undefined;
  if (first?.some((tag) => typeof tag === 'number')) {
    throw new LuthierError(
      'data-invalid',
      `${table.name} has numbers for tags, so nothing was added.`,
      'Write the tags as text, or add the sentence to the file yourself.',
    );
  }
  return new Map<string, Cell>([
    [columns.tokens!, tokens],
    [columns.tags!, tags],
  ]);
}
