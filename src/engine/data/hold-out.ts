import { counted, LuthierError, taskOf } from '../../protocol/index.ts';
import { listedSome, type Problems } from './problems.ts';
import type { DataRules } from './repeats.ts';
import { type Split, type SplitRow, splitRow, stratifiedSplit, unitsOf } from './split.ts';
import type { MadeSplits, SplitKey } from './splits.ts';
import type { RowKind, TaskData, TaskRow, WrittenRow, WrittenRows } from './types.ts';
import type { Understood } from './understand.ts';

/** A split of a dataset's folder as an earlier run made it, for the rows as they are now. */
export class KeptSplit {
  readonly #made: MadeSplits;
  readonly #key: SplitKey;
  readonly #rows: WrittenRows<WrittenRow>;
  readonly #sides: ReadonlyMap<string, SplitRow['side']> | undefined;

  constructor(made: MadeSplits, { rows, columns }: Understood<WrittenRows<WrittenRow>>, key: Omit<SplitKey, 'group'>) {
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
export function holdOut<Row extends TaskRow>(
  kind: Pick<RowKind<Row, never>, 'name' | 'key' | 'stratum' | 'outputs'>,
  dataset: TaskData<Row>,
  problems: Problems,
  { share, seed, rules }: { share: number; seed: number; rules: DataRules },
  kept: KeptSplit | null,
): Split {
  const { row: noun, label } = taskOf(kind.name);
  const all = dataset.train;
  const rows = all.map((row) => splitRow(kind, row, dataset.labels, rules));
  const sides = kept?.sides();
  const split = stratifiedSplit(sides ? rows.map((row, i) => ({ ...row, side: sides[i] })) : rows, share, seed);
  if (split.held_out.length === 0) {
    const need = Math.max(Math.ceil(0.5 / share), new Set(rows.map(({ label }) => label)).size + 1);
    const groups = dataset.columns.group === undefined ? '' : ` in ${counted(unitsOf(rows).count, 'group')}`;
    throw new LuthierError(
      'data-invalid',
      `${counted(all.length, noun)}${groups} ${all.length === 1 ? 'is' : 'are'} too few to hold out a share of ${share} for validation.`,
      `Add ${noun}s (at least ${need} different ${groups === '' ? 'texts' : 'groups'}), raise validation_split, or set it to 0 to train on all ${noun}s.`,
    );
  }
  dataset.train = split.train.map((i) => all[i]!);
  dataset.validation = split.held_out.map((i) => all[i]!);
  const seen = new Set(dataset.validation.flatMap((row) => [...kind.outputs(row)]));
  const absent = dataset.labels.filter((_, i) => !seen.has(i));
  if (absent.length === 0) return split;
  const named = listedSome(absent, 5);
  problems.add(
    'warning',
    'class-without-validation',
    `The ${counted(dataset.validation.length, noun)} held out for validation (a share of ${share}) ${dataset.validation.length === 1 ? 'includes' : 'include'} none of ${named}: there are too few ${noun}s of ${absent.length === 1 ? `that ${label[0]}` : `those ${label[1]}`}. Add ${noun}s, or raise validation_split.`,
  );
  return split;
}
