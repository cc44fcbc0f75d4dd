import { type Columns, counted, FIELDS, type Field, fieldOf } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { characterName, invisibleIn, isReadable, lookAlikesIn, lookOf, nearText } from './characters.ts';
import { joinedLabels, LabelCells } from './label-cells.ts';
import { type Fields, type LabelledRows, LabelledRowsBuilder } from './labelled-rows.ts';
import { numberKey, settleLabels } from './labels.ts';
import { type Pace, Stride } from './pace.ts';
import { listed, Places, type Problems, places, quoted } from './problems.ts';
import { RowIds } from './row-ids.ts';
import { SeenRows } from './seen-rows.ts';
import { isEmpty, type Table } from './table.ts';

/**
 * How rows are understood. 1: as 0.1.0 did, for runs that it started: labels and texts are compared as they are, blanks
 * around them aside. 2: by what a person sees of them, lists of one label opened.
 */
export type DataRules = 1 | 2;

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

/** Which of the fields was not found, and what the file has instead. */
export function missingColumns(table: Table, columns: Columns): string {
  const missing = listed(
    FIELDS['text-classification']
      .filter(({ name, required }) => required && columns[name] === undefined)
      .map(({ title }) => title),
    'or',
  );
  const nested = [...table.nested].map(([key, line]) => `“${key}” (line ${line})`);
  const there = table.columns.filter((column) => !table.nested.has(column)).map((column) => `“${column}”`);
  return (
    `No ${missing} column was found in ${table.name}; its ${there.length === 1 ? 'only column is' : 'columns are'} ` +
    `${listed(there.slice(0, 20)) || 'none'}` +
    `${nested.length > 0 ? `, and nested JSON is under ${listed(nested.slice(0, 5))}` : ''}.`
  );
}

export interface LabelledOptions {
  rules?: DataRules | undefined;
  /** Ids of the file's rows, where the table has only some of them. */
  names?: RowIds | undefined;
  pace?: Pace | undefined;
}

/** What the rows of a whole table are called. */
export function namesOf(table: Table, columns: Columns): RowIds {
  const at = (name: string | undefined) => (name === undefined ? -1 : table.columns.indexOf(name));
  const texts = [columns.text, columns.text_pair].filter((name) => name !== undefined);
  return new RowIds(table.rows, { own: at(table.ids), texts: texts.map(at) });
}

/**
 * The rows that have a text and a label; those that lack one are left out and reported with their lines, and each
 * class has one spelling. A column without any content is an error.
 */
export async function labelledRows(
  table: Table,
  columns: Columns & { text: string; label: string },
  file: string,
  problems: Problems,
  { rules = 2, names = namesOf(table, columns), pace }: LabelledOptions = {},
): Promise<LabelledRows> {
  const fields = FIELDS['text-classification'].flatMap((field) => {
    const name = columns[field.name];
    return name === undefined ? [] : [{ field, name, index: table.columns.indexOf(name) }];
  });
  const at = (name: string | undefined) => (name === undefined ? -1 : table.columns.indexOf(name));
  const place: Fields = { text: at(columns.text), text_pair: at(columns.text_pair), group: at(columns.group) };
  const origin = { fields: place, file, names };
  const rows = new LabelledRowsBuilder();
  if (table.rows.length === 0) return rows.built(table.rows, origin);
  const vacant = fields.filter(({ index }) => table.rows.every((row) => isEmpty(row.value(index))));
  for (const { field, name } of vacant) {
    problems.add('error', `empty-${field.name}-column`, `The ${field.title} column “${name}” is empty in every row.`, {
      column: name,
    });
  }
  if (vacant.length > 0) return rows.built(table.rows, origin);
  const labelAt = at(columns.label);
  const cells = new LabelCells(columns.label);
  const stride = new Stride(pace);
  let next = 0;
  for (const row of table.rows) {
    const wait = stride.step(row.bytes);
    if (wait) await wait;
    const { line } = row;
    const i = next++;
    const lacking = fields.find(({ index }) => {
      const value = row.value(index);
      return isEmpty(value) || (rules > 1 && !isReadable(value));
    });
    if (lacking) {
      const odd = invisibleIn(row.value(lacking.index) ?? '');
      if (odd.length > 0) reportUnreadable(lacking.name, odd, line, problems);
      else reportLacking(lacking.field, lacking.name, line, problems);
      continue;
    }
    let label = row.value(labelAt)!.trim();
    if (rules > 1) {
      const more = label.startsWith(FAST_TEXT_LABEL) ? fastTextLabels(row.value(place.text)!) : [];
      const one = cells.labelOf(label, line, more);
      if (one === undefined) continue;
      if (one === '') {
        reportLacking(fieldOf('text-classification', 'label'), columns.label, line, problems);
        continue;
      }
      label = one;
    }
    rows.push(i, label, line);
  }
  const labelled = rows.built(table.rows, origin);
  if (rules > 1) {
    cells.report(problems);
    await reportMissingWords(labelled, columns, problems, pace);
    settleLabels(labelled, columns.label, problems);
  }
  if (columns.group !== undefined) reportUngrouped(labelled, columns.group, problems);
  return labelled;
}

function reportLacking(field: Field, name: string, line: number, problems: Problems): void {
  problems.occurrence(
    { severity: 'warning', code: `empty-${field.name}`, column: name },
    line,
    (where, count) =>
      `${counted(count, 'row')} without a ${field.title} in “${name}” (${where}) ${count === 1 ? 'is' : 'are'} left out.`,
  );
}

function reportUngrouped(rows: LabelledRows, column: string, problems: Problems): void {
  const found = new Places();
  for (const row of rows) if (row.group === undefined) found.add(row.line);
  problems.occurrences(
    { severity: 'warning', code: 'empty-group', column },
    found,
    (where, count) =>
      `${counted(count, 'row')} without a group in “${column}” (${where}) ${count === 1 ? 'counts as a group of its own' : 'count as groups of one row each'}.`,
  );
}

function reportUnreadable(name: string, odd: readonly string[], line: number, problems: Problems): void {
  const names = listed(odd.slice(0, 3).map(characterName));
  problems.occurrence(
    { severity: 'warning', code: 'invisible-characters', column: name },
    line,
    (where, count) =>
      `${counted(count, 'row')} with nothing but spaces and invisible characters in “${name}” (${where}; the first has ${names}) ${count === 1 ? 'is' : 'are'} left out.`,
  );
}

/** Labels in front of a text, as fastText writes them. */
const FAST_TEXT = /^(?:\s*__label__\S+)+\s*/;

/** Further labels of a line of fastText's, which stand where its text begins. */
const fastTextLabels = (text: string): string[] => FAST_TEXT.exec(text)?.[0].trim().split(/\s+/) ?? [];
const FAST_TEXT_LABEL = '__label__';

/** What programs write where a value is missing. “None” and “NA” are classes of their own often enough. */
const MISSING_LABEL = /^(?:-?nan|nat|<na>|#n\/a|n\/a|null|nil|undefined|#value!|#ref!)$/i;
const MISSING_TEXT = /^(?:-?nan|nat|<na>|#n\/a|n\/?a|null|nil|none|undefined|#value!|#ref!)$/i;

async function reportMissingWords(
  rows: LabelledRows,
  columns: Columns,
  problems: Problems,
  pace: Pace | undefined,
): Promise<void> {
  const fields = FIELDS['text-classification']
    .filter(({ name }) => columns[name] !== undefined)
    .map(({ name, kind }) => ({
      field: name,
      kind,
      pattern: kind === 'label' ? MISSING_LABEL : MISSING_TEXT,
      found: new Places(),
      words: new Set<string>(),
    }));
  const stride = new Stride(pace);
  for (const row of rows) {
    const wait = stride.step(row.bytes);
    if (wait) await wait;
    for (const { field, pattern, found, words } of fields) {
      const word = row[field]?.trim() ?? '';
      if (!pattern.test(word)) continue;
      found.add(row.line);
      if (words.size < 3) words.add(word);
    }
  }
  for (const { field, kind, found, words: all } of fields) {
    const column = columns[field]!;
    const words = [...all].map(quoted);
    const isOne = words.length === 1;
    problems.occurrences(
      { severity: 'warning', code: 'missing-words', column },
      found,
      (where, count) =>
        `${listed(words)} ${isOne ? 'occurs' : 'occur'} in ${counted(count, kind)} of “${column}” (${where}) and ${isOne ? 'looks like a missing value, but is' : 'look like missing values, but are'} learned ${kind === 'label' ? 'as a class' : 'as written'}. Clear ${count === 1 ? 'the cell to leave its row out' : 'these cells to leave their rows out'}.`,
    );
  }
}

/** Rows a class, most frequent first; equal ones by name. */
export function classCounts(rows: LabelledRows): { label: string; count: number }[] {
  return [...rows.classes()]
    .map(([label, { count }]) => ({ label, count }))
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
export function checkClasses(rows: LabelledRows, column: string, problems: Problems): void {
  if (rows.length === 0) return;
  const counts = classCounts(rows);
  const at = { column };
  // Of rows that cannot be understood the classes say little.
  if (problems.has('error')) {
    reportSimilar(counts, column, problems);
    return;
  }
  if (counts.length === 1) {
    problems.add(
      'error',
      'one-class',
      `${rows.length === 1 ? 'The only row has' : `All ${counted(rows.length, 'row')} have`} the label ${quoted(counts[0]!.label)} in “${column}”; a classifier needs at least two classes. Add rows of another class, or choose another label column.`,
      at,
    );
    return;
  }
  if (isMeasured(counts, rows, column, problems)) return;
  if (rows.length >= 4 && counts.length === rows.length) {
    problems.add(
      'error',
      'all-classes-single',
      `Each of the ${counted(rows.length, 'row')} has a different label in “${column}”, so there is nothing to learn. Is another column the label?`,
      at,
    );
    reportSimilar(counts, column, problems);
    return;
  }
  const single = counts.filter(({ count }) => count === 1).map(({ label }) => label);
  if (single.length > 0) {
    const classes = rows.classes();
    const names = listed([
      ...single.slice(0, 5).map(quoted),
      ...(single.length > 5 ? [`${single.length - 5} more`] : []),
    ]);
    const lines = single.map((label) => classes.get(label)!.lines[0]!).sort((a, b) => a - b);
    problems.add(
      'warning',
      'single-row-class',
      `${single.length === 1 ? 'The class' : 'The classes'} ${names} ${single.length === 1 ? 'has only one row' : 'have only one row each'} (${places(lines)}), which ${single.length === 1 ? 'is' : 'are'} used for training. Add more rows, or correct a misspelled label.`,
      { ...at, line: lines[0]! },
    );
  }
  reportSimilar(counts, column, problems);
  reportJoined(counts, rows, column, problems);
  const [most, least] = [counts[0]!, counts.at(-1)!];
  if (most.count >= IMBALANCE * least.count) {
    problems.add(
      'info',
      'imbalanced',
      `${quoted(most.label)} has ${counted(most.count, 'row')}, ${quoted(least.label)} ${least.count.toLocaleString('en')}: "class_weight": "balanced" in the recipe makes rare classes count as much as common ones.`,
      at,
    );
  }
}

/** The largest class is so many times the smallest where weights are offered. */
const IMBALANCE = 10;

/** Labels that a person may take for one. They stay classes of their own. */
function reportSimilar(counts: readonly { label: string }[], column: string, problems: Problems): void {
  const alike = new Map<string, string[]>();
  for (const { label } of counts) {
    const look = lookOf(label);
    alike.set(look, [...(alike.get(look) ?? []), label]);
  }
  for (const labels of alike.values()) {
    if (labels.length < 2) continue;
    const letters = labels.flatMap((label) => {
      const odd = lookAlikesIn(label);
      return odd.length === 0 ? [] : [` ${quoted(label)} is written with ${listed(odd.map(characterName))}.`];
    });
    problems.add(
      'warning',
      'similar-labels',
      `The labels ${listed(labels.map(quoted))} differ only in spelling and count as ${labels.length} classes.${letters.join('')}`,
      { column },
    );
  }
}

/** Labels that are lists of others: `billing|login`. */
function reportJoined(
  counts: readonly { label: string; count: number }[],
  rows: LabelledRows,
  column: string,
  problems: Problems,
): void {
  const found = joinedLabels(counts.map(({ label }) => label));
  if (!found || found.joined.length === 0) return;
  const joined = new Set(found.joined);
  const names = found.joined.slice(0, 3).map(quoted);
  const isOne = joined.size === 1;
  problems.lines(
    { severity: 'warning', code: 'list-labels', column },
    rows.filter(({ label }) => joined.has(label)).map(({ line }) => line),
    (where) =>
      `${joined.size} of the ${counts.length} labels in “${column}” ${isOne ? 'is a list' : 'are lists'} of other labels, joined by “${found.separator}” (${listed(names)}${joined.size > names.length ? ', …' : ''}; ${where}). Only one label per row is learned, so each list counts as a separate class: several labels per row are not supported yet.`,
  );
}

/** Decimal numbers of which there are more than a few are a measurement. @returns whether they are no classes at all */
function isMeasured(
  counts: readonly { label: string }[],
  rows: LabelledRows,
  column: string,
  problems: Problems,
): boolean {
  const numbers = counts.map(({ label }) => numberKey(label));
  if (counts.length < 3 || numbers.includes(undefined) || !numbers.some((number) => number!.includes('.')))
    return false;
  const isOwn = counts.length > rows.length / 2;
  const values = numbers.map(Number).sort((a, b) => a - b);
  const many =
    counts.length === rows.length
      ? 'each row has a different one'
      : `there are ${counts.length} in ${counted(rows.length, 'row')}`;
  problems.add(
    isOwn ? 'error' : 'warning',
    'numeric-labels',
    `The labels in “${column}” are decimal numbers from ${values[0]} to ${values.at(-1)}, and ${many}: a measurement rather than classes.${isOwn ? '' : ' Each number counts as a class.'} Learning a measurement (regression) is not supported yet. Group the numbers into a few classes, such as low and high, or choose another label column.`,
    { column },
  );
  return isOwn;
}

/** What makes two rows the same example: their texts without regard to case, blanks and invisible characters. */
export function textKey(row: { text: string; text_pair?: string }, rules: DataRules = 2): string {
  const key = rules === 1 ? (text: string) => text.trim() : nearText;
  return row.text_pair === undefined ? key(row.text) : `${key(row.text)}\0${key(row.text_pair)}`;
}

/** Reports rows that repeat an earlier one, and texts that carry different labels. Nothing is left out. */
export async function checkRepeats(
  rows: LabelledRows,
  problems: Problems,
  rules: DataRules = 2,
  pace?: Pace,
): Promise<void> {
  const seen = new SeenRows(rows.length, (place) => textKey(rows.at(place)!, rules));
  const stride = new Stride(pace);
  let next = 0;
  for (const row of rows) {
    const wait = stride.step(row.bytes);
    if (wait) await wait;
    const first = seen.add(next++, textKey(row, rules));
    if (first === undefined) continue;
    if (rows.labelAt(first) === row.label) {
      problems.occurrence({ severity: 'info', code: 'duplicate-row' }, row.line, (where, count) =>
        count === 1
          ? `The row on ${where} repeats line ${rows.at(first)!.line}; both are kept.`
          : `${counted(count, 'row')} repeat earlier ones (${where}); all are kept.`,
      );
    } else {
      problems.occurrence({ severity: 'warning', code: 'conflicting-labels' }, row.line, (where, count) =>
        count === 1
          ? `The text ${quoted(row.text)} has the label ${quoted(rows.labelAt(first))} on line ${rows.at(first)!.line} and ${quoted(row.label)} on ${where}. Decide which is right.`
          : `${counted(count, 'row')} have a different label than an earlier row with the same text (${where}). The first is ${quoted(row.text)}: ${quoted(rows.labelAt(first))} on line ${rows.at(first)!.line}, ${quoted(row.label)} on line ${row.line}. Decide which are right.`,
      );
    }
  }
}
