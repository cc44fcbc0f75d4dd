import {
  allowsFolds,
  counted,
  FEW_ROWS_FOLDS,
  type RunEstimate,
  suggestedFolds,
  type TaskName,
  taskOf,
} from '../../protocol/index.ts';
import { formatDuration } from '../format.ts';
import type { Choice } from '../questions.ts';

/**
 * The cross-validation in a summary, with why and how long it takes; null where rows enough are held out. It is
 * `first` where a single split would say little and training six times is no matter of hours.
 */
export function foldsChoice(estimate: RunEstimate, task: TaskName): { choice: Choice<'folds'>; first: boolean } | null {
  if (!allowsFolds(estimate)) return null;
  const first = suggestedFolds(estimate, taskOf(task)) !== null;
  const folds = `$(layers) Cross-validate with ${FEW_ROWS_FOLDS} folds`;
  return {
    first,
    choice: {
      label: first ? folds : `${folds} instead`,
      ...(first ? { description: 'recommended' } : {}),
      detail: foldsDetail(estimate, taskOf(task).row),
      value: 'folds',
    },
  };
}

/** Each fold's model learns from all rows but its own, the last one from all. */
function foldsDetail({ rows, validation_rows: n, seconds }: RunEstimate, row: string): string {
  const held = `Only ${counted(n, row)} would be held out for validation, which says little; in folds, all ${counted(rows, row)} are measured`;
  const time = formatDuration((seconds * rows * FEW_ROWS_FOLDS) / Math.max(1, rows - n));
  return `${held}. About ${time} for training ${FEW_ROWS_FOLDS + 1} times`;
}
