import { Random } from './random.ts';

export interface Split {
  /** Indices of the rows, ascending. */
  train: number[];
  held_out: number[];
}

/**
 * Holds out a share of the rows, each class in proportion (largest remainders), in an order that seed and rows
 * alone decide. Rows with the same key stay together, so that no text is in both parts; every class keeps at
 * least one of its groups for training.
 * @param rows `label` is the class's index; a group counts for the class of its first row.
 * @param share from 0 to below 1.
 */
export function stratifiedSplit(rows: readonly { label: number; key: string }[], share: number, seed: number): Split {
  const ids = new Map<string, number>();
  const groupOf = new Int32Array(rows.length);
  const strata = new Map<number, number[]>();
  for (const [i, { key, label }] of rows.entries()) {
    let group = ids.get(key);
    if (group === undefined) {
      group = ids.size;
      ids.set(key, group);
      const stratum = strata.get(label);
      if (stratum) stratum.push(group);
      else strata.set(label, [group]);
    }
    groupOf[i] = group;
  }
  const ordered = [...strata].sort((a, b) => a[0] - b[0]).map(([, stratum]) => stratum);
  const counts = apportion(
    ordered.map((stratum) => stratum.length),
    share,
  );
  const random = new Random(seed);
  const isHeld = new Uint8Array(ids.size);
  for (const [i, stratum] of ordered.entries()) {
    random.shuffle(stratum);
    for (let j = 0; j < counts[i]!; j++) isHeld[stratum[j]!] = 1;
  }
  const split: Split = { train: [], held_out: [] };
  for (let i = 0; i < rows.length; i++) (isHeld[groupOf[i]!] ? split.held_out : split.train).push(i);
  return split;
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
