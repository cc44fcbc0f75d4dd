import {
  type Columns,
  capitalized,
  columnFields,
  counted,
  type Field,
  type FieldKind,
  fieldOf,
  LuthierError,
  largest,
  TASKS,
} from '../../protocol/index.ts';
import { nearest, orMeant } from '../../protocol/nearest.ts';
import { type ColumnStats, columnStats, DISTINCT_CAP } from './column-stats.ts';
import { CONLL, OTHER_NAMES, PAIR_NAMES } from './names.ts';
import { listed } from './problems.ts';
import type { Table } from './table.ts';
import type { AnyRowKind, ColumnGuess } from './types.ts';

export interface GuessOptions {
  pairs?: boolean | undefined;
  why?: Columns | undefined;
  fields?: readonly Field[] | undefined;
}

/**
 * Finds the columns of a task's fields from their names and their content: texts are long and varied, labels short
 * and few. What is `given` is taken as it is.
 * @param options.fields of the task
 * @param options.pairs whether two columns may be found to be the two texts of an example
 * @param options.why where a person has not given what is given, why it is
 * @throws LuthierError `data-invalid` when a given column is not there (with the nearest name), is given twice, or
 *   holds nested JSON.
 */
export function guessColumns(
  table: Table,
  given: Columns = {},
  stats = columnStats(table),
  { pairs = true, why = {}, fields = columnFields(TASKS[0].name) }: GuessOptions = {},
): ColumnGuess {
  checkGiven(table, given, fields);
  const taken = new Set(Object.values(given));
  const free = stats.filter((column) => !taken.has(column.name));
  const columns: Columns = { ...given };
  const takesPairs = pairs && fields.some(({ name }) => name === 'text_pair');
  const isOpen = given.text === undefined && given.text_pair === undefined;
  const pair = takesPairs && isOpen ? namedPair(table, free) : undefined;
  if (pair) [columns.text, columns.text_pair] = pair;
  const longest = largest(stats, (column) => column.mean_length);
  const open = fields.filter(({ name, required }) => required && columns[name] === undefined);
  const choices = open.map((field) => {
    const { takesJson, score } = KINDS[field.kind];
    const fitting = free.filter(({ name }) => !pair?.includes(name) && (takesJson || !table.nested.has(name)));
    return options(fitting, (column) => score(column, field, longest, table));
  });
  for (const [i, option] of best(choices).entries()) {
    if (option.name !== undefined) columns[open[i]!.name] = option.name;
  }
  return { columns, reason: reasonFor(table, columns, given, stats, why, fields) };
}

/** The columns of a task's rows, by their layout where they have several, else by a guess for each field. */
export const columnsFor = (
  kind: Pick<AnyRowKind, 'name' | 'layout'>,
  table: Table,
  given: Columns,
  stats?: ColumnStats[],
  options: Omit<GuessOptions, 'fields'> = {},
): ColumnGuess =>
  kind.layout?.(table, given) ?? guessColumns(table, given, stats, { ...options, fields: columnFields(kind.name) });

/** The options, one of each, that score most together and name no column twice; the first of equal ones. */
function best(choices: readonly (readonly Option[])[]): Option[] {
  let most: { options: Option[]; score: number } = { options: choices.map(() => NONE), score: 0 };
  const go = (chosen: Option[], score: number): void => {
    if (chosen.length === choices.length) {
      if (score > most.score) most = { options: chosen, score };
      return;
    }
    for (const option of choices[chosen.length]!) {
      const isTaken = option.name !== undefined && chosen.some(({ name }) => name === option.name);
      if (!isTaken) go([...chosen, option], score + option.score);
    }
  };
  go([], 0);
  return most.options;
}

interface Option {
  name: string | undefined;
  score: number;
}

const MOST_OPTIONS = 5;
const NONE: Option = { name: undefined, score: 0 };

function options(columns: readonly ColumnStats[], score: (column: ColumnStats) => number): Option[] {
  const fitting = columns
    .map((column, i) => ({ name: column.name, score: score(column), i }))
    .filter((o) => o.score > 0);
  // A text, its pair and a label are three columns: the best of the others cannot be beyond the first few.
  const best = fitting.sort((a, b) => b.score - a.score || a.i - b.i).slice(0, MOST_OPTIONS);
  return [NONE, ...best.sort((a, b) => a.i - b.i)];
}

function checkGiven(table: Table, given: Columns, fields: readonly Field[]): void {
  const titleOf = (name: string): string => fields.find((field) => field.name === name)?.title ?? name;
  const seen = new Map<string, string>();
  for (const [field, name] of Object.entries(given)) {
    if (name === undefined) continue;
    if (!table.columns.includes(name)) {
      const near = nearest(name, table.columns, Math.max(2, name.length / 2));
      throw new LuthierError(
        'data-invalid',
        `${table.name} has no column “${name}” for the ${titleOf(field)}${orMeant(near)}`,
        `Its columns are ${listed(table.columns.slice(0, 20).map((column) => `“${column}”`))}.`,
      );
    }
    const other = seen.get(name);
    if (other !== undefined) {
      throw new LuthierError(
        'data-invalid',
        `The column “${name}” is given for both the ${titleOf(other)} and the ${titleOf(field)}.`,
        'Give each field a different column under “columns”.',
      );
    }
    seen.set(name, field);
    const line = table.nested.get(name);
    const kind = fields.find((known) => known.name === field)?.kind;
    if (line !== undefined && !(kind && KINDS[kind].takesJson)) {
      throw new LuthierError(
        'data-invalid',
        `The key “${name}” of ${table.name}, given for the ${titleOf(field)}, contains nested JSON on line ${line}.`,
        'Each field must be a text, a number, true or false: write the part that matters under a separate key.',
      );
    }
  }
}

function namedPair({ nested }: Table, columns: readonly ColumnStats[]): [string, string] | undefined {
  const named = (wanted: string) => columns.find(({ name }) => !nested.has(name) && name.toLowerCase() === wanted);
  for (const [first, second] of PAIR_NAMES) {
    const a = named(first);
    const b = named(second);
    if (a && b) return [a.name, b.name];
  }
  return undefined;
}

/** 3 to 2 for a usual name, the likelier the higher; 1 where one is a part of the name; else 0. */
function scoreName(name: string, usual: readonly string[]): number {
  const lower = name.toLowerCase();
  const at = usual.indexOf(lower);
  if (at >= 0) return 3 - at / usual.length;
  const parts = lower.split(/[^\p{L}\p{N}]+/u);
  return parts.some((part) => usual.includes(part)) ? 1 : 0;
}

/** Whether a column is called as labels usually are. */
export const isUsualLabelName = (name: string): boolean => {
  const { usual } = fieldOf('text-classification', 'label');
  return scoreName(name, usual) >= 2;
};

/** An empty column is taken for its name alone, when nothing else fits, so that its being empty can be told. */
const EMPTY_BUT_NAMED = 0.1;

function scoreText(column: ColumnStats, { usual }: Field, longest: number): number {
  const name = column.name.toLowerCase();
  if (OTHER_NAMES.includes(name)) return -1;
  if (column.numeric > 0.9) return -1;
  if (column.filled === 0) return EMPTY_BUT_NAMED * scoreName(name, usual);
  const varied = isVaried(column) ? 1 : 0;
  const long = (column.mean_words >= 3 ? 1 : 0) + (column.mean_length === longest ? 1 : 0);
  // Two or three values of a word each are a class, whatever the column is called.
  if (column.filled >= 10 && isLabelLike(column) && column.mean_words < 2) return 0;
  return scoreName(name, usual) + 1.5 * varied + long;
}

function scoreLabel(column: ColumnStats, { usual }: Field): number {
  const name = column.name.toLowerCase();
  if (OTHER_NAMES.includes(name)) return -1;
  const named = scoreName(name, usual);
  if (column.filled === 0) return EMPTY_BUT_NAMED * named;
  if (isLabelLike(column)) {
    if (column.dates > 0.9) return named - 1;
    // Numbers that count or name rows; a rating has few values.
    if (column.numeric > 0.9 && column.distinct > MOST_NUMBERED_CLASSES && named === 0) return -1;
    return named + 2 + fewness(column);
  }
  // One class, or one for almost each row: taken for what its name says, so that the mistake can be told.
  if (column.mean_length > 60) return -1;
  return named >= 2 ? named - 1 : -1;
}

function scoreValue(column: ColumnStats, { usual }: Field): number {
  if (OTHER_NAMES.includes(column.name.toLowerCase())) return -1;
  if (column.filled === 0) return EMPTY_BUT_NAMED * scoreName(column.name, usual);
  // What counts or names rows has another number in each.
  return column.numeric > 0.9 && column.dates < 0.5 ? scoreName(column.name, usual) + 1 + (1 - fewness(column)) : -1;
}

const MOST_NUMBERED_CLASSES = 20;

/** 1 for one value, 0 when every cell has its own: of two columns that could be classes the one with fewer is likelier. */
const fewness = ({ distinct, filled }: ColumnStats): number => 1 - Math.log(distinct) / Math.log(filled);

/** Few different, short values, each of them more than once on average. */
function isLabelLike(column: ColumnStats): boolean {
  return (
    column.distinct >= 2 &&
    column.distinct < column.filled &&
    column.distinct < DISTINCT_CAP &&
    column.distinct <= Math.max(2, column.filled / 2) &&
    column.mean_length <= 40
  );
}

/** Whether most cells are different, as texts are. */
export function isVaried(column: ColumnStats): boolean {
  return column.distinct >= Math.min(DISTINCT_CAP, column.filled * 0.5);
}

/** Lists are found by their name alone: what they are of says little. */
const scoreList = (column: ColumnStats, { usual }: Field, _longest: number, { nested }: Table): number => {
  const named = scoreName(column.name, usual);
  return named >= 2 && (nested.has(column.name) || column.filled === 0) ? named : 0;
};

/** How a column of a kind is found, and told. */
interface KindRule {
  /** Whether cells may be lists or objects of JSON. */
  takesJson: boolean;
  /** How well a column fits, more than 0 where it does at all. */
  score(column: ColumnStats, field: Field, longest: number, table: Table): number;
  /** What of its content speaks for it. */
  content(column: ColumnStats, table: Table): string;
}

const KINDS: Record<FieldKind, KindRule> = {
  value: {
    takesJson: false,
    score: scoreValue,
    content: ({ distinct }) => counted(distinct, 'different number'),
  },
  text: {
    takesJson: false,
    score: scoreText,
    content: ({ mean_words }) => `${counted(Math.round(mean_words), 'word')} on average`,
  },
  label: {
    takesJson: false,
    score: scoreLabel,
    content: ({ distinct }, table) => {
      const values =
        distinct >= DISTINCT_CAP
          ? `${DISTINCT_CAP.toLocaleString('en')} or more different values`
          : counted(distinct, 'different value');
      return `${values} in ${counted(table.rows.length, 'row')}`;
    },
  },
  // What belongs together only a person knows.
  group: { takesJson: false, score: () => 0, content: () => 'rows that stay together' },
  list: { takesJson: true, score: scoreList, content: () => 'lists' },
};

/** Of lines without names what a column is of them: its name is ours, and no reason. */
function placeOf(column: string, { format, columns }: Table): string | undefined {
  if (format === 'conll') {
    const count = columns.filter((name) => name !== CONLL.document).length;
    if (column === CONLL.tokens) return 'each line’s first column';
    return column === CONLL.tags ? `each line’s last of ${counted(count, 'column')}` : undefined;
  }
  if (format === 'label-tab-text') return columns.indexOf(column) === 0 ? 'before the tab' : 'after the tab';
  if (format === 'label-space-text')
    return columns.indexOf(column) === 0 ? 'each line’s first word' : 'the rest of each line';
  return undefined;
}

function reasonFor(
  table: Table,
  columns: Columns,
  given: Columns,
  stats: readonly ColumnStats[],
  reasons: Columns,
  fields: readonly Field[],
): string {
  const isEmpty = table.rows.length === 0;
  const parts = fields.flatMap((field) => {
    const { name: key, title, kind, required, usual } = field;
    const column = columns[key];
    if (column === undefined) return required ? [`no column looks like ${kind === 'label' ? `${title}s` : title}`] : [];
    const place = placeOf(column, table);
    const isUsual = required && place === undefined ? scoreName(column, usual) >= 2 : !required;
    const content =
      kind === 'text' && !required
        ? 'the other half of a pair'
        : KINDS[kind].content(stats.find(({ name }) => name === column)!, table);
    const why =
      given[key] !== undefined
        ? (reasons[key] ?? 'given')
        : // Of no rows only the name tells anything.
          [
            ...(isUsual ? ['a common name'] : []),
            ...(place ? [place] : []),
            ...((isEmpty && isUsual) || (place && kind === 'list') ? [] : [content]),
          ].join(', ');
    return [`the ${title} ${kind === 'list' ? 'are' : 'is'} “${column}” (${why})`];
  });
  return `${capitalized(listed(parts))}.`;
}
