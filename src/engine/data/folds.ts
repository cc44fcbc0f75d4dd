import { counted, LuthierError, type Split } from '../../protocol/index.ts';
import { Random } from './random.ts';
import { type SplitRow, unitsOf } from './split.ts';

/** Which rows one training of a cross-validation sees: all but those of a fold (from 1 on), or all. */
export type FoldPart = 'all' | { fold: number; count: number };

/**
 * The fold of each row, from 1 on: each class is dealt out evenly in an order that seed and rows alone decide, and rows
 * of one text or one group are in one fold, so that no text is learnt and measured (scikit-learn's
 * StratifiedGroupKFold does the like).
 * @throws LuthierError `data-invalid` where there are fewer different texts than folds
 */
export function assignFolds(rows: readonly SplitRow[], count: number, seed: number): Uint32Array {
  const { unitOf, count: units } = unitsOf(rows);
  if (units < count) {
    const what = rows.some(({ group }) => group !== undefined) ? 'group' : 'different text';
    throw new LuthierError(
      'data-invalid',
      `${counted(units, what)} cannot be divided into ${count} folds.`,
      'Add rows, or choose fewer folds.',
    );
  }
  const members: number[][] = Array.from({ length: units }, () => []);
  for (let i = 0; i < rows.length; i++) members[unitOf[i]!]!.push(i);
  const strata = new Map<number, number[][]>();
  for (const unit of members) {
    const { label } = rows[unit[0]!]!;
    const stratum = strata.get(label);
    if (stratum) stratum.push(unit);
    else strata.set(label, [unit]);
  }
  const random = new Random(seed);
  const folds = new Uint32Array(rows.length);
  // Dealing goes on from class to class, so that small classes do not all begin with the first fold.
  let next = 0;
  for (const [, stratum] of [...strata].sort((a, b) => a[0] - b[0])) {
    for (const unit of random.shuffle(stratum)) {
      for (const row of unit) folds[row] = 1 + (next % count);
      next++;
    }
  }
  return folds;
}

/** Rows of a fold (from 1 on) where no two have to be together: assignFolds deals them out one by one. */
export const rowsOfFold = (rows: number, fold: number, count: number): number =>
  Math.floor(rows / count) + (fold <= rows % count ? 1 : 0);

/**
 * A dataset as one training of a cross-validation sees it. Training and validation rows are divided again; a test part
 * is kept for the last model alone.
 * @param of what keeps rows together, and what each fold has in proportion
 */
export function takePart<Row, Data extends Record<Split, Row[]>>(
  dataset: Data & Record<Split, Row[]>,
  part: FoldPart,
  seed: number,
  of: (row: Row) => SplitRow,
): Data {
  const all = dataset.train.concat(dataset.validation);
  if (part === 'all') return { ...dataset, train: all, validation: [] };
  const folds = assignFolds(all.map(of), part.count, seed);
  return {
    ...dataset,
    train: all.filter((_, i) => folds[i] !== part.fold),
    validation: all.filter((_, i) => folds[i] === part.fold),
    test: [],
  };
}
