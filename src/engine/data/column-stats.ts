import { createHash } from 'node:crypto';
import type { ColumnSummary } from '../../protocol/index.ts';
import { type Pace, Stride } from './pace.ts';
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
export const DISTINCT_CAP = 1000;
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
