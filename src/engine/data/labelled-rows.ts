import { NumberList, type Rows, type TableRow } from './packed-rows.ts';
import { Places } from './problems.ts';

/** A row that can be trained on. */
export interface LabelledRow {
  text: string;
  text_pair?: string;
  label: string;
  /** Absolute path of its file. */
  file: string;
  line: number;
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
  /** For each row the number of its label as it was written. */
  readonly #ids: Uint32Array;

  constructor(rows: Rows, fields: Fields, file: string, labels: string[], ids: Uint32Array) {
    this.#rows = rows;
    this.#fields = fields;
    this.#file = file;
    this.#labels = labels;
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

  /** Each label with the rows that have it, in order of first appearance; no text is looked at. */
  classes(): Map<string, Places> {
    const classes = new Map<string, Places>();
    const places = this.#labels.map((label) => {
      const known = classes.get(label) ?? new Places();
      classes.set(label, known);
      return known;
    });
    let i = 0;
    for (const { line } of this.#rows) places[this.#ids[i++]!]!.add(line);
    for (const [label, { count }] of classes) if (count === 0) classes.delete(label);
    return classes;
  }

  /** Rows of each class. */
  counts(): Map<string, number> {
    const byId = new Uint32Array(this.#labels.length);
    for (const id of this.#ids) byId[id]!++;
    const counts = new Map<string, number>();
    for (const [id, label] of this.#labels.entries()) {
      if (byId[id]! > 0) counts.set(label, (counts.get(label) ?? 0) + byId[id]!);
    }
    return counts;
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
}

/** Gathers labelled rows. */
export class LabelledRowsBuilder {
  readonly #places = new NumberList();
  readonly #ids = new NumberList();
  readonly #byLabel = new Map<string, number>();

  /** @param place of the row in the table's rows */
  push(place: number, label: string): void {
    let id = this.#byLabel.get(label);
    if (id === undefined) {
      id = this.#byLabel.size;
      this.#byLabel.set(label, id);
    }
    this.#places.push(place);
    this.#ids.push(id);
  }

  built(rows: Rows, fields: Fields, file: string): LabelledRows {
    const places = this.#places.numbers();
    const kept = places.length === rows.length ? rows : rows.only(places);
    return new LabelledRows(kept, fields, file, [...this.#byLabel.keys()], this.#ids.numbers());
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
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(16, 1.5 * length))));
    this.#keyOf = keyOf;
  }

  /** Adds a row. @returns the place of the first row with the same key; undefined when there is none */
  add(place: number, key: string): number | undefined {
    const hash = hashOf(key);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
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
