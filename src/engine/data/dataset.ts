import { closest, distance } from 'fastest-levenshtein';
import { type Columns, counted, type DataProblem, type DatasetReference, LuthierError } from '../../protocol/index.ts';
import { checkClasses, compareLabels } from './classes.ts';
import { isUsualLabelName } from './columns.ts';
import { refuseUnsure } from './encoding.ts';
import { holdOut, KeptSplit } from './hold-out.ts';
import { withListColumns } from './label-cells.ts';
import type { LabelledRow, LabelledRows } from './labelled-rows.ts';
import { KnownLabels } from './labels.ts';
import { withoutLeaks } from './leaks.ts';
import { type Pace, pacer, Stride } from './pace.ts';
import { bySeverity, listed, Problems, quoted } from './problems.ts';
import { readTable } from './read.ts';
import { checkRepeats, type DataRules } from './repeats.ts';
import { type Part, type PartName, ROWS_OF, resolveDataset } from './resolve.ts';
import { inSource, nameOf } from './row-source.ts';
import { isEmpty, type Table } from './table.ts';
import type { ClassificationDataset, Example } from './types.ts';
import { type Understood, understand } from './understand.ts';

export interface LoadOptions {
  /** Folder that relative paths are looked up from: the recipe's. */
  base: string;
  columns?: Columns | undefined;
  /** Of the data's files; without it, one that is uncertain refuses the data. */
  encoding?: string | undefined;
  /** Share held out when the data set names no validation part; 0 for none. From 0 to below 1. */
  validation_split: number;
  seed: number;
  /** Classes in their order where a model fixes them; otherwise the training part's, sorted. */
  labels?: readonly string[] | undefined;
  /** Whether the recipe weighs classes: then it need not be offered. */
  weighted?: boolean | undefined;
  /** Whether a split that is made of a dataset's folder is kept there, so that its rows stay on their side. */
  keepsSplit?: boolean | undefined;
  /** How rows are understood; 2 unless the run was started by 0.1.0. */
  rules?: DataRules | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Reads, checks and splits the data of a text classification. What was guessed, left out or looks wrong is in
 * `problems`, as warnings and notes; an error among them refuses the data.
 * @throws LuthierError `data-unreadable`, `data-invalid` (naming file, line or column), `usage` (validation_split
 *   out of range), `cancelled`.
 */
export async function loadClassificationDataset(
  reference: DatasetReference,
  options: LoadOptions,
): Promise<ClassificationDataset> {
  const { validation_split: share, rules = 2 } = options;
  if (!(share >= 0 && share < 1)) {
    throw new LuthierError(
      'usage',
      `validation_split is ${share}; it must be at least 0 and less than 1.`,
      'Set it to 0.1, for example.',
    );
  }
  const { parts, columns: own, made } = await resolveDataset(reference, options.base);
  const reader = new PartReader(Object.keys(parts).length > 1, rules, options.encoding, options.signal);
  const train = await reader.read('train', parts.train, { ...own, ...options.columns }, { tellsUnused: true });
  if (!options.labels) checkClasses(train.rows, train.columns.label, train.problems);
  // The same names must hold in every part; guessing again could pick others.
  const validation = parts.validation && (await reader.read('validation', parts.validation, train.columns));
  const test = parts.test && (await reader.read('test', parts.test, train.columns));
  reader.refuseErrors();

  const labels = options.labels ?? [...train.rows.classes().keys()].sort(compareLabels);
  const whose = options.labels ? 'the model' : 'the training rows';
  const known = new KnownLabels(labels);
  const examples = (part: ReadPart | undefined): Example[] => (part ? toExamples(part, known, whose) : []);
  const dataset: ClassificationDataset = {
    labels: [...labels],
    train: examples(train),
    validation: examples(validation),
    test: examples(test),
    columns: train.columns,
    columns_reason: train.reason,
    problems: [],
  };
  const leaks = (name: 'validation' | 'test', others: readonly PartName[], problems: Problems): Example[] =>
    withoutLeaks(dataset[name], name, dataset, others, problems, rules);
  if (validation) dataset.validation = leaks('validation', ['train', 'test'], validation.problems);
  if (test) dataset.test = leaks('test', ['train'], test.problems);
  if (!validation && share > 0) {
    const kept = rules > 1 && made ? new KeptSplit(made, train, { seed: options.seed, validation_split: share }) : null;
    const split = holdOut(dataset, train.problems, { share, seed: options.seed, rules }, kept);
    if (options.keepsSplit) await kept?.keep(split, train.problems);
  }
  dataset.problems = reader.problems().filter(({ code }) => code !== 'imbalanced' || !options.weighted);
  return dataset;
}

export interface EvaluationData {
  examples: Example[];
  columns: Columns;
  columns_reason: string;
  problems: DataProblem[];
}

/** What a trained model is measured on, and by. */
export interface EvaluationLoadOptions {
  base: string;
  columns?: Columns | undefined;
  encoding?: string | undefined;
  /** The model's. */
  labels: readonly string[];
  /** Columns that the model was trained on, one for each of its texts; undefined where that is not known. */
  inputs?: readonly string[] | undefined;
  split: 'validation' | 'test';
  signal?: AbortSignal | undefined;
}

/**
 * Reads the rows that a trained model is measured on: the named part of the data set, or the whole file when the
 * reference is one file.
 * @throws LuthierError as loadClassificationDataset; `data-invalid` when the data set has no such part, or a row has a
 *   label that the model does not know.
 */
export async function loadEvaluationData(
  reference: DatasetReference,
  options: EvaluationLoadOptions,
): Promise<EvaluationData> {
  const { parts, columns: own } = await resolveDataset(reference, options.base);
  const isWhole = Object.keys(parts).length === 1;
  const part = parts[options.split] ?? (isWhole ? parts.train : undefined);
  if (!part) {
    throw new LuthierError(
      'data-invalid',
      `The dataset has no ${options.split} rows, only ${listed(Object.keys(parts).map((name) => ROWS_OF[name as PartName]))}.`,
      'Name a file, or choose another split with --split.',
    );
  }
  const reader = new PartReader(false, 2, options.encoding, options.signal);
  const known = new KnownLabels(options.labels);
  const read = await reader.read(
    options.split,
    part,
    { ...own, ...options.columns },
    { known, inputs: options.inputs },
  );
  reader.refuseErrors();
  const examples = toExamples(read, known, 'the model');
  return { examples, columns: read.columns, columns_reason: read.reason, problems: reader.problems() };
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

interface ReadPart extends Understood {
  problems: Problems;
}

interface ReadOptions {
  /** Classes of a model, by which the column of labels is found. */
  known?: KnownLabels;
  inputs?: readonly string[] | undefined;
  tellsUnused?: boolean;
}

/** Reads the parts of one data set, each file once, and keeps what was found in each. */
class PartReader {
  private readonly tables = new Map<string, Table>();
  private readonly found: { file: string; prefix: string; list: () => DataProblem[] }[] = [];

  constructor(
    private readonly hasSeveral: boolean,
    private readonly rules: DataRules,
    private readonly encoding: string | undefined,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async read(name: PartName, part: Part, given: Columns, options: ReadOptions = {}): Promise<ReadPart> {
    const table = await this.table(part);
    // What is wrong with the file comes before what it makes of columns and classes.
    this.refuseErrors();
    const problems = new Problems();
    const prefix = part.selected === undefined ? `${nameOf(part.file)}: ` : `${name}: `;
    const file = part.source?.file ?? part.file;
    this.found.push({ file, prefix: this.hasSeveral ? prefix : '', list: () => problems.list() });
    const { selected, source } = part;
    let count = 0;
    const read = await understand(table, {
      signal: this.signal,
      file: part.file,
      ...(await this.columns(table, given, options)),
      problems,
      rules: this.rules,
      pairs: options.inputs?.length !== 1,
      choose: (whole, names) => {
        const rows = selected ? whole.rows.filter((row) => selected.has(row, names)) : whole.rows;
        count = rows.length;
        return inSource(whole, source, rows);
      },
      tellsUnused: options.tellsUnused,
    });
    if (options.inputs?.length === 2 && read.columns.text_pair === undefined) throw halfAPair(table, options.inputs);
    if (selected?.count !== undefined && count < selected.count) {
      problems.add(
        'info',
        'missing-rows',
        `${counted(selected.count - count, 'row')} that splits.json holds out as ${ROWS_OF[name]} rows ${selected.count - count === 1 ? 'is' : 'are'} no longer in the dataset.`,
      );
    }
    if (read.rows.length === 0 && !problems.has('error')) {
      problems.add('error', 'no-rows', `No ${ROWS_OF[name]} row has both a text and a label.`);
    }
    await checkRepeats(read.rows, problems, this.rules, pacer(this.signal));
    return { ...read, problems };
  }

  /** What is given, and what follows from the model that is measured. */
  private async columns(
    table: Table,
    given: Columns,
    { known, inputs }: ReadOptions,
  ): Promise<{ given: Columns; why: Columns }> {
    const texts = inputs && columnsOfInputs(inputs, table, given);
    const why: Columns = {};
    for (const field of Object.keys(texts ?? {}) as (keyof Columns)[]) why[field] = 'as in the model’s training data';
    const columns = { ...given, ...texts };
    const label = given.label ?? (known && (await columnOf(known, table, pacer(this.signal))));
    if (label === undefined || label === columns.text || label === columns.text_pair) return { given: columns, why };
    if (given.label === undefined) why.label = 'it contains the model’s classes';
    return { given: { ...columns, label }, why };
  }

  private async table(part: Part): Promise<Table> {
    const known = this.tables.get(part.file);
    if (known) return known;
    const encoding = part.encoding ?? this.encoding;
    const read = {
      ...(await readTable({ file: part.file }, { encoding, signal: this.signal })),
      name: nameOf(part.file),
      ...(part.ids && { ids: part.ids }),
    };
    // Before anything is said of columns that may look odd because of it.
    refuseUnsure(read.name, read.encodingGuess);
    const table = this.rules > 1 ? await withListColumns(read, isUsualLabelName, pacer(this.signal)) : read;
    // Only a data set's folder has its parts in one file; other tables are not kept alive.
    if (part.selected) this.tables.set(part.file, table);
    const { problems } = table;
    const prefix = this.hasSeveral ? `${table.name}: ` : '';
    this.found.push({ file: part.file, prefix, list: () => problems });
    return table;
  }

  /** Errors first, then warnings, then notes. */
  problems(): (DataProblem & { file: string })[] {
    return this.found
      .flatMap(({ file, prefix, list }) =>
        list().map((problem) => ({ ...problem, message: `${prefix}${problem.message}`, file })),
      )
      .sort(bySeverity);
  }

  refuseErrors(): void {
    const errors = this.problems().filter((problem) => problem.severity === 'error');
    const [first] = errors;
    if (!first) return;
    const name = nameOf(first.file);
    const message = first.message.startsWith(name) ? first.message : `${name}: ${first.message}`;
    const more = errors.length > 1 ? ` ${counted(errors.length - 1, 'more error')}.` : '';
    throw new LuthierError('data-invalid', message + more, `Run “luthier data inspect ${name}” to see all problems.`);
  }
}

function toExamples({ rows, problems }: ReadPart, known: KnownLabels, whose: string): Example[] {
  return rows.map((row) => {
    const label = known.find(row.label);
    if (label === undefined) throw unknownLabel(row, rows, known, whose);
    known.reportSpelling(row, label, whose, problems);
    const { text, text_pair, group, file, line } = row;
    const example: Example = { text, label, file, line };
    if (text_pair !== undefined) example.text_pair = text_pair;
    if (group !== undefined) example.group = group;
    return example;
  });
}

function unknownLabel(row: LabelledRow, rows: LabelledRows, known: KnownLabels, whose: string): LuthierError {
  const { labels } = known;
  const near = labels.length > 0 ? closest(row.label, [...labels]) : undefined;
  const isNear = near !== undefined && distance(row.label, near) <= Math.max(1, row.label.length / 3);
  const unknown = [...rows.classes().keys()].filter((label) => known.find(label) === undefined);
  const asPlaces = known.asPlaces(unknown);
  const names = [...labels.slice(0, 10).map(quoted), ...(labels.length > 10 ? [`${labels.length - 10} more`] : [])];
  const isModel = whose === 'the model';
  const elsewhere = isModel ? '' : ', or add training rows of that class';
  return new LuthierError(
    'data-invalid',
    `${nameOf(row.file)}, line ${row.line}: the label ${quoted(row.label)} ${isModel ? 'is unknown to the model' : 'does not occur in the training rows'}${isNear && !asPlaces ? `; did you mean ${quoted(near)}?` : '.'}`,
    `The known labels are ${listed(names)}. ${asPlaces ?? `Correct the label${elsewhere}.`}`,
  );
}

/** A model of pairs is given a table without its second texts. */
export function halfAPair(table: Table, [text, pair]: readonly string[]): LuthierError {
  return new LuthierError(
    'data-invalid',
    `The model was trained on pairs of texts (“${text}” and “${pair}”), but ${table.name} has no column for the second text.`,
    `Name both with --text-column and --text-pair-column. Its columns are ${listed(table.columns.slice(0, 20).map((column) => `“${column}”`))}.`,
  );
}
