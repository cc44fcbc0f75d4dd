import { basename } from 'node:path';
import {
  type Columns,
  columnFields,
  type DataSelection,
  type DataSummary,
  LuthierError,
  lackingFields,
  type TaskName,
} from '../../protocol/index.ts';
import { missingColumns } from './checks.ts';
import { columnStats, columnStatsAtPace, shortened } from './column-stats.ts';
import { columnsFor } from './columns.ts';
import type { EncodingGuess } from './encoding-guess.ts';
import { LABELLED } from './labelled.ts';
import { pacer } from './pace.ts';
import { bySeverity, Problems } from './problems.ts';
import { type OnRead, readTable } from './read.ts';
import { type Opened, openRows } from './rows.ts';
import { extractSelection } from './selection.ts';
import { problemsBeside, type Table, withoutBroken } from './table.ts';
import type { AnyRowKind } from './types.ts';

export interface InspectOptions {
  /** A file, a document's name, or a dataset's folder. */
  file: string;
  /** Stands for the file's content (an unsaved document). */
  text?: string | undefined;
  /** Looks at the selected rows alone. */
  selection?: DataSelection | undefined;
  /** What the rows are for; recognised by their columns where it is not given. */
  task?: TaskName | undefined;
  columns?: Columns | undefined;
  /** The file's encoding, where it is not to be guessed. */
  encoding?: string | undefined;
  onProgress?: OnRead | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * What a file, a document or a selection holds: columns, labels, and all that is odd about it, without training.
 * @param kinds of rows that it may hold, the first where none is recognised
 * @throws LuthierError as readTable and guessColumns do.
 */
export async function inspectData(
  options: InspectOptions,
  kinds: readonly AnyRowKind[] = [LABELLED],
): Promise<DataSummary> {
  const { file, text, selection } = options;
  const pace = pacer(options.signal);
  const read: Opened =
    selection || text !== undefined
      ? { table: await documentTable(options), columns: {}, file }
      : await openRows(file, options);
  const named = { ...read.columns, ...options.columns };
  const task = options.task ?? read.task;
  const kind = kinds.find(({ name }) => name === task) ?? recognised(withoutBroken(read.table), named, kinds);
  const given = kind.named?.(named) ?? named;
  const { broken = [] } = read.table;
  const sound = withoutBroken(read.table);
  const table = kind.open ? await kind.open(sound, pace) : sound;
  const stats = await columnStatsAtPace(table, pace);
  const guess = columnsFor(kind, table, given, stats, given === named ? {} : { why: kind.why });
  const problems = new Problems();
  let classes: DataSummary['classes'] = [];
  if (lackingFields(guess.columns, kind.name).length > 0) {
    // Where no row could be read, that has been said already.
    if (table.rows.length > 0)
      problems.add('error', 'missing-column', missingColumns(table, guess.columns, kind.name, stats));
  } else {
    const rows = await kind.rows(table, guess.columns, { file: read.file, problems, pace });
    kind.checkLabels(rows, guess.columns, problems);
    await kind.checkRows(rows, problems, 2, pace);
    await kind.checkUnused?.(table, guess.columns, options.columns ?? {}, stats, problems, pace);
    classes = kind.counts(rows);
  }
  return {
    file,
    task: kind.name,
    format: table.format,
    encoding: table.encoding,
    ...(table.encodingGuess && { encoding_guess: guessOf(table.encodingGuess) }),
    rows: table.rows.length,
    ...(broken.length > 0 && { broken_rows: broken.length }),
    // Ids that Luthier gave are no column of the person's.
    columns: stats
      .filter(({ name }) => name !== table.ids)
      .map(({ name, distinct, empty, mean_length, examples }) => ({
        name,
        distinct,
        empty,
        mean_length,
        examples,
      })),
    guess: guess.columns,
    guess_reason: guess.reason,
    classes: classes.map(({ label, count }) => ({ label: shortened(label), count })),
    problems: [...problemsBeside(table, guess.columns), ...problems.list()].sort(bySeverity),
  };
}

/** The kind of rows that a table's columns are plainly for; the first where they say nothing. */
function recognised(table: Table, given: Columns, kinds: readonly AnyRowKind[]): AnyRowKind {
  const stats = columnStats({ ...table, rows: table.rows.slice(0, 100) });
  const isFor = (kind: AnyRowKind): boolean => {
    const fields = columnFields(kind.name);
    if (!kind.recognises || !Object.keys(given).every((name) => fields.some((field) => field.name === name)))
      return false;
    try {
      return kind.recognises(columnsFor(kind, table, given, stats).columns);
    } catch (error) {
      // None of the layouts that such rows have.
      if (kind.layout && error instanceof LuthierError) return false;
      throw error;
    }
  };
  return kinds.find(isFor) ?? kinds[0]!;
}

function guessOf({ is_sure, sample, alternatives }: EncodingGuess): NonNullable<DataSummary['encoding_guess']> {
  return { is_sure, sample, alternatives };
}

async function documentTable({ file, text, selection, encoding, task, signal }: InspectOptions): Promise<Table> {
  if (selection) return extractSelection(selection, basename(file), { signal, task });
  return readTable({ file, text }, { encoding, task, signal });
}
