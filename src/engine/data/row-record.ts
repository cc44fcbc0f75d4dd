/** One row of a table. Its cells are made into strings when they are read; keep the strings, not the row. */
export class TableRow {
  /** 1-based line of the file that the row starts on. */
  readonly line: number;
  /** Line that it ends on; another one where a quoted cell or a JSON object spans several. */
  readonly end: number;
  /** Absolute path of the file that the row was taken from, where that is another than the table's. */
  readonly file: string | undefined;
  /** Its number among all rows of its file, from 0 on. */
  readonly place: number;
  readonly #reader: Cells;
  #values: (string | undefined)[] | undefined;

  constructor(line: number, end: number, place: number, reader: Cells, file?: string) {
    this.line = line;
    this.end = end;
    this.place = place;
    this.file = file;
    this.#reader = reader;
  }

  /** The same row, standing elsewhere. */
  at({ file, line }: { file: string; line: number }): TableRow {
    return new TableRow(line, line, this.place, this.#reader, file);
  }

  /** One for each column; undefined where the row has no such key or cell; lists and objects of JSON as their source. */
  get values(): readonly (string | undefined)[] {
    this.#values ??= this.#reader.all();
    return this.#values;
  }

  /** One cell, without making strings of the others. */
  value(column: number): string | undefined {
    return this.#values ? this.#values[column] : this.#reader.one(column);
  }

  /**
   * What a cell says where it is a list or an object of JSON.
   * @returns undefined for text, and where there is no cell
   */
  json(column: number): unknown {
    const cell = this.#reader.isJson(column) ? this.value(column) : undefined;
    return cell === undefined ? undefined : JSON.parse(cell);
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

/**
 * The cells of one record. Its head is a number of three parts: how many cells there are, whether some are JSON (the
 * lengths then say which), and whether the cells say which columns they are of.
 */
export class Cells {
  readonly #bytes: Buffer;
  readonly count: number;
  readonly #isSparse: boolean;
  readonly #hasJson: boolean;
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
    this.count = head >>> 2;
    this.#hasJson = (head & 2) !== 0;
    this.#isSparse = (head & 1) !== 0;
    this.#lengths = cursor.at;
    let total = 0;
    for (let i = 0; i < this.count; i++) {
      if (this.#isSparse) cursor.read(bytes);
      total += this.#length(cursor);
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
      const length = this.#length(cursor);
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
      const length = this.#length(cursor);
      if (at === column) return this.#bytes.toString('utf8', start, start + length);
      start += length;
    }
    return undefined;
  }

  /** Whether a cell is a list or an object of JSON. */
  isJson(column: number): boolean {
    if (!this.#hasJson) return false;
    const cursor = new Cursor(this.#lengths);
    for (let i = 0, at = -1; i < this.count && at < column; i++) {
      at += this.#isSparse ? cursor.read(this.#bytes) : 1;
      const length = cursor.read(this.#bytes);
      if (at === column) return length % 2 === 1;
    }
    return false;
  }

  #length(cursor: Cursor): number {
    const length = cursor.read(this.#bytes);
    return this.#hasJson ? Math.floor(length / 2) : length;
  }

  /** A row that is wider by nothing but empty cells: those are no cells of the table. */
  #isTooWide(): boolean {
    if (this.#width === undefined || this.count <= this.#width) return false;
    const cells = this.present();
    return cells.slice(this.#width).every(([, value]) => value.trim() === '');
  }
}

/** Reads numbers of seven bits a byte, the low ones first. */
export class Cursor {
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

export function writeNumber(bytes: Buffer, at: number, value: number): number {
  let rest = value;
  let i = at;
  while (rest >= 128) {
    bytes[i++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  bytes[i++] = rest;
  return i;
}
