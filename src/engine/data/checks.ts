import {
  type Columns,
  counted,
  FIELDS,
  type Field,
  type FieldKind,
  fieldOf,
  LuthierError,
  lackingFields,
  type TaskName,
} from '../../protocol/index.ts';
import type { AnswerCells } from './answer-cells.ts';
import { characterName, invisibleIn, isReadable } from './characters.ts';
import { type ColumnStats, columnStats, DISTINCT_CAP } from './column-stats.ts';
import { LabelCells } from './label-cells.ts';
import { type Fields, type LabelledRows, LabelledRowsBuilder } from './labelled-rows.ts';
import { settleLabels } from './labels.ts';
import { saysOtherTask } from './other-task.ts';
import { type Pace, Stride } from './pace.ts';
import { listed, Places, type Problems, quoted } from './problems.ts';
import { RowIds } from './row-ids.ts';
import { isEmpty, type Table } from './table.ts';
import type { ReadRowsOptions } from './types.ts';

const TASK = 'text-classification';

/**
 * The columns, with all that a task needs.
 * @param stats of the table's columns, where they are known already
 * @throws LuthierError `data-invalid` naming what is missing, what is there, and why that is not it
 */
export function requireColumns(
  table: Table,
  columns: Columns,
  task: TaskName,
  stats?: readonly ColumnStats[],
): Columns {
  if (lackingFields(columns, task).length === 0) return columns;
  const needed = FIELDS[task].filter(({ required }) => required);
  const named = needed.map(({ name }) => `"${name}": "…"`);
  const flags = listed(needed.map(({ name }) => `--${name.replaceAll('_', '-')}-column`));
  throw new LuthierError(
    'data-invalid',
    missingColumns(table, columns, task, stats),
    `Name them, "columns": {${named.join(', ')}} in a recipe or ${flags} of luthier evaluate, or add the missing one to the file.`,
  );
}

/** What a row has to have, in words. */
export function neededOf(task: TaskName): string {
  const needed = FIELDS[task].filter(({ required }) => required);
  const titles = needed.map(({ kind, title }) => (kind === 'list' ? title : `a ${title}`));
  return `${titles.length === 2 ? 'both ' : ''}${listed(titles)}`;
}

/** Which of the fields was not found, what the file has instead, and why none of that was taken. */
export function missingColumns(
  table: Table,
  columns: Columns,
  task: TaskName,
  stats: readonly ColumnStats[] = columnStats(table),
): string {
  const lacking = lackingFields(columns, task);
  const missing = listed(
    lacking.map(({ title }) => title),
    'or',
  );
  const free = stats.filter(({ name }) => !table.nested.has(name) && !Object.values(columns).includes(name));
  const why = lacking.flatMap(({ kind }) => free.flatMap((column) => WHY_NOT[kind]?.(column) ?? []));
  const nested = [...table.nested].map(([key, line]) => `“${key}” (line ${line})`);
  const there = table.columns.filter((column) => !table.nested.has(column)).map((column) => `“${column}”`);
  const has = [
    ...(there.length > 0
      ? [`its ${there.length === 1 ? 'only column is' : 'columns are'} ${listed(there.slice(0, 20))}`]
      : []),
    ...(nested.length > 0 ? [`nested JSON is under ${listed(nested.slice(0, 5))}`] : []),
  ];
  return (
    `No ${missing} column was found in ${table.name}; ${has.join(', and ') || 'it has none'}.` +
    why
      .slice(0, MOST_REASONS)
      .map((sentence) => ` ${sentence}`)
      .join('') +
    saysOtherTask(table, task)
  );
}

const MOST_REASONS = 3;

/** Why a column was not guessed to be of a kind; undefined where that is no news. */
const WHY_NOT: Partial<Record<FieldKind, (column: ColumnStats) => string | undefined>> = {
  text: ({ name, filled, numeric, distinct, mean_words }) => {
    const column = quoted(name);
    if (filled === 0) return `${column} is empty in every row.`;
    if (numeric > 0.9) return `${column} holds numbers.`;
    return distinct < filled && mean_words < 2 ? `${column} repeats ${counted(distinct, 'word')}.` : undefined;
  },
  label: ({ name, distinct, filled, empty, examples }) => {
    const column = quoted(name);
    if (filled === 0) return `${column} is empty in every row.`;
    if (distinct === 1)
      return `${column} says ${quoted(examples[0]!)} in every row${empty > 0 ? ' that is filled in' : ''}, and a classifier needs at least two classes.`;
    if (distinct === DISTINCT_CAP) return `${column} has ${counted(DISTINCT_CAP, 'different value')} or more.`;
    return distinct === filled
      ? `${column} has another value in every row, and rows of a class have the same.`
      : undefined;
  },
  value: ({ name, filled, numeric, examples }) => {
    if (filled === 0) return `${quoted(name)} is empty in every row.`;
    return numeric > 0.9
      ? undefined
      : `${quoted(name)} holds other things than numbers, such as ${quoted(examples[0]!)}.`;
  },
};

/** What the rows of a whole table are called, by their ids or what the model reads of them. */
export function namesOf(table: Table, columns: Columns, task: TaskName): RowIds {
  const at = (name: string | undefined) => (name === undefined ? -1 : table.columns.indexOf(name));
  const inputs = FIELDS[task].filter(({ role }) => role === 'input').map(({ name }) => columns[name]);
  const texts = inputs.filter((name) => name !== undefined);
  return new RowIds(table.rows, { own: at(table.ids), texts: texts.map(at) });
}

/**
 * The rows that have a text and a label; those that lack one are left out and reported with their lines, and each
 * class has one spelling. A column without any content is an error.
 * @param options.cells how what is learnt is read, where it is not one class
 */
export async function labelledRows(
  table: Table,
  columns: Columns & { text: string; label: string },
  {
    file,
    problems,
    rules = 2,
    names = namesOf(table, columns, TASK),
    pace,
    cells: own,
  }: ReadRowsOptions & { cells?: AnswerCells },
): Promise<LabelledRows> {
  const fields = FIELDS[TASK].flatMap((written) => {
    const { name: key, role, title } = written;
    const name = columns[key];
    const field = { ...written, title: role === 'target' ? (own?.title ?? title) : title };
    return name === undefined ? [] : [{ field, name, index: table.columns.indexOf(name) }];
  });
  const at = (name: string | undefined) => (name === undefined ? -1 : table.columns.indexOf(name));
  const place: Fields = { text: at(columns.text), text_pair: at(columns.text_pair), group: at(columns.group) };
  const origin = { fields: place, file, names };
  const rows = new LabelledRowsBuilder();
  if (table.rows.length === 0) return rows.built(table.rows, origin);
  const needed = own?.isOptional ? fields.filter(({ field }) => field.role !== 'target') : fields;
  const vacant = needed.filter(({ index }) => table.rows.every((row) => isEmpty(row.value(index))));
  for (const { field, name } of vacant) {
    problems.add('error', `empty-${field.name}-column`, `The ${field.title} column “${name}” is empty in every row.`, {
      column: name,
    });
  }
  if (vacant.length > 0) return rows.built(table.rows, origin);
  const labelAt = at(columns.label);
  const cells = own ?? new LabelCells(columns.label);
  const stride = new Stride(pace);
  let next = 0;
  for (const row of table.rows) {
    const wait = stride.step(row.bytes);
    if (wait) await wait;
    const { line } = row;
    const i = next++;
    const lacking = needed.find(({ index }) => {
      const value = row.value(index);
      return isEmpty(value) || (rules > 1 && !isReadable(value));
    });
    if (lacking) {
      const odd = invisibleIn(row.value(lacking.index) ?? '');
      if (odd.length > 0) reportUnreadable(lacking.name, odd, line, problems);
      else reportLacking(lacking.field, lacking.name, line, problems);
      continue;
    }
    let label = (row.value(labelAt) ?? '').trim();
    if (rules > 1) {
      const more = label.startsWith(FAST_TEXT_LABEL) ? fastTextLabels(row.value(place.text)!) : [];
      const one = cells.labelOf(label, line, more, row);
      if (one === undefined) continue;
      if (one === '') {
        reportLacking(fieldOf(TASK, 'label'), columns.label, line, problems);
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
    if (!own) settleLabels(labelled, columns.label, problems);
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

/** Says which rows have no group where there is a column of groups. */
export function reportUngrouped(
  rows: Iterable<{ group?: string; line: number }>,
  column: string,
  problems: Problems,
): void {
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
  const fields = FIELDS[TASK]
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
      const word = row[field as keyof Fields]?.trim() ?? '';
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
