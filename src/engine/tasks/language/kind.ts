import { counted } from '../../../protocol/index.ts';
import { type Pace, Stride } from '../../data/pace.ts';
import type { Problems } from '../../data/problems.ts';
import { SeenRows } from '../../data/seen-rows.ts';
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
  checkRows: (rows, problems, _rules, pace) => checkRepeats(rows, problems, noun, textOf, pace),
  checkLabels: () => {},
  numbered: (rows) => [...rows],
  texts: (row) => [textOf(row)],
  length: (row) => textOf(row).length,
  hasLabel: () => false,
});

async function checkRepeats<Row extends TaskRow>(
  rows: readonly Row[],
  problems: Problems,
  noun: string,
  textOf: (row: Row) => string,
  pace?: Pace,
): Promise<void> {
  const seen = new SeenRows(rows.length, (place) => textOf(rows[place]!));
  const stride = new Stride(pace);
  for (const [i, row] of rows.entries()) {
    const text = textOf(row);
    const wait = stride.step(text.length);
    if (wait) await wait;
    const first = seen.add(i, text);
    if (first === undefined) continue;
    problems.occurrence({ severity: 'info', code: 'duplicate-row' }, row.line, (where, count) =>
      count === 1
        ? `The ${noun} on ${where} repeats line ${rows[first]!.line}; both are kept.`
        : `${counted(count, noun)} repeat earlier ones (${where}); all are kept.`,
    );
  }
}
