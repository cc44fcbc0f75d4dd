import { NumberList } from './number-list.ts';
import type { Rows } from './packed-rows.ts';
import { Places } from './problems.ts';
import type { RowIds } from './row-ids.ts';
import type { TableRow } from './row-record.ts';

/** A row that can be trained on. */
export interface LabelledRow {
  /** Stays the same whatever is added before it (row-ids.ts). */
  readonly id: string;
  text: string;
  text_pair?: string;
  label: string;
  /** Rows of one group are never on two sides of a split. */
  group?: string;
  /** Absolute path of its file. */
  file: string;
  line: number;
  /** How much there is to it. */
  readonly bytes: number;
}

/** Columns of a table by their places; -1 for one that there is not. */
export interface Fields {
  text: number;
  text_pair: number;
  group: number;
}

/** What rows are of. */
export interface RowsOrigin {
  fields: Fields;
  /** Absolute path of the file that rows without one of their own stand in. */
  file: string;
  names: RowIds;
}

/**
 * The rows of a table that have a text and a label. Texts stay packed in the table, and a class is a number, so that
 * millions of rows cost a few bytes each; a row is made into an object when somebody asks for it.
 */
export class LabelledRows implements Iterable<LabelledRow> {
  readonly #rows: Rows;
  readonly #fields: Fields;
  readonly #file: string;
  readonly #names: RowIds;
  readonly #labels: string[];
  /** Rows of each label as it was written. */
  readonly #places: readonly Places[];
  /** For each row the number of its label as it was written. */
  readonly #ids: Uint32Array;

  constructor(rows: Rows, { fields, file, names }: RowsOrigin, labels: ReadonlyMap<string, Places>, ids: Uint32Array) {
    this.#rows = rows;
    this.#fields = fields;
    this.#file = file;
    this.#names = names;
    this.#labels = [...labels.keys()];
    this.#places = [...labels.values()];
    this.#ids = ids;
  }

  get length(): number {
    return this.#ids.length;
  }

  *[Symbol.iterator](): Generator<LabelledRow> {
    let i = 0;
    for (const row of this.#rows) yield this.#made(row, i++);
  }

  /** The row at a place, from the end when it is negative. */
  at(place: number): LabelledRow | undefined {
    const i = place < 0 ? this.length + place : place;
    const row = this.#rows.at(i);
    return row && this.#made(row, i);
  }

  /** The label of a row that there is. */
  labelAt(place: number): string {
    return this.#labels[this.#ids[place]!]!;
  }

  map<T>(make: (row: LabelledRow) => T): T[] {
    const made: T[] = [];
    for (const row of this) made.push(make(row));
    return made;
  }

  filter(isWanted: (row: LabelledRow) => boolean | undefined): LabelledRow[] {
    const kept: LabelledRow[] = [];
    for (const row of this) if (isWanted(row)) kept.push(row);
    return kept;
  }

  /** Some rows as they come. @param from 0 or more */
  slice(from: number, to: number): LabelledRow[] {
    return this.#rows.slice(from, to).map((row, i) => this.#made(row, from + i));
  }

  /** Each class with the rows that have it. */
  classes(): Map<string, Places> {
    const classes = new Map<string, Places>();
    for (const [id, label] of this.#labels.entries()) {
      const known = classes.get(label);
      classes.set(label, known ? known.and(this.#places[id]!) : this.#places[id]!);
    }
    return classes;
  }

  /** Gives classes another name, in all of their rows. */
  rename(names: ReadonlyMap<string, string>): void {
    for (const [id, label] of this.#labels.entries()) this.#labels[id] = names.get(label) ?? label;
  }

  #made(row: TableRow, i: number): LabelledRow {
    return new PackedRow(row, this.#fields, this.#labels[this.#ids[i]!]!, row.file ?? this.#file, this.#names);
  }
}

/** Its texts are made into strings when they are read. */
class PackedRow implements LabelledRow {
  readonly label: string;
  readonly file: string;
  readonly line: number;
  readonly #row: TableRow;
  readonly #fields: Fields;
  readonly #names: RowIds;
  declare readonly text_pair?: string;
  declare readonly group?: string;

  constructor(row: TableRow, fields: Fields, label: string, file: string, names: RowIds) {
    this.label = label;
    this.file = file;
    this.line = row.line;
    this.#row = row;
    this.#fields = fields;
    this.#names = names;
    if (fields.text_pair >= 0) {
      Object.defineProperty(this, 'text_pair', { enumerable: true, get: () => row.value(fields.text_pair)! });
    }
    if (fields.group >= 0) {
      const get = () => row.value(fields.group)?.trim() || undefined;
      Object.defineProperty(this, 'group', { enumerable: true, get });
    }
  }

  get id(): string {
    return this.#names.of(this.#row);
  }

  get text(): string {
    return this.#row.value(this.#fields.text)!;
  }

  get bytes(): number {
    return this.#row.bytes;
  }
}

/** Gathers labelled rows. */
export class LabelledRowsBuilder {
  /** Places of the rows so far, once one was passed over; before that they are all. */
  #kept: NumberList | undefined;
  #count = 0;
  readonly #ids = new NumberList();
  readonly #labels = new Map<string, { id: number; places: Places }>();

  /** @param place of the row in the table's rows */
  push(place: number, label: string, line: number): void {
    let known = this.#labels.get(label);
    if (!known) {
      known = { id: this.#labels.size, places: new Places() };
      this.#labels.set(label, known);
    }
    known.places.add(line);
    if (!this.#kept && place !== this.#count) {
      this.#kept = new NumberList();
      for (let i = 0; i < this.#count; i++) this.#kept.push(i);
    }
    this.#kept?.push(place);
    this.#count++;
    this.#ids.push(known.id);
  }

  built(rows: Rows, origin: RowsOrigin): LabelledRows {
    const isWhole = !this.#kept && this.#count === rows.length;
    const all = isWhole ? rows : this.#kept ? rows.only(this.#kept.numbers()) : rows.slice(0, this.#count);
    const labels = new Map([...this.#labels].map(([label, { places }]) => [label, places]));
    return new LabelledRows(all, origin, labels, this.#ids.numbers());
  }
}
