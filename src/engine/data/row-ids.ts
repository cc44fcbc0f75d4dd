import { createHash } from 'node:crypto';
import type { Rows } from './packed-rows.ts';
import type { TableRow } from './row-record.ts';
import { SeenRows } from './seen-rows.ts';

/** Columns by their places that decide a row's id: one that holds ids, if there is such, and those of its texts. */
export interface IdColumns {
  own: number;
  texts: readonly number[];
}

/**
 * What each row of a file is called, wherever it stands: its own id where the file has ids, else a hash of its texts,
 * and from the second of equal ones on its number among them (`6f1ed002ab55-2`). A row that is added or taken out
 * changes no other row's id, save for later ones of the very same texts. Nothing is computed before an id is asked for.
 */
export class RowIds {
  readonly #rows: Rows;
  readonly #columns: IdColumns;
  /** Places of the rows whose name an earlier one has, each with its number among them. */
  #repeats: ReadonlyMap<number, number> | undefined;

  /** @param rows all of the file's */
  constructor(rows: Rows, columns: IdColumns) {
    this.#rows = rows;
    this.#columns = columns;
  }

  of(row: TableRow): string {
    this.#repeats ??= this.#findRepeats();
    const number = this.#repeats.get(row.place);
    const name = this.#nameOf(row);
    return number === undefined ? name : `${name}-${number}`;
  }

  #nameOf(row: TableRow): string {
    const own = this.#columns.own < 0 ? undefined : row.value(this.#columns.own);
    return own || hashOfTexts(this.#columns.texts.map((column) => row.value(column) ?? ''));
  }

  #findRepeats(): Map<number, number> {
    const rows = this.#rows;
    const seen = new SeenRows(rows.length, (i) => this.#nameOf(rows.at(i)!));
    const counts = new Map<number, number>();
    const repeats = new Map<number, number>();
    let i = 0;
    for (const row of rows) {
      const first = seen.add(i++, this.#nameOf(row));
      if (first === undefined) continue;
      const count = (counts.get(first) ?? 1) + 1;
      counts.set(first, count);
      repeats.set(row.place, count);
    }
    return repeats;
  }
}

/** What a row of these texts is called where it has no id of its own: 48 bits of SHA-256. */
export function hashOfTexts(texts: readonly string[]): string {
  return createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 12);
}
