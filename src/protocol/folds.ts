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

type Plan = Pick<CrossValidation, 'count' | 'final'>;

/** Steps of the model of all rows: those are one fold more than each fold's model sees. */
const finalSteps = ({ count, final }: Plan, each: number): number =>
  final ? Math.ceil((each * count) / (count - 1)) : 0;

/** Steps of each fold, by those of the whole run. */
const foldSteps = ({ count, final }: Plan, total: number): number =>
  Math.round(total / (count + (final ? count / (count - 1) : 0)));

/** Steps of a cross-validation before the fold at work (undefined: before the model of all rows). Events count from 1 in each. */
export const stepsBefore = (plan: Plan, fold: number | undefined, total: number): number =>
  foldSteps(plan, total) * (fold === undefined ? plan.count : fold - 1);

/** Steps of the whole cross-validation, as soon as a training says how many are its own. */
export const stepsOfAll = (plan: Plan, fold: number | undefined, own: number, known: number): number =>
  fold === undefined ? stepsBefore(plan, undefined, known) + own : plan.count * own + finalSteps(plan, own);

/** "Fold 2 of 5"; "Model of all rows" once the folds are finished. */
export const stageName = ({ count }: Plan, fold: number | undefined): string =>
  fold === undefined ? 'Model of all rows' : `Fold ${fold} of ${count}`;
