import { type Change, counted } from '../../../protocol/index.ts';
import type { Case } from './case.ts';
import type { Training } from './history.ts';

/** No run is made longer by more than so many times: what was seen reaches no further. */
const MOST_LONGER = 9;

/** Epochs as an evaluation or the steps tell them; a run without evaluations tells none. */
const stepsPerEpoch = ({ before, evaluations }: Training): number | null => {
  const last = evaluations.at(-1);
  return last && last.epoch > 0 ? (last.step - before) / last.epoch : null;
};

/** The run again, so many times its length longer: in epochs, or in steps where those are what ends it. */
export function moreEpochs({ record }: Pick<Case, 'record'>, training: Training, times: number): Change {
  const { num_train_epochs: epochs } = record.recipe;
  return longer(record, training, Math.max(1, Math.round(times * epochs)));
}

/** The run again with so many epochs more. */
export function longer({ recipe }: Case['record'], training: Training, more: number): Change {
  const { num_train_epochs: epochs, max_steps } = recipe;
  const title = `Train ${counted(more, 'More Epoch')}`;
  if (max_steps > 0) {
    const each = stepsPerEpoch(training) ?? max_steps / Math.max(1, epochs);
    const steps = max_steps + Math.min(MOST_LONGER * max_steps, Math.max(1, Math.round(more * each)));
    return { kind: 'recipe', title: `Train for ${counted(steps, 'Step')}`, set: { max_steps: steps } };
  }
  return { kind: 'recipe', title, set: { num_train_epochs: epochs + more } };
}

/** The run again, ending about where the validation loss was lowest; null where it ends there anyway. */
export function shorter(
  { recipe }: Case['record'],
  { before }: Pick<Training, 'before'>,
  { step, epoch }: { step: number; epoch: number },
): Change | null {
  const { num_train_epochs: epochs, max_steps } = recipe;
  if (max_steps > 0) {
    const steps = step - before;
    if (steps >= max_steps) return null;
    return { kind: 'recipe', title: `Train for ${counted(steps, 'Step')} Only`, set: { max_steps: steps } };
  }
  // An evaluation at the end of an epoch may stand a rounding behind it.
  const enough = Math.max(1, Math.ceil(epoch - 1e-6));
  if (enough >= epochs) return null;
  return {
    kind: 'recipe',
    title: `Train for ${counted(enough, 'Epoch')} Instead of ${epochs}`,
    set: { num_train_epochs: enough },
  };
}
