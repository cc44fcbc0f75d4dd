import { Cells, Cursor, TableRow, writeNumber } from './row-record.ts';

/**
 * A table's rows as bytes: millions of them cost little more memory than their text.
 *
 * A row is a record in a block of bytes: its line, how many lines it spans, the length of each cell, and the cells in
 * UTF-8. Strings are made when somebody asks for them (row-record.ts). Records are found by a mark for each few rows.
 */

const BLOCK = 1 << 20;
/** Rows from one mark to the next. */
export const ROWS_TO_A_MARK = 32;

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
  /** Cells of it that are JSON, by their places. */
  #json: Set<number> | undefined;

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

  /** A whole cell of a row that may lack some of the table's columns. Columns must ascend. @param isJson whether it is the source of a list or an object */
  cellOf(column: number, value: string, isJson = false): void {
    this.sparse();
    this.#columns!.push(column);
    if (isJson) {
      this.#json ??= new Set();
      this.#json.add(this.#ends.length);
    }
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
    this.#json = undefined;
  }

  /** Keeps the row being put together. Lines must ascend. */
  commit(line: number, end: number): void {
    const ends = this.#ends;
    const columns = this.#columns;
    const json = this.#json;
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
    at = writeNumber(bytes, at, ends.length * 4 + (json ? 2 : 0) + (columns ? 1 : 0));
    for (let i = 0, start = 0, column = -1; i < ends.length; i++) {
      if (columns) {
        at = writeNumber(bytes, at, columns[i]! - column);
        column = columns[i]!;
      }
      const length = ends[i]! - start;
      at = writeNumber(bytes, at, json ? length * 2 + (json.has(i) ? 1 : 0) : length);
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
      if (i === place) return new TableRow(line, before, i, cells);
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
      if (i >= place) yield new TableRow(line, end, i, cells);
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
