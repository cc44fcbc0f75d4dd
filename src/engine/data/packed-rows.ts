import { NumberList } from './number-list.ts';
import type { TableRow } from './row-record.ts';
import { ROWS_TO_A_MARK, type RowStore } from './row-store.ts';

export interface RowsOptions {
  index?: Uint32Array | undefined;
  width?: number | undefined;
  place?: PlaceOf | undefined;
  skip?: number | undefined;
}

type PlaceOf = (line: number) => { file: string; line: number } | undefined;

/** Some of a table's rows, in the file's order. */
export class Rows implements Iterable<TableRow> {
  readonly length: number;
  readonly #store: RowStore;
  /** Numbers of the rows in the store; all of them when absent. */
  readonly #index: Uint32Array | undefined;
  /** Columns of the table: rows are as wide, save for ragged ones. */
  readonly #width: number | undefined;
  /** Where a row stands in the file that it was taken from. */
  readonly #place: PlaceOf | undefined;
  /** Rows of the store that come before the first; without an index. */
  readonly #skip: number;

  constructor(store: RowStore, options: RowsOptions = {}) {
    const { index, width, place, skip = 0 } = options;
    this.#store = store;
    this.#index = index;
    this.#width = width;
    this.#place = place;
    this.#skip = index ? 0 : skip;
    this.length = index?.length ?? store.length - skip;
  }

  /** The same rows, each where it stands in another file; those that have no place there stay where they are. */
  placed(place: PlaceOf): Rows {
    return new Rows(this.#store, { index: this.#index, width: this.#width, skip: this.#skip, place });
  }

  /** The row at a place, from the end when it is negative. */
  at(place: number): TableRow | undefined {
    const i = place < 0 ? this.length + place : place;
    if (!(i >= 0 && i < this.length)) return undefined;
    const row = this.#store.row(this.#index ? this.#index[i]! : i + this.#skip, this.#width);
    const elsewhere = this.#place?.(row.line);
    return elsewhere ? row.at(elsewhere) : row;
  }

  [Symbol.iterator](): Generator<TableRow> {
    return this.#from(0);
  }

  *#from(place: number): Generator<TableRow> {
    if (!this.#place) {
      yield* this.#stored(place);
      return;
    }
    for (const row of this.#stored(place)) {
      const at = this.#place(row.line);
      yield at ? row.at(at) : row;
    }
  }

  *#stored(place: number): Generator<TableRow> {
    if (!this.#index) {
      yield* this.#store.read(place + this.#skip, this.#width);
      return;
    }
    let next = -1;
    let rows: Generator<TableRow> | undefined;
    for (let i = place; i < this.#index.length; i++) {
      const wanted = this.#index[i]!;
      // Reading on is cheaper than searching, where the next row is near.
      if (!rows || wanted < next || wanted > next + ROWS_TO_A_MARK) {
        rows = this.#store.read(wanted, this.#width);
        next = wanted;
      }
      let row = rows.next();
      for (; next < wanted; next++) row = rows.next();
      next = wanted + 1;
      yield row.value as TableRow;
    }
  }

  map<T>(make: (row: TableRow, place: number) => T): T[] {
    const made: T[] = [];
    let i = 0;
    for (const row of this) made.push(make(row, i++));
    return made;
  }

  filter(isWanted: (row: TableRow, place: number) => boolean): Rows {
    const kept = new NumberList();
    let i = 0;
    for (const row of this) {
      if (isWanted(row, i)) kept.push(this.#index ? this.#index[i]! : i + this.#skip);
      i++;
    }
    return new Rows(this.#store, { index: kept.numbers(), width: this.#width, place: this.#place });
  }

  /** The rows at some places, which ascend. */
  only(places: Uint32Array): Rows {
    const index = this.#index
      ? places.map((place) => this.#index![place]!)
      : this.#skip === 0
        ? places
        : places.map((place) => place + this.#skip);
    return new Rows(this.#store, { index, width: this.#width, place: this.#place });
  }

  slice(from: number, to = this.length): Rows {
    const [start, end] = [from, to].map((place) =>
      Math.min(this.length, Math.max(0, place < 0 ? this.length + place : place)),
    ) as [number, number];
    const index = this.#index
      ? this.#index.subarray(start, Math.max(start, end))
      : Uint32Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i + this.#skip);
    return new Rows(this.#store, { index, width: this.#width, place: this.#place });
  }

  every(is: (row: TableRow) => boolean): boolean {
    for (const row of this) if (!is(row)) return false;
    return true;
  }

  some(is: (row: TableRow) => boolean): boolean {
    for (const row of this) if (is(row)) return true;
    return false;
  }

  /** @returns -1 when there is none */
  findIndex(is: (row: TableRow) => boolean): number {
    let i = 0;
    for (const row of this) {
      if (is(row)) return i;
      i++;
    }
    return -1;
  }

  find(is: (row: TableRow) => boolean): TableRow | undefined {
    for (const row of this) if (is(row)) return row;
    return undefined;
  }
}
