import type { DataFormat, DataProblem } from '../../protocol/index.ts';

export interface TableRow {
  /** 1-based line of the file that the row starts on. */
  line: number;
  /** Absolute path of the file that the row was taken from, where that is another than the table's. */
  file?: string;
  /** Line that it ends on; another one where a quoted cell or a JSON object spans several. */
  end: number;
  /** One for each column; undefined where the row has no such key or cell, or one that is no text (nested JSON). */
  values: (string | undefined)[];
}

/** A file's content as rows of text, with all that was odd about it. */
export interface Table {
  /** The file as messages call it. */
  name: string;
  format: DataFormat;
  encoding: string;
  columns: string[];
  /** Where the line that names the columns stands; absent where there is none (and in JSON). */
  header?: { line: number; end: number };
  rows: TableRow[];
  /** Keys that hold objects or lists, each with the line of the first: they cannot be text or label. */
  nested: Map<string, number>;
  problems: DataProblem[];
}

/** A table before anyone knows what it is called and how it was encoded. */
export type Content = Pick<Table, 'format' | 'header' | 'columns' | 'rows' | 'nested'>;

/** Whether a cell holds nothing that could be read. */
export function isEmpty(value: string | undefined): value is undefined | '' {
  return value === undefined || value.trim() === '';
}
