import { counted, LuthierError } from '../../../protocol/index.ts';
import { nearest, orMeant } from '../../../protocol/nearest.ts';
import { SeveralLabels, setOf } from '../../data/answer-cells.ts';
import { labelledRows } from '../../data/checks.ts';
import { compareLabels, reportJoined, reportSimilar } from '../../data/classes.ts';
import { isUsualLabelName } from '../../data/columns.ts';
import { MOST_LABELS, withListColumns } from '../../data/label-cells.ts';
import { exampleOf, type Found, LABELLED } from '../../data/labelled.ts';
import type { LabelledRow, LabelledRows } from '../../data/labelled-rows.ts';
import { listed, listedSome, places, quoted } from '../../data/problems.ts';
import { checkRepeats, textKey } from '../../data/repeats.ts';
import { nameOf } from '../../data/row-source.ts';
import type { Example, RowKind } from '../../data/types.ts';
import { checkUnused } from '../../data/unused.ts';
import type { TaskSettings } from '../task.ts';

/** A text with its labels: for each label of the dataset 1 where it holds, 0 where it does not. */
export interface LabelsExample extends Omit<Example, 'label'> {
  targets: Float32Array;
  /** Rows of a stratum are divided in proportion. */
  stratum: number;
}

/** Combinations of labels of fewer rows than this are divided by the rarest of their labels. */
const COMMON = 10;

/** Texts or pairs of texts with any number of labels. @param how they are written */
export const labelSets = (how: TaskSettings): RowKind<LabelsExample, LabelledRow, LabelledRows> => ({
  ...LABELLED,
  name: 'multi_label_classification',
  key: textKey,
  text: ({ text }) => text,
  stratum: ({ stratum }) => stratum,
  outputs: ({ targets }) => [...targets.keys()].filter((k) => targets[k] === 1),
  named: (given) =>
    how.label_columns && given.label === undefined ? { ...given, label: how.label_columns[0]! } : given,
  ...(how.label_columns && { why: { label: `the first of ${counted(how.label_columns.length, 'label column')}` } }),
  open: (table, pace) => {
    const lacking = (how.label_columns ?? []).filter((name) => !table.columns.includes(name));
    if (lacking.length > 0) {
      throw new LuthierError(
        'data-invalid',
        `${table.name} has no column ${listed(lacking.map((name) => `“${name}”`))}, named in label_columns.`,
        `Its columns are ${listed(table.columns.slice(0, 20).map((column) => `“${column}”`))}.`,
      );
    }
    return withListColumns(table, isUsualLabelName, pace, MOST_LABELS);
  },
  rows: (table, columns, options) =>
    labelledRows(table, columns as Found, {
      ...options,
      cells: new SeveralLabels(columns.label!, how, table.columns),
    }),
  labels: (rows) => [...new Set([...rows.classes().keys()].flatMap(setOf))].sort(compareLabels),
  counts,
  // Columns of labels are used, though only the first stands for them.
  checkUnused: (table, columns, given, stats, problems, pace) =>
    checkUnused(
      table,
      columns,
      given,
      stats.filter(({ name }) => !how.label_columns?.includes(name)),
      problems,
      pace,
    ),
  checkRows: (rows, problems, rules, pace) =>
    checkRepeats(rows, problems, rules, pace, { first: setInWords, other: setInWords }),
  checkLabels: (rows, columns, problems) => {
    const all = counts(rows);
    const at = { column: columns.label! };
    if (rows.length === 0) return;
    if (all.length === 0) {
      problems.add('error', 'one-class', `No row has a label in “${at.column}”, so there is nothing to learn.`, at);
      return;
    }
    const single = all.filter(({ count }) => count === 1);
    if (single.length > 0) {
      const lines = [...rows.classes()].flatMap(([set, { lines }]) =>
        setOf(set).some((label) => single.some((one) => one.label === label)) ? [lines[0]!] : [],
      );
      const names = listedSome(
        single.map(({ label }) => label),
        5,
      );
      problems.add(
        'warning',
        'single-row-class',
        `${single.length === 1 ? 'The label' : 'The labels'} ${names} ${single.length === 1 ? 'has only one row' : 'have only one row each'} (${places(lines.sort((a, b) => a - b))}). Add more rows, or correct a misspelled label.`,
        at,
      );
    }
    reportSimilar(all, at.column, problems);
    if (how.label_separator === undefined && how.label_columns === undefined)
      reportJoined(all, rows, at.column, problems, true);
  },
  numbered: (rows, labels, whose) => {
    const numbers = new Map(labels.map((label, k) => [label, k]));
    const sets = rows.classes();
    const known = new Map<string, Float32Array>();
    for (const [set, { lines }] of sets) {
      const targets = new Float32Array(labels.length);
      for (const label of setOf(set)) {
        const k = numbers.get(label);
        if (k === undefined) throw unknownLabel(rows, label, lines[0]!, labels, whose);
        targets[k] = 1;
      }
      known.set(set, targets);
    }
    const stratumOf = strata(sets, known);
    return rows.map((row) => exampleOf(row, { targets: known.get(row.label)!, stratum: stratumOf.get(row.label)! }));
  },
  hasLabel: (row, label) => setOf(row.label).includes(label),
});

/** The labels of a row within a sentence. */
const setInWords = (label: string): string => listed(setOf(label).map(quoted)) || 'no label';

function counts(rows: LabelledRows): { label: string; count: number }[] {
  const found = new Map<string, number>();
  for (const [set, { count }] of rows.classes())
    for (const label of setOf(set)) found.set(label, (found.get(label) ?? 0) + count);
  return [...found]
    .map(([label, count]) => ({ label, count }))
    .sort((a, b) => b.count - a.count || compareLabels(a.label, b.label));
}

/** A number for each combination that is common, and for the others one by the rarest of their labels. */
function strata(
  sets: ReadonlyMap<string, { count: number }>,
  targets: ReadonlyMap<string, Float32Array>,
): Map<string, number> {
  const rowsOf = new Map<number, number>();
  const labelsIn = (set: string) => [...targets.get(set)!.keys()].filter((k) => targets.get(set)![k] === 1);
  for (const [set, { count }] of sets) for (const k of labelsIn(set)) rowsOf.set(k, (rowsOf.get(k) ?? 0) + count);
  let next = targets.size === 0 ? 0 : [...targets.values()][0]!.length;
  return new Map(
    [...sets].map(([set, { count }]) => {
      const rarest = labelsIn(set).sort((a, b) => rowsOf.get(a)! - rowsOf.get(b)!)[0];
      return [set, count >= COMMON || rarest === undefined ? ++next : rarest];
    }),
  );
}

function unknownLabel(
  rows: LabelledRows,
  label: string,
  line: number,
  labels: readonly string[],
  whose: string,
): LuthierError {
  const isModel = whose === 'the model';
  const near = nearest(label, labels, Math.max(1, label.length / 3));
  return new LuthierError(
    'data-invalid',
    `${nameOf(rows.at(0)!.file)}, line ${line}: the label ${quoted(label)} ${isModel ? 'is unknown to the model' : 'does not occur in the training rows'}${orMeant(near)}`,
    `The ${counted(labels.length, 'known label')}: ${listedSome(labels, 10)}. Correct the label${isModel ? '' : ', or add training rows that have it'}.`,
  );
}
