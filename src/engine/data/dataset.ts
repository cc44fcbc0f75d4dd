import { shellQuoted } from '../../files/shell.ts';
import {
  type Columns,
  counted,
  type DataProblem,
  type DatasetReference,
  LuthierError,
  lackingFields,
  type TaskName,
  taskOf,
} from '../../protocol/index.ts';
import { neededOf } from './checks.ts';
import { refuseUnsure } from './encoding.ts';
import { holdOut, KeptSplit } from './hold-out.ts';
import { withoutLeaks } from './leaks.ts';
import { pacer } from './pace.ts';
import { bySeverity, listed, Problems } from './problems.ts';
import { readTable } from './read.ts';
import type { DataRules } from './repeats.ts';
import { type Part, type PartName, type ResolvedDataset, ROWS_OF, readsFolders, resolveDataset } from './resolve.ts';
import { inSource, nameOf } from './row-source.ts';
import { problemsBeside, type Table } from './table.ts';
import type { EvaluationRows, ModelFacts, RowKind, TaskData, TaskRow, WrittenRow, WrittenRows } from './types.ts';
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
 * Reads, checks and splits the data of a task. What was guessed, left out or looks wrong is in `problems`, as warnings
 * and notes; an error among them refuses the data.
 * @throws LuthierError `data-unreadable`, `data-invalid` (naming file, line or column), `usage` (validation_split
 *   out of range), `cancelled`.
 */
export async function loadDataset<Row extends TaskRow, Written extends WrittenRow, Rows extends WrittenRows<Written>>(
  kind: RowKind<Row, Written, Rows>,
  reference: DatasetReference,
  options: LoadOptions,
): Promise<TaskData<Row>> {
  const { validation_split: share, rules = 2 } = options;
  if (!(share >= 0 && share < 1)) {
    throw new LuthierError(
      'usage',
      `validation_split is ${share}; it must be at least 0 and less than 1.`,
      'Set it to 0.1, for example.',
    );
  }
  const { parts, columns: own, made } = await resolveFor(kind.name, reference, options.base);
  const reader = new PartReader(kind, Object.keys(parts).length > 1, rules, options.encoding, options.signal);
  const train = await reader.read('train', parts.train, { ...own, ...options.columns }, { tellsUnused: true });
  if (!options.labels) kind.checkLabels(train.rows, train.columns, train.problems);
  // The same names must hold in every part; guessing again could pick others.
  const validation = parts.validation && (await reader.read('validation', parts.validation, train.columns));
  const test = parts.test && (await reader.read('test', parts.test, train.columns));
  reader.refuseErrors();

  const labels = options.labels ?? kind.labels(train.rows);
  const whose = options.labels ? 'the model' : `the training ${taskOf(kind.name).row}s`;
  const numbered = (part: ReadPart<Rows> | undefined): Row[] =>
    part ? kind.numbered(part.rows, labels, whose, part.problems) : [];
  const dataset: TaskData<Row> = {
    labels: [...labels],
    train: numbered(train),
    validation: numbered(validation),
    test: numbered(test),
    columns: train.columns,
    columns_reason: train.reason,
    problems: [],
  };
  const leaks = (name: 'validation' | 'test', others: readonly PartName[], problems: Problems): Row[] =>
    withoutLeaks(kind, name, dataset, others, problems, rules);
  if (validation) dataset.validation = leaks('validation', ['train', 'test'], validation.problems);
  if (test) dataset.test = leaks('test', ['train'], test.problems);
  if (!validation && share > 0) {
    const kept = rules > 1 && made ? new KeptSplit(made, train, { seed: options.seed, validation_split: share }) : null;
    const split = holdOut(kind, dataset, train.problems, { share, seed: options.seed, rules }, kept);
    if (options.keepsSplit) await kept?.keep(split, train.problems);
  }
  dataset.problems = reader.problems().filter(({ code }) => code !== 'imbalanced' || !options.weighted);
  return dataset;
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
 * @throws LuthierError as loadDataset; `data-invalid` when the data set has no such part, or a row has a label that the
 *   model does not know.
 */
export async function loadEvaluation<
  Row extends TaskRow,
  Written extends WrittenRow,
  Rows extends WrittenRows<Written>,
>(
  kind: RowKind<Row, Written, Rows>,
  reference: DatasetReference,
  options: EvaluationLoadOptions,
): Promise<EvaluationRows<Row>> {
  const { parts, columns: own } = await resolveFor(kind.name, reference, options.base);
  const isWhole = Object.keys(parts).length === 1;
  const part = parts[options.split] ?? (isWhole ? parts.train : undefined);
  if (!part) {
    throw new LuthierError(
      'data-invalid',
      `The dataset has no ${options.split} rows, only ${listed(Object.keys(parts).map((name) => ROWS_OF[name as PartName]))}.`,
      'Name a file, or choose another split with --split.',
    );
  }
  const { labels, inputs } = options;
  const reader = new PartReader(kind, false, 2, options.encoding, options.signal);
  const read = await reader.read(options.split, part, { ...own, ...options.columns }, { model: { labels, inputs } });
  reader.refuseErrors();
  const examples = kind.numbered(read.rows, labels, 'the model', read.problems);
  return {
    ...{ examples, columns: read.columns, columns_reason: read.reason, problems: reader.problems() },
    isWhole: part !== parts[options.split],
  };
}

/** @throws LuthierError `data-invalid` where the dataset's rows are for another task; as resolveDataset */
async function resolveFor(task: TaskName, reference: DatasetReference, base: string): Promise<ResolvedDataset> {
  const resolved = await resolveDataset(reference, base, { takesFolders: readsFolders(task) });
  if (resolved.task === undefined || resolved.task === task) return resolved;
  if (lackingFields(resolved.columns, task).length === 0) return resolved;
  throw new LuthierError(
    'data-invalid',
    `The dataset “${nameOf(resolved.parts.train.file)}” was made for ${taskOf(resolved.task).title.toLowerCase()}, not for ${taskOf(task).title.toLowerCase()}.`,
    `Write "task": ${JSON.stringify(resolved.task)} in the recipe, or name other data.`,
  );
}

interface ReadPart<Rows> extends Understood<Rows> {
  problems: Problems;
}

interface ReadOptions {
  /** That the rows are for. */
  model?: ModelFacts;
  tellsUnused?: boolean;
}

/** Reads the parts of one data set, each file once, and keeps what was found in each. */
class PartReader<Row extends TaskRow, Written extends WrittenRow, Rows extends WrittenRows<Written>> {
  private readonly tables = new Map<string, Table>();
  /** The same in all parts. */
  private columns: Columns = {};
  private readonly found: { file: string; prefix: string; list: () => DataProblem[] }[] = [];

  constructor(
    private readonly kind: RowKind<Row, Written, Rows>,
    private readonly hasSeveral: boolean,
    private readonly rules: DataRules,
    private readonly encoding: string | undefined,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async read(name: PartName, part: Part, given: Columns, options: ReadOptions = {}): Promise<ReadPart<Rows>> {
    const table = await this.table(part);
    // What is wrong with the file comes before what it makes of columns and classes.
    this.refuseErrors();
    const problems = new Problems();
    const prefix = part.selected === undefined ? `${nameOf(part.file)}: ` : `${name}: `;
    const file = (part.source && 'file' in part.source ? part.source.file : undefined) ?? part.file;
    this.found.push({ file, prefix: this.hasSeveral ? prefix : '', list: () => problems.list() });
    const { selected, source } = part;
    const noun = taskOf(this.kind.name).row;
    let count = 0;
    const { kind } = this;
    const known = options.model && (await kind.ofModel?.(table, given, options.model, pacer(this.signal)));
    const read = await understand(kind, table, {
      signal: this.signal,
      file: part.file,
      given,
      ...known,
      problems,
      rules: this.rules,
      choose: (whole, names) => {
        const rows = selected ? whole.rows.filter((row) => selected.has(row, names)) : whole.rows;
        count = rows.length;
        return inSource(whole, source, rows);
      },
      tellsUnused: options.tellsUnused,
    });
    this.columns = read.columns;
    known?.check?.(read.columns);
    if (selected?.count !== undefined && count < selected.count) {
      problems.add(
        'info',
        'missing-rows',
        `${counted(selected.count - count, noun)} that splits.json holds out as ${ROWS_OF[name]} ${noun}s ${selected.count - count === 1 ? 'is' : 'are'} no longer in the dataset.`,
      );
    }
    if (read.rows.length === 0 && !problems.has('error')) {
      problems.add('error', 'no-rows', `No ${ROWS_OF[name]} ${noun} has ${neededOf(kind.name)}.`);
    }
    await kind.checkRows(read.rows, problems, this.rules, pacer(this.signal));
    return { ...read, problems };
  }

  private async table(part: Part): Promise<Table> {
    const known = this.tables.get(part.file);
    if (known) return known;
    const encoding = part.encoding ?? this.encoding;
    const read = {
      ...(await readTable({ file: part.file }, { encoding, task: this.kind.name, signal: this.signal })),
      name: nameOf(part.file),
      ...(part.ids && { ids: part.ids }),
    };
    // Before anything is said of columns that may look odd because of it.
    refuseUnsure(read.name, read.encodingGuess);
    const table = this.rules > 1 && this.kind.open ? await this.kind.open(read, pacer(this.signal)) : read;
    // Only a data set's folder has its parts in one file; other tables are not kept alive.
    if (part.selected) this.tables.set(part.file, table);
    const prefix = this.hasSeveral ? `${table.name}: ` : '';
    this.found.push({ file: part.file, prefix, list: () => problemsBeside(table, this.columns) });
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
    throw new LuthierError(
      'data-invalid',
      message + more,
      `Run “luthier data inspect ${shellQuoted(first.file)}” to see all problems.`,
    );
  }
}
