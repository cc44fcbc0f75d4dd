import { NumberList } from './number-list.ts';
import type { Rows } from './packed-rows.ts';
import { Places } from './problems.ts';
import type { TableRow } from './row-record.ts';

/** A row that can be trained on. */
export interface LabelledRow {
  text: string;
  text_pair?: string;
  label: string;
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
}

/**
 * The rows of a table that have a text and a label. Texts stay packed in the table, and a class is a number, so that
 * millions of rows cost a few bytes each; a row is made into an object when somebody asks for it.
 */
export class LabelledRows implements Iterable<LabelledRow> {
  readonly #rows: Rows;
  readonly #fields: Fields;
  readonly #file: string;
  readonly #labels: string[];
  /** Rows of each label as it was written. */
  readonly #places: readonly Places[];
  /** For each row the number of its label as it was written. */
  readonly #ids: Uint32Array;

  constructor(rows: Rows, fields: Fields, file: string, labels: ReadonlyMap<string, Places>, ids: Uint32Array) {
    this.#rows = rows;
    this.#fields = fields;
    this.#file = file;
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

  /** Some rows as they come. @param skip rows to pass over first */
  some(skip: number, count: number): LabelledRow[] {
    return this.#rows.slice(skip, skip + count).map((row, i) => this.#made(row, skip + i));
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
    return new PackedRow(row, this.#fields, this.#labels[this.#ids[i]!]!, row.file ?? this.#file);
  }
}

/** Its texts are made into strings when they are read. */
class PackedRow implements LabelledRow {
  readonly label: string;
  readonly file: string;
  readonly line: number;
  readonly #row: TableRow;
  readonly #fields: Fields;
  declare readonly text_pair?: string;

  constructor(row: TableRow, fields: Fields, label: string, file: string) {
    this.label = label;
    this.file = file;
    this.line = row.line;
    this.#row = row;
    this.#fields = fields;
    if (fields.text_pair >= 0) {
      Object.defineProperty(this, 'text_pair', { enumerable: true, get: () => row.value(fields.text_pair)! });
    }
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

  built(rows: Rows, fields: Fields, file: string): LabelledRows {
    const isWhole = !this.#kept && this.#count === rows.length;
    const all = isWhole ? rows : this.#kept ? rows.only(this.#kept.numbers()) : rows.slice(0, this.#count);
    const labels = new Map([...this.#labels].map(([label, { places }]) => [label, places]));
    return new LabelledRows(all, fields, file, labels, this.#ids.numbers());
  }
}

/**
 * Finds rows whose keys are equal, without keeping the keys: four bytes of a hash for each, and where hashes are equal
 * the keys are made again and compared.
 */
export class SeenRows {
  readonly #hashes: Uint32Array;
  readonly #slots: Uint32Array;
  readonly #keyOf: (place: number) => string;

  /** @param keyOf a row's key, for a row that was added before */
  constructor(length: number, keyOf: (place: number) => string) {
    this.#hashes = new Uint32Array(length);
    this.#slots = new Uint32Array(16 + Math.ceil(1.4 * length));
    this.#keyOf = keyOf;
  }

  /** Adds a row. @returns the place of the first row with the same key; undefined when there is none */
  add(place: number, key: string): number | undefined {
    const hash = hashOf(key);
    const slots = this.#slots.length;
    for (let slot = Math.floor((hash / 2 ** 32) * slots); ; slot = slot + 1 === slots ? 0 : slot + 1) {
      const other = this.#slots[slot]!;
      if (other === 0) {
        this.#slots[slot] = place + 1;
        this.#hashes[place] = hash;
        return undefined;
      }
      if (this.#hashes[other - 1] === hash && this.#keyOf(other - 1) === key) return other - 1;
    }
  }
}

/** FNV-1a over UTF-16 units, its bits mixed at the end (as MurmurHash3 does). */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
