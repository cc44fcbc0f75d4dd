import { LuthierError, type StartEvent } from '../../protocol/index.ts';
import type { Trainer } from '../train/types.ts';

type Rows = Pick<StartEvent, 'labels' | 'num_train_rows' | 'num_validation_rows'>;

/**
 * A resumed run goes on with the rows that it began with. The file being the same, another version may still read it
 * in another way (a repeated header, an encoding), and the order of rows would then be another one.
 * @param before what the run said when it began
 * @throws LuthierError `run-invalid`
 */
export function requireSameRows(
  before: Rows,
  now: Pick<Trainer, 'labels' | 'numTrainRows' | 'numValidationRows'>,
): void {
  const changes = [
    changed('training rows', before.num_train_rows, now.numTrainRows),
    changed('validation rows', before.num_validation_rows, now.numValidationRows),
    before.labels.join('\0') === now.labels.join('\0')
      ? []
      : [`classes are now ${now.labels.join(', ')}, were ${before.labels.join(', ')}`],
  ].flat();
  if (changes.length === 0) return;
  throw new LuthierError(
    'run-invalid',
    `This version of Luthier reads the run’s dataset differently from the version that started it (${changes.join('; ')}), so the run cannot be resumed.`,
    'Start a new run, or resume this one with the version that started it.',
  );
}

const changed = (what: string, before: number, now: number): string[] =>
  before === now ? [] : [`now ${now.toLocaleString('en')} ${what}, were ${before.toLocaleString('en')}`];
