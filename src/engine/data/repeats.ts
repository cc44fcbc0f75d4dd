import { counted } from '../../protocol/index.ts';
import { nearText } from './characters.ts';
import type { LabelledRows } from './labelled-rows.ts';
import { type Pace, Stride } from './pace.ts';
import { type Problems, quoted } from './problems.ts';
import { SeenRows } from './seen-rows.ts';

/**
 * How rows are understood. 1: as 0.1.0 did, for runs that it started: labels and texts are compared as they are, blanks
 * around them aside. 2: by what a person sees of them, lists of one label opened.
 */
export type DataRules = 1 | 2;

/** What makes two rows the same example: their texts without regard to case, blanks and invisible characters. */
export function textKey(row: { text: string; text_pair?: string }, rules: DataRules = 2): string {
  const key = rules === 1 ? (text: string) => text.trim() : nearText;
  return row.text_pair === undefined ? key(row.text) : `${key(row.text)}\0${key(row.text_pair)}`;
}

/** Calls `repeated` with each row whose key an earlier one has, and with the first such. */
export async function eachRepeat<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  repeated: (row: Row, first: Row) => void,
  pace?: Pace,
): Promise<void> {
  const seen = new SeenRows(rows.length, (place) => keyOf(rows[place]!));
  const stride = new Stride(pace);
  for (const [i, row] of rows.entries()) {
    const key = keyOf(row);
    const wait = stride.step(key.length);
    if (wait) await wait;
    const first = seen.add(i, key);
    if (first !== undefined) repeated(row, rows[first]!);
  }
}

/** Says that a row repeats an earlier one. @param noun what the task calls its rows @param first the earlier one's line */
export const reportRepeat = (problems: Problems, noun: string, line: number, first: () => number): void =>
  problems.occurrence({ severity: 'info', code: 'duplicate-row' }, line, (where, count) =>
    count === 1
      ? `The ${noun} on ${where} repeats line ${first()}; both are kept.`
      : `${counted(count, noun)} repeat earlier ones (${where}); all are kept.`,
  );

/** A row's label in words: what it has, and beside that what another has. */
export interface LabelWords {
  first(label: string): string;
  other(label: string): string;
}

const ONE_LABEL: LabelWords = { first: (label) => `the label ${quoted(label)}`, other: quoted };

/**
 * Reports rows that repeat an earlier one, and texts that carry different labels. Nothing is left out.
 * @param words for labels as rows keep them
 */
export async function checkRepeats(
  rows: LabelledRows,
  problems: Problems,
  rules: DataRules = 2,
  pace?: Pace,
  { first: firstLabel, other }: LabelWords = ONE_LABEL,
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
      reportRepeat(problems, 'row', row.line, () => rows.at(first)!.line);
    } else {
      problems.occurrence({ severity: 'warning', code: 'conflicting-labels' }, row.line, (where, count) =>
        count === 1
          ? `The text ${quoted(row.text)} has ${firstLabel(rows.labelAt(first))} on line ${rows.at(first)!.line} and ${other(row.label)} on ${where}. Decide which is right.`
          : `${counted(count, 'row')} have a different label than an earlier row with the same text (${where}). The first is ${quoted(row.text)}: ${other(rows.labelAt(first))} on line ${rows.at(first)!.line}, ${other(row.label)} on line ${row.line}. Decide which are right.`,
      );
    }
  }
}
