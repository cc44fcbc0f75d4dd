import { eachRepeat, reportRepeat } from '../../data/repeats.ts';
import type { RowKind, TaskRow, WrittenRow } from '../../data/types.ts';
import { checkUnused } from './columns.ts';

/** A row as its file has it is one that can be learnt: there are no labels to be numbered. */
export type Written<Row extends TaskRow> = Row & WrittenRow;

/** What the rows of all tasks have that learn to write, whatever their rows are. */
export const languageKind = <Row extends TaskRow>(
  noun: string,
  textOf: (row: Row) => string,
): Pick<
  RowKind<Row, Written<Row>>,
  | 'key'
  | 'stratum'
  | 'outputs'
  | 'text'
  | 'labels'
  | 'counts'
  | 'checkUnused'
  | 'checkRows'
  | 'checkLabels'
  | 'numbered'
  | 'texts'
  | 'length'
  | 'hasLabel'
> => ({
  key: textOf,
  stratum: () => 0,
  outputs: () => [],
  text: textOf,
  labels: () => [],
  counts: () => [],
  checkUnused: (table, columns, _given, _stats, problems) => checkUnused(table, columns, problems),
  checkRows: (rows, problems, _rules, pace) =>
    eachRepeat(rows, textOf, (row, first) => reportRepeat(problems, noun, row.line, () => first.line), pace),
  checkLabels: () => {},
  numbered: (rows) => [...rows],
  texts: (row) => [textOf(row)],
  length: (row) => textOf(row).length,
  hasLabel: () => false,
});
