import { type Columns, LuthierError } from '../../protocol/index.ts';
import { nearest, orMeant } from '../../protocol/nearest.ts';
import { labelledRows } from './checks.ts';
import { checkClasses, classCounts, compareLabels } from './classes.ts';
import { isUsualLabelName } from './columns.ts';
import { withListColumns } from './label-cells.ts';
import type { LabelledRow, LabelledRows } from './labelled-rows.ts';
import { KnownLabels } from './labels.ts';
import { type Pace, Stride } from './pace.ts';
import { listed, listedSome, type Problems, quoted } from './problems.ts';
import { checkRepeats, textKey } from './repeats.ts';
import { nameOf } from './row-source.ts';
import { isEmpty, type Table } from './table.ts';
import type { Example, ModelFacts, OfModel, RowKind } from './types.ts';
import { checkUnused } from './unused.ts';

export type Found = Columns & { text: string; label: string };

/** Texts or pairs of texts, each with one label. */
export const LABELLED: RowKind<Example, LabelledRow, LabelledRows> = {
  name: 'text-classification',
  key: textKey,
  stratum: ({ label }) => label,
  outputs: ({ label }) => [label],
  text: ({ text }) => text,
  open: (table, pace) => withListColumns(table, isUsualLabelName, pace),
  ofModel,
  rows: (table, columns, options) => labelledRows(table, columns as Found, options),
  labels: (rows) => [...rows.classes().keys()].sort(compareLabels),
  counts: classCounts,
  checkUnused,
  checkRows: checkRepeats,
  checkLabels: (rows, columns, problems) => checkClasses(rows, columns.label!, problems),
  numbered: toExamples,
  stored: ({ text, text_pair, label, group }) => ({
    text,
    ...(text_pair !== undefined && { text_pair }),
    label,
    ...(group !== undefined && { group }),
  }),
  texts: ({ text, text_pair }) => (text_pair === undefined ? [text] : [text, text_pair]),
  length: ({ text, text_pair }) => text.length + (text_pair?.length ?? 0),
  hasLabel: (row, label) => row.label === label,
};

/** Its texts are called as in its own data, and its labels stand in the one column that holds nothing else. */
async function ofModel(table: Table, own: Columns, { labels, inputs }: ModelFacts, pace?: Pace): Promise<OfModel> {
  const texts = inputs && columnsOfInputs(inputs, table, own);
  const why: Columns = {};
  for (const field of Object.keys(texts ?? {}) as (keyof Columns)[]) why[field] = 'as in the model’s training data';
  const given = { ...own, ...texts };
  const pairs = inputs?.length !== 1;
  const check = ({ text_pair }: Columns): void => {
    if (inputs?.length === 2 && text_pair === undefined) throw halfAPair(table, inputs);
  };
  const label = own.label ?? (await columnOf(new KnownLabels(labels), table, pace));
  if (label === undefined || label === given.text || label === given.text_pair) return { given, why, pairs, check };
  if (own.label === undefined) why.label = 'it contains the model’s classes';
  return { given: { ...given, label }, why, pairs, check };
}

/** The one column whose every value is a class that the model knows: a better guess than any name. */
export async function columnOf(known: KnownLabels, table: Table, pace?: Pace): Promise<string | undefined> {
  // Columns of which all values so far are classes, each with whether it has any.
  let fitting = table.columns.map((name, index) => ({ name, index, hasAny: false }));
  const stride = new Stride(pace);
  for (const row of table.rows) {
    if (fitting.length === 0) break;
    const wait = stride.step(row.bytes);
    if (wait) await wait;
    fitting = fitting.filter((column) => {
      const value = row.value(column.index);
      if (isEmpty(value)) return true;
      column.hasAny = true;
      return known.find(value.trim()) !== undefined;
    });
  }
  fitting = fitting.filter(({ hasAny }) => hasAny);
  return fitting.length === 1 ? fitting[0]!.name : undefined;
}

/** Columns for what a model was trained on: as its own data called them, where the table has these. */
export function columnsOfInputs(inputs: readonly string[], table: Table, given: Columns): Columns {
  const [text, pair] = inputs;
  const has = (name: string | undefined): name is string => name !== undefined && table.columns.includes(name);
  const fits = (field: 'text' | 'text_pair', name: string | undefined): name is string =>
    given[field] === undefined ? has(name) && !Object.values(given).includes(name) : given[field] === name;
  if (inputs.length === 2) return fits('text', text) && fits('text_pair', pair) ? { text, text_pair: pair } : {};
  return fits('text', text) ? { text } : {};
}

function toExamples(rows: LabelledRows, labels: readonly string[], whose: string, problems: Problems): Example[] {
  const known = new KnownLabels(labels);
  return rows.map((row) => {
    const label = known.find(row.label);
    if (label === undefined) throw unknownLabel(row, rows, known, whose);
    known.reportSpelling(row, label, whose, problems);
    return exampleOf(row, { label });
  });
}

/** A row as it is learnt: what stands in it, with its target. */
export function exampleOf<T extends object>(
  { text, text_pair, group, file, line }: LabelledRow,
  target: T,
): T & Omit<Example, 'label'> {
  const example: T & Omit<Example, 'label'> = { ...target, text, file, line };
  if (text_pair !== undefined) example.text_pair = text_pair;
  if (group !== undefined) example.group = group;
  return example;
}

function unknownLabel(row: LabelledRow, rows: LabelledRows, known: KnownLabels, whose: string): LuthierError {
  const { labels } = known;
  const near = nearest(row.label, labels, Math.max(1, row.label.length / 3));
  const unknown = [...rows.classes().keys()].filter((label) => known.find(label) === undefined);
  const asPlaces = known.asPlaces(unknown);
  const isModel = whose === 'the model';
  const elsewhere = isModel ? '' : ', or add training rows of that class';
  return new LuthierError(
    'data-invalid',
    `${nameOf(row.file)}, line ${row.line}: the label ${quoted(row.label)} ${isModel ? 'is unknown to the model' : 'does not occur in the training rows'}${orMeant(asPlaces ? undefined : near)}`,
    `The known labels are ${listedSome(labels, 10)}. ${asPlaces ?? `Correct the label${elsewhere}.`}`,
  );
}

/** A model of pairs is given a table without its second texts. */
export function halfAPair(table: Table, [text, pair]: readonly string[]): LuthierError {
  return new LuthierError(
    'data-invalid',
    `The model was trained on pairs of texts (“${text}” and “${pair}”), but ${table.name} has no column for the second text.`,
    `Call its columns “${text}” and “${pair}”, or name them in a terminal with --text-column and --text-pair-column. Its columns are ${listed(table.columns.slice(0, 20).map((column) => `“${column}”`))}.`,
  );
}
