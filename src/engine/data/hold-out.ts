import { counted, LuthierError } from '../../protocol/index.ts';
import type { LabelledRows } from './labelled-rows.ts';
import { listed, type Problems, quoted } from './problems.ts';
import type { DataRules } from './repeats.ts';
import { type Split, type SplitRow, splitRows, stratifiedSplit, unitsOf } from './split.ts';
import type { MadeSplits, SplitKey } from './splits.ts';
import type { ClassificationDataset } from './types.ts';
import type { Understood } from './understand.ts';

/** A split of a dataset's folder as an earlier run made it, for the rows as they are now. */
export class KeptSplit {
  readonly #made: MadeSplits;
  readonly #key: SplitKey;
  readonly #rows: LabelledRows;
  readonly #sides: ReadonlyMap<string, SplitRow['side']> | undefined;

  constructor(made: MadeSplits, { rows, columns }: Understood, key: Omit<SplitKey, 'group'>) {
    this.#made = made;
    this.#key = { ...key, ...(columns.group !== undefined && { group: columns.group }) };
    this.#rows = rows;
    this.#sides = made.sides(this.#key);
  }

  /** Where each row was put, and nothing of those that were not there. */
  sides(): SplitRow['side'][] | undefined {
    const sides = this.#sides;
    return sides && this.#rows.map(({ id }) => sides.get(id));
  }

  /** Writes the split down where it says more than what is written. That it cannot be is said. */
  async keep(split: Split, problems: Problems): Promise<void> {
    const sides = this.#sides;
    const ids = this.#rows.map(({ id }) => id);
    if (sides && ids.every((id) => sides.has(id))) return;
    const idsOf = (places: readonly number[]) => places.map((place) => ids[place]!);
    try {
      await this.#made.keep({ ...this.#key, train: idsOf(split.train), validation: idsOf(split.held_out) });
    } catch (error) {
      const { message } = error as Error;
      problems.add(
        'info',
        'split-not-kept',
        `Which rows are held out could not be written to the dataset (${message.replace(/\.$/, '')}): rows that are added later may change it.`,
      );
    }
  }
}

/** Splits the validation part off the training part. */
export function holdOut(
  dataset: ClassificationDataset,
  problems: Problems,
  { share, seed, rules }: { share: number; seed: number; rules: DataRules },
  kept: KeptSplit | null,
): Split {
  const all = dataset.train;
  const rows = splitRows(all, rules);
  const sides = kept?.sides();
  const split = stratifiedSplit(sides ? rows.map((row, i) => ({ ...row, side: sides[i] })) : rows, share, seed);
  if (split.held_out.length === 0) {
    const need = Math.max(Math.ceil(0.5 / share), dataset.labels.length + 1);
    const groups = dataset.columns.group === undefined ? '' : ` in ${counted(unitsOf(rows).count, 'group')}`;
    throw new LuthierError(
      'data-invalid',
      `${counted(all.length, 'row')}${groups} ${all.length === 1 ? 'is' : 'are'} too few to hold out a share of ${share} for validation.`,
      `Add rows (at least ${need} different ${groups === '' ? 'texts' : 'groups'}), raise validation_split, or set it to 0 to train on all rows.`,
    );
  }
  dataset.train = split.train.map((i) => all[i]!);
  dataset.validation = split.held_out.map((i) => all[i]!);
  const seen = new Set(dataset.validation.map((example) => example.label));
  const absent = dataset.labels.filter((_, i) => !seen.has(i));
  if (absent.length === 0) return split;
  const named = listed([
    ...absent.slice(0, 5).map(quoted),
    ...(absent.length > 5 ? [`${absent.length - 5} more`] : []),
  ]);
  problems.add(
    'warning',
    'class-without-validation',
    `The ${counted(dataset.validation.length, 'row')} held out for validation (a share of ${share}) ${dataset.validation.length === 1 ? 'includes' : 'include'} none of ${named}: there are too few rows of ${absent.length === 1 ? 'that class' : 'those classes'}. Add rows, or raise validation_split.`,
  );
  return split;
}
