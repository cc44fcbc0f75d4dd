import { Rows } from '../packed-rows.ts';
import { RowStore } from '../row-store.ts';

/** Rows that are there already, packed. */
export function packedRows(
  rows: Iterable<{ line: number; end: number; values: readonly (string | undefined)[] }>,
  width: number,
): Rows {
  const store = new RowStore();
  for (const { line, end, values } of rows) {
    const isWhole = values.length > 0 && values.every((value) => value !== undefined);
    if (!isWhole) store.sparse();
    for (const [i, value] of values.entries()) {
      if (value === undefined) continue;
      if (isWhole) store.cell(value);
      else store.cellOf(i, value);
    }
    store.commit(line, end);
  }
  return new Rows(store, { width });
}
