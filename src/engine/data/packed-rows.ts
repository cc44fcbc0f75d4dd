/**
 * A table's rows, packed: millions of them cost little more memory than their text.
 *
 * A row is a record in a block of bytes: its line, how many lines it spans, the length of each cell, and the cells in
 * UTF-8. Strings are made when somebody asks for them. Records are found by a mark for each few rows.
 */

/** One row of a table. Its cells are made into strings when they are read; keep the strings, not the row. */
export class TableRow {
  /** 1-based line of the file that the row starts on. */
  readonly line: number;
  /** Line that it ends on; another one where a quoted cell or a JSON object spans several. */
  readonly end: number;
  /** Absolute path of the file that the row was taken from, where that is another than the table's. */
  readonly file: string | undefined;
  readonly #reader: Cells;
  #values: (string | undefined)[] | undefined;

  constructor(line: number, end: number, reader: Cells, file?: string) {
    this.line = line;
    this.end = end;
    this.file = file;
    this.#reader = reader;
  }

  /** The same row, standing elsewhere. */
  at(place: { file: string; line: number }): TableRow {
    return new TableRow(place.line, place.line, this.#reader, place.file);
  }

  /** One for each column; undefined where the row has no such key or cell; nested JSON as its source. */
  get values(): readonly (string | undefined)[] {
    this.#values ??= this.#reader.all();
    return this.#values;
  }

  /** One cell, without making strings of the others. */
  value(column: number): string | undefined {
    return this.#values ? this.#values[column] : this.#reader.one(column);
  }

  /** How many cells the row has, whatever the table's columns. */
  get count(): number {
    return this.#reader.count;
  }

  /** How much the row holds. */
  get bytes(): number {
    return this.#reader.size;
  }

  /** The cells that the row has, with their columns: far fewer than the columns where JSON's keys differ. */
  cells(): [column: number, value: string][] {
    return this.#reader.present();
  }
}

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

const BLOCK = 1 << 20;
const ROWS_TO_A_MARK = 32;

/** Where every so manieth row begins. */
interface Mark {
  block: number;
  offset: number;
  /** Line that the row before it ended on. */
  before: number;
}

/** Takes rows cell by cell. A row that was begun counts once it is committed. */
export class RowStore {
  length = 0;
  readonly #blocks: { bytes: Buffer; used: number }[] = [];
  readonly #marks: Mark[] = [];
  /** Line that the last row ended on. */
  #before = 0;

  /** The row being put together: bytes of its cells, and for each where it ends (-1: there is none). */
  #scratch = Buffer.allocUnsafe(4096);
  #scratchUsed = 0;
  #ends: number[] = [];
  #columns: number[] | undefined;

  /** Cells of the row being put together. */
  get cells(): number {
    return this.#ends.length;
  }

  /** Bytes of the row being put together. */
  get bytes(): number {
    return this.#scratchUsed;
  }

  /** Bytes that go on the cell being put together. */
  append(bytes: Buffer, from: number, to: number): void {
    this.#reserve(to - from);
    const scratch = this.#scratch;
    // Short pieces are the rule, and a call costs more than they do.
    if (to - from < 24) {
      let at = this.#scratchUsed;
      for (let i = from; i < to; i++) scratch[at++] = bytes[i]!;
    } else bytes.copy(scratch, this.#scratchUsed, from, to);
    this.#scratchUsed += to - from;
  }

  /** Ends the cell being put together. */
  endCell(): void {
    this.#ends.push(this.#scratchUsed);
  }

  /** A whole cell. */
  cell(value: string): void {
    this.#reserve(3 * value.length);
    this.#scratchUsed += this.#scratch.write(value, this.#scratchUsed, 'utf8');
    this.#ends.push(this.#scratchUsed);
  }

  /** A whole cell of a row that may lack some of the table's columns. Columns must ascend. */
  cellOf(column: number, value: string): void {
    this.sparse();
    this.#columns!.push(column);
    this.cell(value);
  }

  /** Says that the row being put together may lack columns, even all of them. */
  sparse(): void {
    this.#columns ??= [];
  }

  /** Forgets what was put on the cell that is not ended. */
  dropCell(): void {
    this.#scratchUsed = this.#ends.at(-1) ?? 0;
  }

  /** Whether a cell of the row being put together has nothing but blanks in it. */
  isBlankCell(i: number): boolean {
    return this.#isBlank(i === 0 ? 0 : this.#ends[i - 1]!, this.#ends[i]!);
  }

  /** Whether no cell of the row being put together has anything but blanks in it. */
  isBlank(): boolean {
    return this.#isBlank(0, this.#scratchUsed);
  }

  /** The cells of the row being put together. */
  current(): string[] {
    return this.#ends.map((end, i) => this.#text(i === 0 ? 0 : this.#ends[i - 1]!, end));
  }

  /** Forgets the row being put together. */
  drop(): void {
    this.#scratchUsed = 0;
    this.#ends.length = 0;
    this.#columns = undefined;
  }

  /** Keeps the row being put together. Lines must ascend. */
  commit(line: number, end: number): void {
    const ends = this.#ends;
    const columns = this.#columns;
    const most = 5 * (4 + ends.length * (columns ? 2 : 1)) + this.#scratchUsed;
    let block = this.#blocks.at(-1);
    if (!block || block.bytes.length - block.used < most) {
      block = { bytes: Buffer.allocUnsafeSlow(Math.max(BLOCK, most)), used: 0 };
      this.#blocks.push(block);
    }
    if (this.length % ROWS_TO_A_MARK === 0) {
      this.#marks.push({ block: this.#blocks.length - 1, offset: block.used, before: this.#before });
    }
    const { bytes } = block;
    let at = writeNumber(bytes, block.used, line - this.#before);
    at = writeNumber(bytes, at, end - line);
    at = writeNumber(bytes, at, ends.length * 2 + (columns ? 1 : 0));
    for (let i = 0, start = 0, column = -1; i < ends.length; i++) {
      if (columns) {
        at = writeNumber(bytes, at, columns[i]! - column);
        column = columns[i]!;
      }
      at = writeNumber(bytes, at, ends[i]! - start);
      start = ends[i]!;
    }
    this.#scratch.copy(bytes, at, 0, this.#scratchUsed);
    block.used = at + this.#scratchUsed;
    this.#before = end;
    this.length++;
    this.drop();
    // One long row must not cost its length for as long as the table is read.
    if (this.#scratch.length > BLOCK) this.#scratch = Buffer.allocUnsafe(4096);
  }

  /** One row. */
  row(place: number, width?: number): TableRow {
    const mark = this.#marks[Math.floor(place / ROWS_TO_A_MARK)]!;
    const cursor = new Cursor(mark.offset);
    let blockAt = mark.block;
    let before = mark.before;
    for (let i = place - (place % ROWS_TO_A_MARK); ; i++) {
      let block = this.#blocks[blockAt]!;
      if (cursor.at >= block.used) {
        block = this.#blocks[++blockAt]!;
        cursor.at = 0;
      }
      const line = before + cursor.read(block.bytes);
      before = line + cursor.read(block.bytes);
      const cells = new Cells(block.bytes, cursor, width);
      cursor.at = cells.end;
      if (i === place) return new TableRow(line, before, cells);
    }
  }

  /** Rows from a place on. @param width of the table; without it, rows are as wide as they are */
  *read(place: number, width?: number): Generator<TableRow> {
    const mark = this.#marks[Math.floor(place / ROWS_TO_A_MARK)];
    if (!mark) return;
    let blockAt = mark.block;
    let before = mark.before;
    const cursor = new Cursor(mark.offset);
    for (let i = place - (place % ROWS_TO_A_MARK); i < this.length; i++) {
      let block = this.#blocks[blockAt]!;
      if (cursor.at >= block.used) {
        block = this.#blocks[++blockAt]!;
        cursor.at = 0;
      }
      const { bytes } = block;
      const line = before + cursor.read(bytes);
      const end = line + cursor.read(bytes);
      const cells = new Cells(bytes, cursor, width);
      cursor.at = cells.end;
      before = end;
      if (i >= place) yield new TableRow(line, end, cells);
    }
  }

  #isBlank(from: number, to: number): boolean {
    for (let i = from; i < to; i++) {
      const byte = this.#scratch[i]!;
      if (byte > 127) return this.#text(from, to).trim() === '';
      if (!(byte === 32 || (byte >= 9 && byte <= 13))) return false;
    }
    return true;
  }

  #text(from: number, to: number): string {
    return this.#scratch.toString('utf8', from, to);
  }

  #reserve(bytes: number): void {
    const needed = this.#scratchUsed + bytes;
    if (needed <= this.#scratch.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#scratch.length));
    this.#scratch.copy(larger, 0, 0, this.#scratchUsed);
    this.#scratch = larger;
  }
}

/** The cells of one record. */
class Cells {
  readonly #bytes: Buffer;
  readonly count: number;
  readonly #isSparse: boolean;
  /** Where the lengths begin, and where the text does. */
  readonly #lengths: number;
  readonly #text: number;
  readonly #width: number | undefined;
  readonly end: number;
  /** Bytes of the record's lengths and text. */
  readonly size: number;

  constructor(bytes: Buffer, cursor: Cursor, width: number | undefined) {
    this.#bytes = bytes;
    this.#width = width;
    const head = cursor.read(bytes);
    this.count = head >>> 1;
    this.#isSparse = head % 2 === 1;
    this.#lengths = cursor.at;
    let total = 0;
    for (let i = 0; i < this.count; i++) {
      if (this.#isSparse) cursor.read(bytes);
      total += cursor.read(bytes);
    }
    this.#text = cursor.at;
    this.end = cursor.at + total;
    this.size = this.end - this.#lengths;
  }

  present(): [column: number, value: string][] {
    const cells: [number, string][] = [];
    const cursor = new Cursor(this.#lengths);
    let start = this.#text;
    for (let i = 0, column = -1; i < this.count; i++) {
      column += this.#isSparse ? cursor.read(this.#bytes) : 1;
      const length = cursor.read(this.#bytes);
      cells.push([column, this.#bytes.toString('utf8', start, start + length)]);
      start += length;
    }
    return cells;
  }

  all(): (string | undefined)[] {
    const cells = this.present();
    if (!this.#isSparse) {
      const values = cells.map((cell) => cell[1]);
      return this.#isTooWide() ? values.slice(0, this.#width) : values;
    }
    const values: (string | undefined)[] = new Array(this.#width ?? (cells.at(-1)?.[0] ?? -1) + 1).fill(undefined);
    for (const [column, value] of cells) values[column] = value;
    return values;
  }

  one(column: number): string | undefined {
    if (this.#width !== undefined && column >= this.#width && this.#isTooWide()) return undefined;
    const cursor = new Cursor(this.#lengths);
    let start = this.#text;
    for (let i = 0, at = -1; i < this.count && at < column; i++) {
      at += this.#isSparse ? cursor.read(this.#bytes) : 1;
      const length = cursor.read(this.#bytes);
      if (at === column) return this.#bytes.toString('utf8', start, start + length);
      start += length;
    }
    return undefined;
  }

  /** A row that is wider by nothing but empty cells: those are no cells of the table. */
  #isTooWide(): boolean {
    if (this.#width === undefined || this.count <= this.#width) return false;
    const cells = this.present();
    return cells.slice(this.#width).every(([, value]) => value.trim() === '');
  }
}

/** Reads numbers of seven bits a byte, the low ones first. */
class Cursor {
  constructor(public at = 0) {}

  read(bytes: Buffer): number {
    let byte = bytes[this.at++]!;
    if (byte < 128) return byte;
    let value = byte & 127;
    for (let scale = 128; byte >= 128; scale *= 128) {
      byte = bytes[this.at++]!;
      value += (byte & 127) * scale;
    }
    return value;
  }
}

function writeNumber(bytes: Buffer, at: number, value: number): number {
  let rest = value;
  let i = at;
  while (rest >= 128) {
    bytes[i++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  bytes[i++] = rest;
  return i;
}

/** Numbers up to 2^32 - 1, as many as there are, four bytes each. */
export class NumberList {
  #numbers = new Uint32Array(1024);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#numbers.length) {
      // Doubling would leave half of it unused at worst.
      const larger = new Uint32Array(Math.ceil(1.25 * this.#length));
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.#length++] = value;
  }

  numbers(): Uint32Array {
    return this.#numbers.subarray(0, this.#length);
  }
}

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
