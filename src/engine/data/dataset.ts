import { closest, distance } from 'fastest-levenshtein';
import type { Columns, DataProblem, DatasetReference } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import {
  checkClasses,
  checkRepeats,
  compareLabels,
  type LabelledRow,
  labelledRows,
  requireColumns,
  textKey,
} from './checks.ts';
import { type ColumnGuess, guessColumns } from './columns.ts';
import { counted, listed, Problems, quoted } from './problems.ts';
import { readTable } from './read.ts';
import { type Part, type PartName, resolveDataset } from './resolve.ts';
import { inSource, nameOf } from './row-source.ts';
import { stratifiedSplit } from './split.ts';
import { isEmpty, type Table } from './table.ts';
import type { ClassificationDataset, Example } from './types.ts';

export interface LoadOptions {
  /** Folder that relative paths are looked up from: the recipe's. */
  base: string;
  columns?: Columns | undefined;
  /** Share held out when the data set names no validation part; 0 for none. From 0 to below 1. */
  validation_split: number;
  seed: number;
  /** Classes in their order where a model fixes them; otherwise the training part's, sorted. */
  labels?: readonly string[] | undefined;
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
  const { validation_split: share } = options;
  if (!(share >= 0 && share < 1)) {
    throw new LuthierError(
      'usage',
      `validation_split is ${share}; it must be from 0 to below 1.`,
      'Set it to 0.1, say.',
    );
  }
  const { parts, columns: own } = await resolveDataset(reference, options.base);
  const reader = new PartReader(Object.keys(parts).length > 1, options.signal);
  const train = await reader.read('train', parts.train, { ...own, ...options.columns });
  if (!options.labels) checkClasses(train.rows, train.columns.label, train.problems);
  // The same names must hold in every part; guessing again could pick others.
  const validation = parts.validation && (await reader.read('validation', parts.validation, train.columns));
  const test = parts.test && (await reader.read('test', parts.test, train.columns));
  reader.refuseErrors();

  const labels = options.labels ?? [...new Set(train.rows.map((row) => row.label))].sort(compareLabels);
  const whose = options.labels ? 'the model' : 'the training part';
  const dataset: ClassificationDataset = {
    labels: [...labels],
    train: toExamples(train.rows, labels, whose),
    validation: toExamples(validation?.rows ?? [], labels, whose),
    test: toExamples(test?.rows ?? [], labels, whose),
    columns: train.columns,
    columns_reason: train.reason,
    problems: [],
  };
  if (validation)
    dataset.validation = withoutLeaks(
      dataset.validation,
      'validation',
      dataset,
      ['train', 'test'],
      validation.problems,
    );
  if (test) dataset.test = withoutLeaks(dataset.test, 'test', dataset, ['train'], test.problems);
  if (!validation && share > 0) holdOut(dataset, share, options.seed, train.problems);
  dataset.problems = reader.problems();
  return dataset;
}

export interface EvaluationData {
  examples: Example[];
  columns: Columns;
  columns_reason: string;
  problems: DataProblem[];
}

/**
 * Reads the rows that a trained model is measured on: the named part of the data set, or the whole file when the
 * reference is one file.
 * @throws LuthierError as loadClassificationDataset; `data-invalid` when the data set has no such part, or a row has a
 *   label that the model does not know.
 */
export async function loadEvaluationData(
  reference: DatasetReference,
  options: {
    base: string;
    columns?: Columns | undefined;
    labels: readonly string[];
    split: 'validation' | 'test';
    signal?: AbortSignal | undefined;
  },
): Promise<EvaluationData> {
  const { parts, columns: own } = await resolveDataset(reference, options.base);
  const isWhole = Object.keys(parts).length === 1;
  const part = parts[options.split] ?? (isWhole ? parts.train : undefined);
  if (!part) {
    throw new LuthierError(
      'data-invalid',
      `The data set has no ${options.split} part; it has ${listed(Object.keys(parts))}.`,
      'Name a file, or another part with --split.',
    );
  }
  const reader = new PartReader(false, options.signal);
  const given = { ...own, ...options.columns };
  const { rows, columns, reason } = await reader.read(options.split, part, given, (table) =>
    columnOf(options.labels, table),
  );
  reader.refuseErrors();
  const examples = toExamples(rows, options.labels, 'the model');
  return { examples, columns, columns_reason: reason, problems: reader.problems() };
}

/** The one column whose every value is a class that the model knows: a better guess than any name. */
function columnOf(labels: readonly string[], table: Table): string | undefined {
  const known = new Set(labels);
  const fitting = table.columns.filter((_, i) => {
    const values = table.rows.map((row) => row.values[i]).filter((value) => !isEmpty(value));
    return values.length > 0 && values.every((value) => known.has(value!.trim()));
  });
  return fitting.length === 1 ? fitting[0] : undefined;
}

interface ReadPart {
  rows: LabelledRow[];
  columns: Columns & { text: string; label: string };
  reason: string;
  problems: Problems;
}

/** Reads the parts of one data set, each file once, and keeps what was found in each. */
class PartReader {
  private readonly tables = new Map<string, Table>();
  private readonly found: { file: string; prefix: string; list: () => DataProblem[] }[] = [];

  constructor(
    private readonly hasSeveral: boolean,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** @param labelColumn the column of the classes in a table, where that is not given but known by other means */
  async read(
    name: PartName,
    part: Part,
    given: Columns,
    labelColumn?: (table: Table) => string | undefined,
  ): Promise<ReadPart> {
    const table = await this.table(part);
    // What is wrong with the file comes before what it makes of columns and classes.
    this.refuseErrors();
    const label = given.label ?? labelColumn?.(table);
    const known = label === undefined || label === given.text ? given : { ...given, label };
    const guess: ColumnGuess = guessColumns(table, known);
    const columns = requireColumns(table, guess.columns);
    const problems = new Problems();
    const prefix = part.lines === undefined ? `${nameOf(part.file)}: ` : `${name}: `;
    const file = part.source?.file ?? part.file;
    this.found.push({ file, prefix: this.hasSeveral ? prefix : '', list: () => problems.list() });
    const wanted = part.lines === undefined ? table.rows : table.rows.filter((row) => part.lines!.has(row.line));
    const chosen = inSource(table, part.source, wanted);
    const rows = labelledRows(chosen, columns, part.file, problems);
    if (rows.length === 0 && problems.list().every((problem) => problem.severity !== 'error')) {
      problems.add('error', 'no-rows', `No row of the ${name} part has both a text and a label.`);
    }
    checkRepeats(rows, problems);
    return { rows, columns, reason: guess.reason, problems };
  }

  private async table(part: Part): Promise<Table> {
    const known = this.tables.get(part.file);
    if (known) return known;
    const table = { ...(await readTable({ file: part.file }, { signal: this.signal })), name: nameOf(part.file) };
    // Only a data set's folder has its parts in one file; other tables are not kept alive.
    if (part.lines) this.tables.set(part.file, table);
    const { problems } = table;
    const prefix = this.hasSeveral ? `${table.name}: ` : '';
    this.found.push({ file: part.file, prefix, list: () => problems });
    return table;
  }

  /** Errors first, then warnings, then notes. */
  problems(): (DataProblem & { file: string })[] {
    const rank = { error: 0, warning: 1, info: 2 };
    return this.found
      .flatMap(({ file, prefix, list }) =>
        list().map((problem) => ({ ...problem, message: `${prefix}${problem.message}`, file })),
      )
      .sort((a, b) => rank[a.severity] - rank[b.severity]);
  }

  refuseErrors(): void {
    const errors = this.problems().filter((problem) => problem.severity === 'error');
    const [first] = errors;
    if (!first) return;
    const name = nameOf(first.file);
    const message = first.message.startsWith(name) ? first.message : `${name}: ${first.message}`;
    const more = errors.length > 1 ? ` ${counted(errors.length - 1, 'more error')}.` : '';
    throw new LuthierError('data-invalid', message + more, `“luthier data inspect ${name}” lists all that was found.`);
  }
}

function toExamples(rows: readonly LabelledRow[], labels: readonly string[], whose: string): Example[] {
  const index = new Map(labels.map((label, i) => [label, i]));
  return rows.map((row) => {
    const label = index.get(row.label);
    if (label === undefined) throw unknownLabel(row, labels, whose);
    return { ...row, label };
  });
}

function unknownLabel(row: LabelledRow, labels: readonly string[], whose: string): LuthierError {
  const near = labels.length > 0 ? closest(row.label, [...labels]) : undefined;
  const isNear = near !== undefined && distance(row.label, near) <= Math.max(1, row.label.length / 3);
  const known = [...labels.slice(0, 10).map(quoted), ...(labels.length > 10 ? [`${labels.length - 10} more`] : [])];
  return new LuthierError(
    'data-invalid',
    `${nameOf(row.file)}, line ${row.line}: the label ${quoted(row.label)} is unknown to ${whose}${isNear ? `; is it ${quoted(near)}?` : '.'}`,
    `Known are ${listed(known)}. Correct the label${whose === 'the model' ? '' : ', or add rows of that class to the training part'}.`,
  );
}

/** Takes rows out of a held-out part whose texts stand in another part, where they were or will be learnt or chosen by. */
function withoutLeaks(
  examples: readonly Example[],
  name: 'validation' | 'test',
  dataset: ClassificationDataset,
  others: readonly PartName[],
  problems: Problems,
): Example[] {
  let kept = [...examples];
  for (const other of others) {
    const keys = new Set(dataset[other].map(textKey));
    kept = kept.filter((example) => {
      if (!keys.has(textKey(example))) return true;
      problems.occurrence(
        { severity: 'warning', code: `leak-${other}` },
        example.line,
        (where, count) =>
          `${counted(count, 'row')} of the ${name} part (${where}) ${count === 1 ? 'is' : 'are'} in the ${other === 'train' ? 'training' : other} part too and left out here.`,
      );
      return false;
    });
  }
  if (kept.length === 0) {
    throw new LuthierError(
      'data-invalid',
      `Every row of the ${name} part stands in another part too, so nothing is left to measure by.`,
      'Give it rows that the model does not learn from.',
    );
  }
  return kept;
}

/** Splits the validation part off the training part. */
function holdOut(dataset: ClassificationDataset, share: number, seed: number, problems: Problems): void {
  const all = dataset.train;
  const split = stratifiedSplit(
    all.map((example) => ({ label: example.label, key: textKey(example) })),
    share,
    seed,
  );
  if (split.held_out.length === 0) {
    const need = Math.max(Math.ceil(0.5 / share), dataset.labels.length + 1);
    throw new LuthierError(
      'data-invalid',
      `${counted(all.length, 'row')} ${all.length === 1 ? 'is' : 'are'} too few to hold out a share of ${share} for validation.`,
      `Add rows (${need} different texts at least), raise validation_split, or set it to 0 to train on all of them.`,
    );
  }
  dataset.train = split.train.map((i) => all[i]!);
  dataset.validation = split.held_out.map((i) => all[i]!);
  const seen = new Set(dataset.validation.map((example) => example.label));
  const absent = dataset.labels.filter((_, i) => !seen.has(i));
  if (absent.length === 0) return;
  const named = listed([
    ...absent.slice(0, 5).map(quoted),
    ...(absent.length > 5 ? [`${absent.length - 5} more`] : []),
  ]);
  problems.add(
    'warning',
    'class-without-validation',
    `The validation part (${counted(dataset.validation.length, 'row')}, a share of ${share}) has no row of ${named}; there are too few of them. Add rows, or raise validation_split.`,
  );
}
