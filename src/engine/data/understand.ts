import type { Columns } from '../../protocol/index.ts';
import { namesOf, requireColumns } from './checks.ts';
import { columnStatsAtPace } from './column-stats.ts';
import { columnsFor } from './columns.ts';
import { pacer } from './pace.ts';
import type { Problems } from './problems.ts';
import type { DataRules } from './repeats.ts';
import type { RowIds } from './row-ids.ts';
import type { Table } from './table.ts';
import type { RowKind, TaskRow, WrittenRow, WrittenRows } from './types.ts';

export interface Understood<Rows> {
  rows: Rows;
  columns: Columns;
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
  /** Whether what the columns beside those hold is said. */
  tellsUnused?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Which columns of a table hold the fields of a task, and the rows that have all of them.
 * @throws LuthierError `data-invalid` when there is no such column
 */
export async function understand<Row extends TaskRow, Written extends WrittenRow, Rows extends WrittenRows<Written>>(
  kind: RowKind<Row, Written, Rows>,
  table: Table,
  options: UnderstandOptions,
): Promise<Understood<Rows>> {
  const { file, problems, rules = 2, pairs = true, why, choose } = options;
  const given = kind.named?.(options.given) ?? options.given;
  const pace = pacer(options.signal);
  const open = rules > 1 && kind.open ? await kind.open(table, pace) : table;
  const stats = await columnStatsAtPace(open, pace);
  const guess = columnsFor(kind, open, given, stats, {
    pairs,
    why: { ...(given !== options.given && kind.why), ...why },
  });
  const columns = requireColumns(open, guess.columns, kind.name, stats);
  const names = namesOf(open, columns, kind.name);
  const chosen = choose ? choose(open, names) : open;
  const rows = await kind.rows(chosen, columns, { file, problems, rules, names, pace });
  if (options.tellsUnused && rules > 1) await kind.checkUnused?.(chosen, columns, given, stats, problems, pace);
  return { rows, columns, reason: guess.reason };
}
