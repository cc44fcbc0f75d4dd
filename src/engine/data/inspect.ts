import { basename } from 'node:path';
import type { Columns, DataSelection, DataSummary } from '../../protocol/index.ts';
import { labelledRows, missingColumns, requireColumns } from './checks.ts';
import { checkClasses, classCounts } from './classes.ts';
import { columnStatsAtPace, shortened } from './column-stats.ts';
import { guessColumns, isUsualLabelName } from './columns.ts';
import type { EncodingGuess } from './encoding-guess.ts';
import { withListColumns } from './label-cells.ts';
import { pacer } from './pace.ts';
import { bySeverity, Problems } from './problems.ts';
import { type OnRead, readTable } from './read.ts';
import { checkRepeats } from './repeats.ts';
import { openRows } from './rows.ts';
import { extractSelection } from './selection.ts';
import type { Table } from './table.ts';
import { checkUnused } from './unused.ts';

export interface InspectOptions {
  /** A file, a document's name, or a dataset's folder. */
  file: string;
  /** Stands for the file's content (an unsaved document). */
  text?: string | undefined;
  /** Looks at the selected rows alone. */
  selection?: DataSelection | undefined;
  columns?: Columns | undefined;
  /** The file's encoding, where it is not to be guessed. */
  encoding?: string | undefined;
  onProgress?: OnRead | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * What a file, a document or a selection holds: columns, classes, and all that is odd about it, without training.
 * @throws LuthierError as readTable and guessColumns do.
 */
export async function inspectData(options: InspectOptions): Promise<DataSummary> {
  const { file, text, selection } = options;
  const pace = pacer(options.signal);
  const { table: read, columns: own } =
    selection || text !== undefined
      ? { table: await documentTable(options), columns: {} }
      : await openRows(file, options);
  const table = await withListColumns(read, isUsualLabelName, pace);
  const stats = await columnStatsAtPace(table, pace);
  const guess = guessColumns(table, { ...own, ...options.columns }, stats);
  const problems = new Problems();
  let classes: DataSummary['classes'] = [];
  if (guess.columns.text === undefined || guess.columns.label === undefined) {
    // Where no row could be read, that has been said already.
    if (table.rows.length > 0) problems.add('error', 'missing-column', missingColumns(table, guess.columns));
  } else {
    const columns = requireColumns(table, guess.columns);
    const rows = await labelledRows(table, columns, file, problems, { pace });
    checkClasses(rows, columns.label, problems);
    await checkRepeats(rows, problems, 2, pace);
    await checkUnused(table, columns, options.columns ?? {}, stats, problems, pace);
    classes = classCounts(rows);
  }
  return {
    file,
    format: table.format,
    encoding: table.encoding,
    ...(table.encodingGuess && { encoding_guess: guessOf(table.encodingGuess) }),
    rows: table.rows.length,
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
    problems: [...table.problems, ...problems.list()].sort(bySeverity),
  };
}

function guessOf({ is_sure, sample, alternatives }: EncodingGuess): NonNullable<DataSummary['encoding_guess']> {
  return { is_sure, sample, alternatives };
}

async function documentTable({ file, text, selection, encoding, signal }: InspectOptions): Promise<Table> {
  if (selection) return extractSelection(selection, basename(file), { signal });
  return readTable({ file, text }, { encoding, signal });
}
