import type { Columns, DataFormat, DataProblem } from '../../protocol/index.ts';
import type { Dialect } from './delimited.ts';
import type { EncodingGuess } from './encoding-guess.ts';
import { without } from './number-list.ts';
import type { Pace } from './pace.ts';
import type { Rows } from './packed-rows.ts';

/** A file's content as rows of text, with all that was odd about it. */
export interface Table {
  /** The file as messages call it. */
  name: string;
  format: DataFormat;
  encoding: string;
  /** What the encoding follows from, where it is a guess. */
  encodingGuess?: EncodingGuess;
  /** How cells are delimited, in CSV and its kin. */
  dialect?: Dialect;
  columns: string[];
  /** Where the line that names the columns stands; absent where there is none (and in JSON). */
  header?: { line: number; end: number };
  rows: Rows;
  /** Places among the rows, ascending, of those that are not as the format wants them: an error says so of each. */
  broken?: Uint32Array;
  /** Of JSON, where a reader wants it: each row's object as it is written, in the only cell. */
  sources?: Rows;
  /** Column of the rows' ids, in rows that Luthier wrote itself. */
  ids?: string;
  /** Keys that hold objects or lists, each with the line of the first: they cannot be text or label. */
  nested: Map<string, number>;
  problems: DataProblem[];
}

/** What was found in a table, save for lists of JSON in the columns that are used for what they are. */
export const problemsBeside = ({ nested, problems }: Table, columns: Columns): DataProblem[] => {
  const used = new Set(Object.values(columns).filter((name) => nested.has(name)));
  return problems.filter(({ code, column }) => code !== 'nested-json' || column === undefined || !used.has(column));
};

/** The table without its broken rows: their cells may stand in columns that they do not belong in. */
export function withoutBroken(table: Table): Table {
  const { rows, broken = new Uint32Array() } = table;
  return broken.length === 0 ? table : { ...table, rows: rows.only(without(rows.length, broken)) };
}

/** A table before anyone knows what it is called and how it was encoded. */
export type Content = Pick<
  Table,
  'format' | 'header' | 'columns' | 'rows' | 'broken' | 'sources' | 'nested' | 'dialect'
>;

/** A file's content in UTF-8, without a byte order mark. */
export interface Text {
  /** The file as messages call it. */
  name: string;
  /** From the first byte on, as often as is asked for. A piece holds until the next. */
  pieces(): AsyncGenerator<Buffer>;
  /** For work between the pieces. */
  pace: Pace;
}

/** Whether a cell holds nothing that could be read. */
export function isEmpty(value: string | undefined): value is undefined | '' {
  return value === undefined || value.trim() === '';
}
