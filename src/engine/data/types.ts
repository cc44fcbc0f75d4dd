import type { Columns, DataProblem, RowFields, Split, TaskName } from '../../protocol/index.ts';
import type { ColumnStats } from './column-stats.ts';
import type { Pace } from './pace.ts';
import type { Problems } from './problems.ts';
import type { DataRules } from './repeats.ts';
import type { RowIds } from './row-ids.ts';
import type { Table } from './table.ts';

/** A row of data, wherever it is from. */
export interface TaskRow {
  /** Absolute path of its file. */
  file: string;
  /** 1-based line that it starts on. */
  line: number;
  /** Rows of one group are never on two sides of a split. */
  group?: string;
}

/** A row as its file has it, before its labels are numbers. */
export interface WrittenRow extends TaskRow {
  /** Stays the same whatever is added before it (row-ids.ts). */
  readonly id: string;
}

/** The rows of a table, in its order: an array, or rows that are made when they are asked for. */
export interface WrittenRows<Written extends WrittenRow> extends Iterable<Written> {
  readonly length: number;
  at(place: number): Written | undefined;
  map<T>(make: (row: Written) => T): T[];
  filter(isWanted: (row: Written) => boolean): Written[];
  slice(from: number, to: number): Written[];
}

/** The rows of a recipe's dataset, in their parts, with all that was found in them. */
export interface TaskData<Row extends TaskRow> extends Record<Split, Row[]> {
  /** Names of the outputs, in their fixed order. */
  labels: string[];
  columns: Columns;
  columns_reason: string;
  problems: DataProblem[];
}

/** The rows that a trained model is measured on. */
export type EvaluationRows<Row extends TaskRow> = Omit<TaskData<Row>, Split | 'labels'> & {
  examples: Row[];
  /** Whether they are all rows of data that do not tell the split that was asked for. */
  isWhole: boolean;
};

/** What is known of the model that rows are read for. */
export interface ModelFacts {
  labels: readonly string[];
  /** Columns that it was trained on, one for each of its inputs; undefined where that is not known. */
  inputs: readonly string[] | undefined;
}

/** Columns as a model's own data called them. */
export interface OfModel {
  given: Columns;
  /** Why what a person has not given is so. */
  why: Columns;
  /** Whether two columns may be found to be the two texts of an example. */
  pairs?: boolean;
  /** @throws LuthierError `data-invalid` where the columns that were found lack something that the model reads */
  check?(columns: Columns): void;
}

export interface ColumnGuess {
  /** A field is absent when nothing fits. */
  columns: Columns;
  /** Why, in sentences that a person can check. */
  reason: string;
}

export interface ReadRowsOptions {
  /** Absolute path that rows without one of their own are said to be from. */
  file: string;
  problems: Problems;
  rules?: DataRules | undefined;
  /** Ids of the file's rows, where the table has only some of them. */
  names?: RowIds | undefined;
  pace?: Pace | undefined;
}

/**
 * How the data of a task are read: what its rows are, which belong together, and what is odd about them. Which columns
 * they are made of stands in the protocol's fields.ts. Reading, splitting, looking for leaks, keeping datasets and
 * showing rows is the same for all of them.
 */
export interface RowKind<
  Row extends TaskRow,
  Written extends WrittenRow,
  Rows extends WrittenRows<Written> = readonly Written[],
> {
  readonly name: TaskName;
  /** Rows with the same key are never on two sides of a split. */
  key(row: Row, rules?: DataRules): string;
  /** Rows of a stratum are divided in proportion. */
  stratum(row: Row, labels: readonly string[]): number;
  /** Labels of a row, by their numbers, where there are any. */
  outputs(row: Row): Iterable<number>;
  /** What a person wrote of it, by which its language is told. */
  text(row: Row): string;
  /** The table with columns opened that hold what is wanted in another form. */
  open?(table: Table, pace?: Pace): Promise<Table>;
  /** What is given, and what follows from the model that is measured. */
  ofModel?(table: Table, given: Columns, model: ModelFacts, pace?: Pace): Promise<OfModel>;
  /**
   * The columns of rows that may be written in several ways; where it is left out, each field's own guess.
   * @throws LuthierError `data-invalid` where a table has none of them
   */
  layout?(table: Table, given: Columns): ColumnGuess;
  /** What is given, and what follows from how the data are written. */
  named?(given: Columns): Columns;
  /** Why what follows is so. */
  readonly why?: Columns;
  /** The rows that have all that is needed; others are left out, or an error, and told. */
  rows(table: Table, columns: Columns, options: ReadRowsOptions): Promise<Rows>;
  /** Names of the outputs in the order of their numbers; none for a task that has no labels. */
  labels(rows: Rows): string[];
  /** How often each label occurs, the most frequent first. */
  counts(rows: Rows): { label: string; count: number }[];
  /** Says what stands in columns that are not used and may well be meant. */
  checkUnused?(
    table: Table,
    columns: Columns,
    given: Columns,
    stats: readonly ColumnStats[],
    problems: Problems,
    pace?: Pace,
  ): Promise<void>;
  /** Says what is odd about rows beside each other: repeats, contradictions. */
  checkRows(rows: Rows, problems: Problems, rules: DataRules, pace?: Pace): Promise<void>;
  /** Says what is odd about the labels of all rows that are learnt. */
  checkLabels(rows: Rows, columns: Columns, problems: Problems): void;
  /** Rows with numbers for labels. @throws LuthierError `data-invalid` for a label that is not among them */
  numbered(rows: Rows, labels: readonly string[], whose: string, problems: Problems): Row[];
  /** A row as rows.jsonl keeps it and pages show it, by the names of the fields. */
  stored(row: Written): RowFields;
  /** What is searched of it. */
  texts(row: Written): string[];
  /** How long it is: characters, or what else its task counts. */
  length(row: Written): number;
  hasLabel(row: Written, label: string): boolean;
  /** Whether columns were found that speak for this task; the first task is taken where none says so. */
  recognises?(columns: Columns): boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: rows are the kind's own affair
export type AnyRowKind = RowKind<any, any, any>;

/** One labelled text. `label` indexes the dataset's labels. */
export interface Example extends TaskRow {
  text: string;
  text_pair?: string;
  label: number;
}
