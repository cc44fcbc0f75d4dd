import type { InputKind, PromptFile } from './prompt-file.ts';

/** What fills a template: what was typed, and a row of a dataset. */
export interface Given {
  values?: Readonly<Record<string, unknown>> | undefined;
  /** Cells by their columns. */
  row?: Readonly<Record<string, unknown>> | undefined;
  /** Read from `sampleFile`, where the template has no sample of its own. */
  sample?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The values of a template's inputs: what was typed stands above the row, and that above the defaults. The sample is for
 * a try-out without a row: a row never gets a value of it.
 */
export function inputValues(file: PromptFile, { values = {}, row, sample }: Given): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const { name, default: otherwise } of file.inputs) if (otherwise !== undefined) found[name] = otherwise;
  if (row) {
    Object.assign(found, rowValues(file, row));
  } else {
    for (const { name, sample: own } of file.inputs) if (own !== undefined) found[name] = own;
    Object.assign(found, file.sample ?? sample);
  }
  return Object.assign(found, values);
}

/** What a row gives: its cells by their columns, and those of the template's inputs under their names. */
export function rowValues(file: PromptFile, row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const found = { ...row };
  for (const { name, kind } of file.inputs) {
    const column = Object.hasOwn(file.columns, name) ? file.columns[name]! : name;
    const cell = Object.hasOwn(row, column) ? row[column] : undefined;
    if (cell !== undefined) found[name] = cellValue(cell, kind);
  }
  return found;
}

/** A cell of a table as the kind of value that an input is; it stays a text where it is no such value. */
export function cellValue(cell: unknown, kind: InputKind): unknown {
  if (typeof cell !== 'string') return cell;
  const text = cell.trim();
  if (kind === 'number' && text !== '' && Number.isFinite(Number(text))) return Number(text);
  if (kind === 'boolean' && /^(true|false|yes|no|1|0)$/i.test(text)) return /^(true|yes|1)$/i.test(text);
  if (kind === 'array' || kind === 'object' || kind === 'thread') {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null) return value;
    } catch {
      return cell;
    }
  }
  return cell;
}
