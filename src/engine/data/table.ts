import type { DataFormat, DataProblem } from '../../protocol/index.ts';
import type { Rows } from './packed-rows.ts';

/** A file's content as rows of text, with all that was odd about it. */
export interface Table {
  /** The file as messages call it. */
  name: string;
  format: DataFormat;
  encoding: string;
  columns: string[];
  /** Where the line that names the columns stands; absent where there is none (and in JSON). */
  header?: { line: number; end: number };
  rows: Rows;
  /** Keys that hold objects or lists, each with the line of the first: they cannot be text or label. */
  nested: Map<string, number>;
  problems: DataProblem[];
}

/** A table before anyone knows what it is called and how it was encoded. */
export type Content = Pick<Table, 'format' | 'header' | 'columns' | 'nested'> & { rows: PlainRow[] };

export interface PlainRow {
  line: number;
  end: number;
  values: (string | undefined)[];
}

/** Whether a cell holds nothing that could be read. */
export function isEmpty(value: string | undefined): value is undefined | '' {
  return value === undefined || value.trim() === '';
}
