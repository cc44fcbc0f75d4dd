import type { Columns } from '../../protocol/index.ts';
import { labelledRows, namesOf, requireColumns } from './checks.ts';
import { columnStatsAtPace } from './column-stats.ts';
import { guessColumns, isUsualLabelName } from './columns.ts';
import { withListColumns } from './label-cells.ts';
import type { LabelledRows } from './labelled-rows.ts';
import { pacer } from './pace.ts';
import type { Problems } from './problems.ts';
import type { DataRules } from './repeats.ts';
import type { RowIds } from './row-ids.ts';
import type { Table } from './table.ts';
import { checkUnused } from './unused.ts';

export interface Understood {
  rows: LabelledRows;
  columns: Columns & { text: string; label: string };
  /** Why these columns, in sentences that a person can check. */
  reason: string;
}

export interface UnderstandOptions {
  /** Absolute path that rows are said to be from. */
  file: string;
  given: Columns;
  problems: Problems;
  rules?: DataRules | undefined;
  /** Whether two columns may be found to be the two texts of an example. */
  pairs?: boolean | undefined;
  /** Why what is given is so, where a person has not given it. */
  why?: Columns | undefined;
  /** Takes some of the rows, or gives them another place; all as they are when absent. */
  choose?: ((table: Table, names: RowIds) => Table) | undefined;
  /** Whether what the columns beside text and label hold is said. */
  tellsUnused?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Which columns of a table hold texts and labels, and the rows that have both.
 * @throws LuthierError `data-invalid` when there is no such column
 */
export async function understand(table: Table, options: UnderstandOptions): Promise<Understood> {
  const { file, given, problems, rules = 2, pairs = true, why, choose } = options;
  const pace = pacer(options.signal);
  const open = rules > 1 ? await withListColumns(table, isUsualLabelName, pace) : table;
  const stats = await columnStatsAtPace(open, pace);
  const guess = guessColumns(open, given, stats, { pairs, ...(why && { why }) });
  const columns = requireColumns(open, guess.columns);
  const names = namesOf(open, columns);
  const chosen = choose ? choose(open, names) : open;
  const rows = await labelledRows(chosen, columns, file, problems, { rules, names, pace });
  if (options.tellsUnused && rules > 1) await checkUnused(chosen, columns, given, stats, problems, pace);
  return { rows, columns, reason: guess.reason };
}
