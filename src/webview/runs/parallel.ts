import { largest, smallest } from '../../protocol/arrays.ts';
import type { RunCell, RunColumn, RunRow } from '../../protocol/run-row.ts';

/** An axis of the parallel plot: where its values stand, from 0 at the bottom to 1 at the top. */
export interface Axis {
  column: RunColumn;
  /** Null for a run that has no value here. */
  at(row: RunRow): number | null;
  ticks: { at: number; value: NonNullable<RunCell> }[];
}

/** From this ratio of its largest to its smallest value on, an axis is logarithmic: learning rates are. */
const LOGARITHMIC = 20;

const collator = new Intl.Collator('en', { numeric: true });

/** The axis of a column over runs: numbers by their size, words at equal distances. */
export function axisOf(column: RunColumn, rows: readonly RunRow[]): Axis {
  const values = [...new Set(rows.map((row) => column.value(row)).filter((value) => value !== null))];
  const numbers = values.filter((value) => typeof value === 'number');
  const at = numbers.length === values.length ? byNumber(numbers) : byWord(values);
  return {
    column,
    at: (row) => {
      const value = column.value(row);
      return value === null ? null : at(value);
    },
    ticks: ticksOf(values, numbers.length === values.length, at),
  };
}

type Place = (value: NonNullable<RunCell>) => number;

function byNumber(numbers: readonly number[]): Place {
  const low = smallest(numbers);
  const high = largest(numbers);
  if (low === high) return () => 0.5;
  const isLogarithmic = low > 0 && high / low >= LOGARITHMIC;
  const of = isLogarithmic ? Math.log : (x: number) => x;
  return (value) => (of(Number(value)) - of(low)) / (of(high) - of(low));
}

function byWord(values: readonly NonNullable<RunCell>[]): Place {
  const sorted = sortedWords(values);
  const places = new Map(sorted.map((value, i) => [value, sorted.length === 1 ? 0.5 : i / (sorted.length - 1)]));
  return (value) => places.get(value) ?? 0;
}

const sortedWords = (values: readonly NonNullable<RunCell>[]) =>
  [...values].sort((a, b) => collator.compare(String(a), String(b)));

/** Every value where they are few and stand apart, else the ends of numbers. */
function ticksOf(values: readonly NonNullable<RunCell>[], areNumbers: boolean, at: Place): Axis['ticks'] {
  const sorted = areNumbers ? [...values].sort((a, b) => Number(a) - Number(b)) : sortedWords(values);
  const ends = areNumbers ? sorted.filter((_, i) => i === 0 || i === sorted.length - 1) : sorted;
  const ticks: Axis['ticks'] = ends.map((value) => ({ at: at(value), value }));
  if (areNumbers && sorted.length <= MOST_TICKS) {
    for (const value of sorted.slice(1, -1)) {
      const place = at(value);
      if (ticks.every((tick) => Math.abs(tick.at - place) >= APART)) ticks.push({ at: place, value });
    }
  }
  return ticks.sort((a, b) => a.at - b.at);
}

/** Of more values the ends say enough: those between are measured, not chosen. */
const MOST_TICKS = 8;
/** Share of an axis that two labels need between them. */
const APART = 0.12;
