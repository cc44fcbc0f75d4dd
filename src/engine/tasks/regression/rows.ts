import { ValueCells } from '../../data/answer-cells.ts';
import { labelledRows } from '../../data/checks.ts';
import { exampleOf, type Found, LABELLED } from '../../data/labelled.ts';
import type { LabelledRow, LabelledRows } from '../../data/labelled-rows.ts';
import { textKey } from '../../data/repeats.ts';
import type { Example, RowKind } from '../../data/types.ts';

/** A text with its value. */
export interface ValueExample extends Omit<Example, 'label'> {
  value: number;
}

/** Texts or pairs of texts, each with a number. */
export const VALUES: RowKind<ValueExample, LabelledRow, LabelledRows> = {
  ...LABELLED,
  name: 'regression',
  key: textKey,
  text: ({ text }) => text,
  stratum: () => 0,
  outputs: () => [0],
  rows: (table, columns, options) =>
    labelledRows(table, columns as Found, { ...options, cells: new ValueCells(columns.label!) }),
  // What transformers calls the only output, and what its pipeline says beside the number.
  labels: () => ['LABEL_0'],
  // Numbers are not counted as classes are.
  counts: () => [],
  checkLabels: (rows, columns, problems) => {
    const values = [...rows.classes().keys()];
    if (values.length !== 1) return;
    const column = columns.label!;
    problems.add(
      'error',
      'one-class',
      `Every row has the value ${values[0]} in “${column}”, so there is nothing to learn.`,
      {
        column,
      },
    );
  },
  numbered: (rows) => rows.map((row) => exampleOf(row, { value: Number(row.label) })),
};
