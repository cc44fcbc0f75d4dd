import { createHash } from 'node:crypto';
import { closest, distance } from 'fastest-levenshtein';
import { type ColumnSummary, type Columns, counted, largest } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { LABEL_NAMES, OTHER_NAMES, PAIR_NAMES, TEXT_NAMES } from './names.ts';
import { type Pace, Stride } from './pace.ts';
import { listed } from './problems.ts';
import { isEmpty, type Table } from './table.ts';

export interface ColumnStats extends ColumnSummary {
  /** Blank-separated words a filled cell, on average. */
  mean_words: number;
  /** Share of the filled cells that are numbers. */
  numeric: number;
  /** Share of the filled cells that are dates or times. */
  dates: number;
  /** Cells with content. */
  filled: number;
}

/** Distinct values are counted up to this many. */
const DISTINCT_CAP = 1000;
const EXAMPLES = 3;
/** Rows from which lengths and words are averaged. */
const SAMPLED = 20_000;

/** A date, a time of day or both, as spreadsheets and logs write them. */
const DATE = /^\s*(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}:\d{2})(?:\b|[T ])/;

/** Gathers what a column holds, cell by cell. */
class ColumnTally {
  readonly #distinct = new Set<string>();
  readonly #examples: string[] = [];
  #filled = 0;
  #sampled = 0;
  #length = 0;
  #words = 0;
  #numbers = 0;
  #dates = 0;

  add(value: string): void {
    if (isEmpty(value)) return;
    this.#filled++;
    if (this.#distinct.size < DISTINCT_CAP) this.#addDistinct(value.trim());
    if (this.#sampled === SAMPLED) return;
    this.#sampled++;
    this.#length += value.length;
    this.#words += countWords(value);
    if (Number.isFinite(Number(value))) this.#numbers++;
    else if (DATE.test(value)) this.#dates++;
  }

  /** A thousand texts of a page each need not be kept to be counted. */
  #addDistinct(value: string): void {
    const before = this.#distinct.size;
    this.#distinct.add(value.length > LONG ? createHash('sha1').update(value).digest('base64') : value);
    if (this.#distinct.size > before && this.#examples.length < EXAMPLES) this.#examples.push(shortened(value));
  }

  stats(name: string, rows: number): ColumnStats {
    const mean = (sum: number): number => (this.#sampled === 0 ? 0 : sum / this.#sampled);
    return {
      name,
      distinct: this.#distinct.size,
      empty: rows - this.#filled,
      mean_length: mean(this.#length),
      examples: [...this.#examples],
      mean_words: mean(this.#words),
      numeric: mean(this.#numbers),
      dates: mean(this.#dates),
      filled: this.#filled,
    };
  }
}

/** Letters of scripts that put no blanks between words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;

/** Words of a cell, two letters to one in scripts that do not separate them. */
function countWords(value: string): number {
  const words = value.trim().split(/\s+/).length;
  const unspaced = value.match(UNSPACED)?.length ?? 0;
  return unspaced === 0 ? words : words - 1 + Math.max(1, unspaced / 2);
}

/** Longer values are told apart by their hash, and shortened where they are shown. */
const LONG = 200;

/** A cell as it is shown: at most 200 letters of it. */
export function shortened(value: string): string {
  return value.length <= LONG ? value : `${[...value.slice(0, LONG)].slice(0, -1).join('')}…`;
}

/** What each column holds, by one pass over the cells that there are. */
export function columnStats(table: Table): ColumnStats[] {
  const tallies = table.columns.map(() => new ColumnTally());
  for (const row of table.rows) for (const [column, value] of row.cells()) tallies[column]?.add(value);
  return tallies.map((tally, i) => tally.stats(table.columns[i]!, table.rows.length));
}

/** The same for a large table: others are answered meanwhile, and a cancellation is heard. */
export async function columnStatsAtPace(table: Table, pace: Pace): Promise<ColumnStats[]> {
  const tallies = table.columns.map(() => new ColumnTally());
  const stride = new Stride(pace);
  for (const row of table.rows) {
    const wait = stride.step(row.bytes);
    if (wait) await wait;
    for (const [column, value] of row.cells()) tallies[column]?.add(value);
  }
  return tallies.map((tally, i) => tally.stats(table.columns[i]!, table.rows.length));
}

export interface ColumnGuess {
  /** A field is absent when nothing fits. */
  columns: Columns;
  /** Why, in sentences that a person can check. */
  reason: string;
}

/**
 * Finds the columns of text and label from their names and their content: texts are long and varied, labels short
 * and few. What is `given` is taken as it is.
 * @param options.pairs whether two columns may be found to be the two texts of an example
 * @param options.why where a person has not given what is given, why it is
 * @throws LuthierError `data-invalid` when a given column is not there (with the nearest name), is given twice, or
 *   holds nested JSON.
 */
export function guessColumns(
  table: Table,
  given: Columns = {},
  stats = columnStats(table),
  { pairs = true, why = {} }: { pairs?: boolean; why?: Columns } = {},
): ColumnGuess {
  checkGiven(table, given);
  const taken = new Set(Object.values(given));
  const free = stats.filter((column) => !taken.has(column.name) && !table.nested.has(column.name));
  const columns: Columns = { ...given };
  const pair = pairs && given.text === undefined && given.text_pair === undefined ? namedPair(free) : undefined;
  if (pair) [columns.text, columns.text_pair] = pair;

  const longest = largest(stats, (column) => column.mean_length);
  const texts = columns.text === undefined ? options(free, (column) => scoreText(column, longest)) : [NONE];
  const labels = columns.label === undefined ? options(free, scoreLabel) : [NONE];
  let best: { text: Option; label: Option; score: number } = { text: NONE, label: NONE, score: 0 };
  for (const text of texts) {
    for (const label of labels) {
      const score = text.score + label.score;
      const isTaken = label.name !== undefined && (label.name === text.name || pair?.includes(label.name));
      if (!isTaken && score > best.score) best = { text, label, score };
    }
  }
  if (best.text.name !== undefined) columns.text = best.text.name;
  if (best.label.name !== undefined) columns.label = best.label.name;
  return { columns, reason: reasonFor(table, columns, given, stats, why) };
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

function checkGiven(table: Table, given: Columns): void {
  const seen = new Map<string, string>();
  for (const [field, name] of Object.entries(given)) {
    if (name === undefined) continue;
    if (!table.columns.includes(name)) {
      const near = table.columns.length > 0 ? closest(name, table.columns) : undefined;
      const isNear =
        near !== undefined && distance(name.toLowerCase(), near.toLowerCase()) <= Math.max(2, name.length / 2);
      throw new LuthierError(
        'data-invalid',
        `${table.name} has no column “${name}” for the ${field.replace('_', ' ')}${isNear ? `; did you mean “${near}”?` : '.'}`,
        `Its columns are ${listed(table.columns.slice(0, 20).map((column) => `“${column}”`))}.`,
      );
    }
    const other = seen.get(name);
    if (other !== undefined) {
      throw new LuthierError(
        'data-invalid',
        `The column “${name}” is given for both the ${other.replace('_', ' ')} and the ${field.replace('_', ' ')}.`,
        'Give each field a different column under “columns”.',
      );
    }
    seen.set(name, field);
    const line = table.nested.get(name);
    if (line !== undefined) {
      throw new LuthierError(
        'data-invalid',
        `The key “${name}” of ${table.name}, given for the ${field.replace('_', ' ')}, contains nested JSON on line ${line}.`,
        'Each field must be a text, a number, true or false: write the part that matters under a separate key.',
      );
    }
  }
}

function namedPair(columns: readonly ColumnStats[]): [string, string] | undefined {
  for (const [first, second] of PAIR_NAMES) {
    const a = columns.find((column) => column.name.toLowerCase() === first);
    const b = columns.find((column) => column.name.toLowerCase() === second);
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
export const isUsualLabelName = (name: string): boolean => scoreName(name, LABEL_NAMES) >= 2;

/** An empty column is taken for its name alone, when nothing else fits, so that its being empty can be told. */
const EMPTY_BUT_NAMED = 0.1;

function scoreText(column: ColumnStats, longest: number): number {
  const name = column.name.toLowerCase();
  if (OTHER_NAMES.includes(name)) return -1;
  if (column.numeric > 0.9) return -1;
  if (column.filled === 0) return EMPTY_BUT_NAMED * scoreName(name, TEXT_NAMES);
  const varied = isVaried(column) ? 1 : 0;
  const long = (column.mean_words >= 3 ? 1 : 0) + (column.mean_length === longest ? 1 : 0);
  // Two or three values of a word each are a class, whatever the column is called.
  if (column.filled >= 10 && isLabelLike(column) && column.mean_words < 2) return 0;
  return scoreName(name, TEXT_NAMES) + 1.5 * varied + long;
}

function scoreLabel(column: ColumnStats): number {
  const name = column.name.toLowerCase();
  if (OTHER_NAMES.includes(name)) return -1;
  const named = scoreName(name, LABEL_NAMES);
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

function reasonFor(
  table: Table,
  columns: Columns,
  given: Columns,
  stats: readonly ColumnStats[],
  reasons: Columns,
): string {
  const isEmpty = table.rows.length === 0;
  const parts: string[] = [];
  const stat = (name: string): ColumnStats => stats.find((column) => column.name === name)!;
  const why = (field: keyof Columns, isUsual: boolean, content: string): string =>
    given[field] !== undefined
      ? (reasons[field] ?? 'given')
      : // Of no rows only the name tells anything.
        [...(isUsual ? ['a common name'] : []), ...(isEmpty && isUsual ? [] : [content])].join(', ');
  if (columns.text !== undefined) {
    const content = `${counted(Math.round(stat(columns.text).mean_words), 'word')} on average`;
    parts.push(`The text is “${columns.text}” (${why('text', scoreName(columns.text, TEXT_NAMES) >= 2, content)})`);
  } else parts.push('No column looks like text');
  if (columns.text_pair !== undefined) {
    parts.push(`the second text is “${columns.text_pair}” (${why('text_pair', true, 'the other half of a pair')})`);
  }
  if (columns.label !== undefined) {
    const { distinct } = stat(columns.label);
    const values =
      distinct >= DISTINCT_CAP
        ? `${DISTINCT_CAP.toLocaleString('en')} or more different values`
        : counted(distinct, 'different value');
    const content = `${values} in ${counted(table.rows.length, 'row')}`;
    parts.push(
      `the label is “${columns.label}” (${why('label', scoreName(columns.label, LABEL_NAMES) >= 2, content)})`,
    );
  } else parts.push('no column looks like labels');
  return `${listed(parts)}.`;
}
