import type { Columns } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { counted, listed, type Problems, places, quoted } from './problems.ts';
import { isEmpty, type Table } from './table.ts';

/** A row that can be trained on. */
export interface LabelledRow {
  text: string;
  text_pair?: string;
  label: string;
  /** Absolute path of its file. */
  file: string;
  line: number;
}

/**
 * The columns that a classification needs.
 * @throws LuthierError `data-invalid` naming what is missing and what is there.
 */
export function requireColumns(table: Table, columns: Columns): Columns & { text: string; label: string } {
  const { text, label } = columns;
  if (text !== undefined && label !== undefined) return { ...columns, text, label };
  throw new LuthierError(
    'data-invalid',
    missingColumns(table, columns),
    'Name them in the recipe, "columns": {"text": "…", "label": "…"}, or add the missing one to the file.',
  );
}

/** Which of text and label was not found, and what the file has instead. */
export function missingColumns(table: Table, { text, label }: Columns): string {
  const missing = text === undefined ? (label === undefined ? 'text and no label' : 'text') : 'label';
  const nested = [...table.nested].map(([key, line]) => `“${key}” (line ${line})`);
  const there = table.columns.filter((column) => !table.nested.has(column)).map((column) => `“${column}”`);
  return (
    `No ${missing} column was found in ${table.name}; its ${there.length === 1 ? 'only column is' : 'columns are'} ` +
    `${listed(there.slice(0, 20)) || 'none'}` +
    `${nested.length > 0 ? `, and nested JSON is under ${listed(nested.slice(0, 5))}` : ''}.`
  );
}

/**
 * The rows that have a text and a label; those that lack one are left out and reported with their lines.
 * A column without any content is an error.
 */
export function labelledRows(
  table: Table,
  columns: Columns & { text: string; label: string },
  file: string,
  problems: Problems,
): LabelledRow[] {
  const fields = (['text', 'text_pair', 'label'] as const).flatMap((field) => {
    const name = columns[field];
    return name === undefined ? [] : [{ field, name, index: table.columns.indexOf(name) }];
  });
  if (table.rows.length === 0) return [];
  const vacant = fields.filter(({ index }) => table.rows.every((row) => isEmpty(row.values[index])));
  for (const { field, name } of vacant) {
    problems.add(
      'error',
      `empty-${field}-column`,
      `The ${field.replace('_', ' ')} column “${name}” is empty in every row.`,
      {
        column: name,
      },
    );
  }
  if (vacant.length > 0) return [];
  const [textAt, labelAt] = [table.columns.indexOf(columns.text), table.columns.indexOf(columns.label)];
  const pairAt = columns.text_pair === undefined ? -1 : table.columns.indexOf(columns.text_pair);
  const rows: LabelledRow[] = [];
  for (const { line, values, file: own = file } of table.rows) {
    const lacking = fields.find(({ index }) => isEmpty(values[index]));
    if (lacking) {
      const { field, name } = lacking;
      problems.occurrence(
        { severity: 'warning', code: `empty-${field}`, column: name },
        line,
        (where, count) =>
          `${counted(count, 'row')} without ${field === 'label' ? 'a label' : 'a text'} in “${name}” (${where}) ${count === 1 ? 'is' : 'are'} left out.`,
      );
      continue;
    }
    const row: LabelledRow = { text: values[textAt]!, label: values[labelAt]!.trim(), file: own, line };
    if (pairAt >= 0) row.text_pair = values[pairAt]!;
    rows.push(row);
  }
  return rows;
}

/** Rows a class, most frequent first; equal ones by name. */
export function classCounts(rows: readonly { label: string }[]): { label: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const { label } of rows) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts]
    .map(([label, count]) => ({ label, count }))
    .sort((a, b) => b.count - a.count || compareLabels(a.label, b.label));
}

/** By number where both are numbers, numbers before words, words by their characters' code points. */
export function compareLabels(a: string, b: string): number {
  const [x, y] = [a === '' ? Number.NaN : Number(a), b === '' ? Number.NaN : Number(b)];
  if (Number.isFinite(x) && Number.isFinite(y) && x !== y) return x - y;
  if (Number.isFinite(x) !== Number.isFinite(y)) return Number.isFinite(x) ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Says what is wrong with the classes themselves: one only, one for each row, single rows, names that differ in case alone. */
export function checkClasses(rows: readonly LabelledRow[], column: string, problems: Problems): void {
  if (rows.length === 0) return;
  const counts = classCounts(rows);
  const at = { column };
  if (counts.length === 1) {
    problems.add(
      'error',
      'one-class',
      `${rows.length === 1 ? 'The only row has' : `All ${counted(rows.length, 'row')} have`} the label ${quoted(counts[0]!.label)} in “${column}”; a classifier needs two classes at least. Add rows of another class, or choose another label column.`,
      at,
    );
    return;
  }
  if (rows.length >= 4 && counts.length === rows.length) {
    problems.add(
      'error',
      'all-classes-single',
      `Each of the ${counted(rows.length, 'row')} has a label of its own in “${column}”, so there is nothing to learn; is another column the label?`,
      at,
    );
    return;
  }
  const single = counts.filter(({ count }) => count === 1).map(({ label }) => label);
  if (single.length > 0) {
    const isSingle = new Set(single);
    const names = listed([
      ...single.slice(0, 5).map(quoted),
      ...(single.length > 5 ? [`${single.length - 5} more`] : []),
    ]);
    const lines = rows.filter((row) => isSingle.has(row.label)).map((row) => row.line);
    problems.add(
      'warning',
      'single-row-class',
      `${single.length === 1 ? 'The class' : 'The classes'} ${names} ${single.length === 1 ? 'has one row' : 'have one row each'} (${places(lines)}), which goes to the training part; add more, or correct a misspelt label.`,
      { ...at, line: lines[0]! },
    );
  }
  const folded = new Map<string, string[]>();
  for (const { label } of counts) {
    const key = label.toLowerCase().replace(/[\s_-]+/g, ' ');
    folded.set(key, [...(folded.get(key) ?? []), label]);
  }
  for (const labels of folded.values()) {
    if (labels.length < 2) continue;
    problems.add(
      'warning',
      'similar-labels',
      `The labels ${listed(labels.map(quoted))} differ in spelling alone and count as ${labels.length} classes.`,
      at,
    );
  }
}

/** What makes two rows the same example: their texts without the blanks around them. */
export function textKey(row: { text: string; text_pair?: string }): string {
  return row.text_pair === undefined ? row.text.trim() : `${row.text.trim()}\0${row.text_pair.trim()}`;
}

/** Reports rows that repeat an earlier one, and texts that carry different labels. Nothing is left out. */
export function checkRepeats(rows: readonly LabelledRow[], problems: Problems): void {
  const first = new Map<string, LabelledRow>();
  for (const row of rows) {
    const key = textKey(row);
    const earlier = first.get(key);
    if (!earlier) {
      first.set(key, row);
    } else if (earlier.label === row.label) {
      problems.occurrence({ severity: 'info', code: 'duplicate-row' }, row.line, (where, count) =>
        count === 1
          ? `The row on ${where} repeats line ${earlier.line}; both are kept.`
          : `${counted(count, 'row')} repeat an earlier one (${where}); they are kept.`,
      );
    } else {
      problems.occurrence({ severity: 'warning', code: 'conflicting-labels' }, row.line, (where, count) =>
        count === 1
          ? `The text ${quoted(row.text)} is ${quoted(earlier.label)} on line ${earlier.line} and ${quoted(row.label)} on ${where}; decide which it is.`
          : `${counted(count, 'row')} carry another label than the same text has further up (${where}), the first being ${quoted(row.text)}: ${quoted(earlier.label)} on line ${earlier.line}, ${quoted(row.label)} on line ${row.line}.`,
      );
    }
  }
}
