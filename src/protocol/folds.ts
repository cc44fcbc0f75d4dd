import { fewRowsNote } from './evaluation.ts';
import type { CrossValidation } from './run.ts';
import type { TaskDescription } from './tasks.ts';

export const MOST_FOLDS = 100;

/** As many as are usual for few rows. */
export const FEW_ROWS_FOLDS = 5;

/**
 * Folds that every door offers first: where the rows that would be held out are so few that they say little, and the
 * task's models are not so slow to train that six trainings are too much to suggest. Null where one split will do.
 * @param rows training and validation rows together
 */
export const suggestedFolds = (
  { rows, validation_rows }: { rows: number; validation_rows: number },
  { writes }: Pick<TaskDescription, 'writes'>,
): number | null =>
  validation_rows > 0 && writes === undefined && allowsFolds({ rows, validation_rows }) ? FEW_ROWS_FOLDS : null;

/** Whether a cross-validation is offered at all. */
export const allowsFolds = ({ rows, validation_rows }: { rows: number; validation_rows: number }): boolean =>
  rows >= 2 * FEW_ROWS_FOLDS && fewRowsNote(validation_rows) !== null;

/** Whether rows can be divided into so many folds. */
export const isFoldCount = (count: number): boolean => Number.isInteger(count) && count >= 2 && count <= MOST_FOLDS;

/** "Fold 2 of 5"; "Model of all rows" once the folds are finished. */
export const stageName = ({ count }: Pick<CrossValidation, 'count'>, fold: number | undefined): string =>
  fold === undefined ? 'Model of all rows' : `Fold ${fold} of ${count}`;
