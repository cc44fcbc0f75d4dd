import { counted } from '../../protocol/index.ts';
import { setOf } from './answer-cells.ts';
import { characterName, lookAlikesIn, lookOf } from './characters.ts';
import { joinedLabels } from './label-cells.ts';
import type { LabelledRows } from './labelled-rows.ts';
import { numberKey } from './labels.ts';
import { toLearn } from './other-learning.ts';
import { listed, listedSome, type Problems, places, quoted } from './problems.ts';

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
    const names = listedSome(single, 5);
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
export function reportSimilar(counts: readonly { label: string }[], column: string, problems: Problems): void {
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
export function reportJoined(
  counts: readonly { label: string; count: number }[],
  rows: LabelledRows,
  column: string,
  problems: Problems,
  allLearnt = false,
): void {
  const found = joinedLabels(counts.map(({ label }) => label));
  if (!found || found.joined.length === 0) return;
  const joined = new Set(found.joined);
  const names = found.joined.slice(0, 3).map(quoted);
  const isOne = joined.size === 1;
  const other = { problem_type: 'multi_label_classification', label_separator: found.separator } as const;
  problems.lines(
    { severity: 'warning', code: 'list-labels', column, other },
    rows
      .filter(({ label }) => (allLearnt ? setOf(label) : [label]).some((one) => joined.has(one)))
      .map(({ line }) => line),
    (where) =>
      `${joined.size} of the ${counts.length} labels in “${column}” ${isOne ? 'is a list' : 'are lists'} of other labels, joined by “${found.separator}” (${listed(names)}${joined.size > names.length ? ', …' : ''}; ${where}). ${allLearnt ? 'Each counts as one label' : 'Only one label per row is learned, so each list counts as a separate class'}. ${toLearn(other)}`,
  );
}

const VALUES = { problem_type: 'regression' } as const;

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
    `The labels in “${column}” are decimal numbers from ${values[0]} to ${values.at(-1)}, and ${many}: a measurement rather than classes.${isOwn ? '' : ' Each number counts as a class.'} ${toLearn(VALUES)} Or group them into a few classes, such as low and high, or choose another label column.`,
    { column, other: VALUES },
  );
  return isOwn;
}
