import { Random } from './random.ts';
import type { DataRules } from './repeats.ts';
import type { RowKind, TaskRow } from './types.ts';

export interface Split {
  /** Indices of the rows, ascending. */
  train: number[];
  held_out: number[];
}

/** A row as splitting sees it. */
export interface SplitRow {
  /** Of what it is one: its class, say. */
  label: number;
  /** What rows of one text have in common. */
  key: string;
  /** What rows of one document or customer have in common; absent for a row that stands for itself. */
  group?: string | undefined;
  /** Where an earlier split put it, which is where it stays. */
  side?: 'train' | 'held_out' | undefined;
}

/** A row as splitting sees it. */
export const splitRow = <Row extends TaskRow>(
  kind: Pick<RowKind<Row, never>, 'key' | 'stratum'>,
  row: Row,
  labels: readonly string[],
  rules: DataRules | undefined,
): SplitRow => ({ label: kind.stratum(row, labels), key: kind.key(row, rules), group: row.group });

/**
 * For each row the unit that it belongs to, numbered in order of first appearance. Rows of one text or of one group are
 * one unit, and so are those that are joined by others: a text that two customers wrote makes their rows one.
 */
export function unitsOf(rows: readonly SplitRow[]): { unitOf: Int32Array; count: number } {
  const unitOf = new Int32Array(rows.length);
  const ids = new Map<string, number>();
  for (const [i, { key }] of rows.entries()) {
    const unit = ids.get(key) ?? ids.size;
    ids.set(key, unit);
    unitOf[i] = unit;
  }
  if (rows.every(({ group }) => group === undefined)) return { unitOf, count: ids.size };
  const parent = Int32Array.from({ length: ids.size }, (_, unit) => unit);
  const root = (unit: number): number => {
    let top = unit;
    while (parent[top] !== top) top = parent[top] = parent[parent[top]!]!;
    return top;
  };
  const first = new Map<string, number>();
  for (const [i, { group }] of rows.entries()) {
    if (group === undefined) continue;
    const other = first.get(group);
    if (other === undefined) first.set(group, unitOf[i]!);
    else parent[root(unitOf[i]!)] = root(other);
  }
  const numbers = new Map<number, number>();
  for (let i = 0; i < unitOf.length; i++) {
    const top = root(unitOf[i]!);
    const number = numbers.get(top) ?? numbers.size;
    numbers.set(top, number);
    unitOf[i] = number;
  }
  return { unitOf, count: numbers.size };
}

/**
 * Holds out a share of the rows, each class in proportion (largest remainders), in an order that seed and rows
 * alone decide. Rows of one unit stay together, so that no text and no group is in both parts; every class keeps at
 * least one of its units for training. Units with rows whose side is known are where the first of these is, and the
 * others fill up the share.
 * @param rows a unit counts for the class of its first row.
 * @param share from 0 to below 1.
 */
export function stratifiedSplit(rows: readonly SplitRow[], share: number, seed: number): Split {
  const { unitOf, count } = unitsOf(rows);
  const sides: SplitRow['side'][] = new Array(count);
  for (const [i, { side }] of rows.entries()) sides[unitOf[i]!] ??= side;
  const isHeld = Uint8Array.from(sides, (side) => (side === 'held_out' ? 1 : 0));
  const strata = new Map<number, number[]>();
  let seen = 0;
  for (const [i, { label }] of rows.entries()) {
    const unit = unitOf[i]!;
    if (unit < seen) continue;
    seen++;
    if (sides[unit] !== undefined) continue;
    const stratum = strata.get(label);
    if (stratum) stratum.push(unit);
    else strata.set(label, [unit]);
  }
  const ordered = [...strata].sort((a, b) => a[0] - b[0]).map(([, stratum]) => stratum);
  const counts = apportion(
    ordered.map((stratum) => stratum.length),
    shareOfRest(sides, share),
  );
  const random = new Random(seed);
  for (const [i, stratum] of ordered.entries()) {
    random.shuffle(stratum);
    for (let j = 0; j < counts[i]!; j++) isHeld[stratum[j]!] = 1;
  }
  const split: Split = { train: [], held_out: [] };
  for (let i = 0; i < rows.length; i++) (isHeld[unitOf[i]!] ? split.held_out : split.train).push(i);
  return split;
}

/** The share of the units whose side is open after which the share of all is held out. */
function shareOfRest(sides: readonly SplitRow['side'][], share: number): number {
  const open = sides.filter((side) => side === undefined).length;
  if (open === sides.length || open === 0) return share;
  const held = sides.filter((side) => side === 'held_out').length;
  return Math.min(open, Math.max(0, Math.round(share * sides.length) - held)) / open;
}

/** How many of each class to hold out: the share of all, rounded, handed out by largest remainder; never a whole class. */
function apportion(sizes: readonly number[], share: number): number[] {
  const total = Math.round(sizes.reduce((sum, size) => sum + size, 0) * share);
  const exact = sizes.map((size) => size * share);
  const counts = exact.map((value, i) => Math.min(Math.floor(value), sizes[i]! - 1));
  const order = sizes.map((_, i) => i).sort((a, b) => exact[b]! - counts[b]! - (exact[a]! - counts[a]!) || a - b);
  let left = total - counts.reduce((sum, count) => sum + count, 0);
  // One each in a round, until the total is reached or every class is down to its last.
  while (left > 0 && counts.some((count, i) => count < sizes[i]! - 1)) {
    for (const i of order) {
      if (left > 0 && counts[i]! < sizes[i]! - 1) {
        counts[i]!++;
        left--;
      }
    }
  }
  return counts;
}
