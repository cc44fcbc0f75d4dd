import { LuthierError, type Split } from '../../protocol/index.ts';

/** A part of the data has nothing to measure a model on. @param noun what the task calls its rows */
export const noRows = (split: Split, noun = 'row'): LuthierError =>
  new LuthierError(
    'data-invalid',
    `There are no ${split === 'train' ? 'training' : split} ${noun}s to evaluate.`,
    `Choose a file with ${noun}s, or another split.`,
  );

/** @param row from 0; `noun` is what the task calls its rows */
export const notFinite = (row: number, rows: number, noun = 'row'): LuthierError =>
  new LuthierError(
    'loss-not-finite',
    `The model's answer for ${noun} ${row + 1} of ${rows} is not a finite number.`,
    'The weights contain NaN or infinity. Go back to an earlier checkpoint, or train with a lower learning_rate.',
  );
