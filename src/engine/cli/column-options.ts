import { type Command, Option } from 'commander';
import {
  type Columns,
  columnFields,
  type Field,
  type LabelsWritten,
  LuthierError,
  TASKS,
  type TaskName,
} from '../../protocol/index.ts';

type FieldName = keyof Columns;

/** What commands that read rows take to say where and how these are written, by commander's names. */
export type ColumnOptions = { [name in FieldName as `${CamelCase<name>}Column`]?: string } & {
  labelSeparator?: string;
  labelColumns?: string[];
};

type CamelCase<S extends string> = S extends `${infer A}_${infer B}` ? `${A}${Capitalize<CamelCase<B>>}` : S;

/** Every field that a column may be named for, in the order of the tasks, with the first task's words for it. */
const ALL: readonly Field[] = TASKS.flatMap(({ name }) => columnFields(name)).filter(
  ({ name }, at, all) => all.findIndex((field) => field.name === name) === at,
);

const flagOf = (name: string): string => `--${name.replaceAll('_', '-')}-column`;

/** `text-pair-column` as commander calls it. */
const keyOf = (name: string): keyof ColumnOptions =>
  `${name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())}Column` as keyof ColumnOptions;

const SEVERAL = 'multi_label_classification';

/** Which columns a file's fields stand in. @param isRead says which fields the command reads; all when absent */
export function withColumns(command: Command, isRead: (field: Field) => boolean = () => true): Command {
  for (const { name, detail } of ALL.filter(isRead)) {
    command.addOption(new Option(`${flagOf(name)} <name>`, detail.replace(/^C/, 'c').replace(/\.$/, '')));
  }
  return command;
}

/** How several labels of a row are written. */
export const withSeveralLabels = (command: Command): Command =>
  command
    .option('--label-separator <text>', `what stands between the labels of one cell (${SEVERAL})`)
    .option('--label-columns <names...>', `columns of 0 and 1, one for each label (${SEVERAL})`);

/** Columns by the fields that options name them for. */
export function columnsFrom(options: ColumnOptions): Columns {
  const named = ALL.flatMap(({ name }) => {
    const column = options[keyOf(name)];
    return column === undefined ? [] : [[name, column]];
  });
  return Object.fromEntries(named) as Columns;
}

/** @throws LuthierError `usage` for a column of a field that such rows have not */
export function refuseOtherColumns(columns: Columns, task: TaskName, whose: string): void {
  const fields = columnFields(task).map(({ name }) => name);
  const other = (Object.keys(columns) as FieldName[]).find((name) => !fields.includes(name));
  if (other === undefined) return;
  const those = fields.map(flagOf).join(', ');
  throw new LuthierError('usage', `${whose} ${task}, which has no ${flagOf(other)}.`, `It has ${those}.`);
}

/** How several labels are written, where an option says it. @throws LuthierError `usage` where it does not fit */
export function labelsWrittenIn(
  { labelSeparator, labelColumns }: ColumnOptions,
  task: TaskName = SEVERAL,
  whose = '--task is',
): LabelsWritten | undefined {
  if (labelSeparator === undefined && !labelColumns) return undefined;
  if (labelSeparator === '')
    throw new LuthierError(
      'usage',
      '--label-separator is empty.',
      'Pass what stands between the labels of one cell, such as --label-separator "|".',
    );
  if (task !== SEVERAL)
    throw new LuthierError('usage', `--label-separator and --label-columns are for ${SEVERAL}, and ${whose} ${task}.`);
  if (labelSeparator !== undefined && labelColumns)
    throw new LuthierError('usage', '--label-separator and --label-columns are both given.', 'Keep one of them.');
  return labelColumns ? { label_columns: labelColumns } : { label_separator: labelSeparator! };
}

/** The task that rows are for, where the options tell. */
export const taskFrom = (task: TaskName | undefined, how: LabelsWritten | undefined): TaskName | undefined =>
  how ? SEVERAL : task;

/** Options that name columns for what a task needs. */
export const flagsOf = (fields: readonly Field[]): string[] => fields.map(({ name }) => flagOf(name));
