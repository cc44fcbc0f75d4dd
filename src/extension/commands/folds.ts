import { basename } from 'node:path';
import {
  allowsFolds,
  counted,
  FEW_ROWS_FOLDS,
  type RunEstimate,
  suggestedFolds,
  type TaskName,
  taskOf,
} from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { formatDuration } from '../format.ts';
import { MEMENTO_KEYS } from '../ids.ts';
import { type Choice, choose } from '../questions.ts';

/** What the choice depends on, with the time of one training where that is known. */
type Rows = Pick<RunEstimate, 'rows' | 'validation_rows'> & Partial<Pick<RunEstimate, 'seconds'>>;

/**
 * The cross-validation in a summary, with why and how long it takes; null where rows enough are held out. It is
 * `first` where a single split would say little and training six times is no matter of hours.
 */
export function foldsChoice(estimate: Rows, task: TaskName): { choice: Choice<'folds'>; first: boolean } | null {
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
function foldsDetail({ rows, validation_rows: n, seconds }: Rows, row: string): string {
  const held = `Only ${counted(n, row)} would be held out for validation, which says little; in folds, all ${counted(rows, row)} are measured`;
  if (seconds === undefined) return `${held}. Trains ${FEW_ROWS_FOLDS + 1} times`;
  const time = formatDuration((seconds * rows * FEW_ROWS_FOLDS) / Math.max(1, rows - n));
  return `${held}. About ${time} for training ${FEW_ROWS_FOLDS + 1} times`;
}

/**
 * Asks before a recipe's run whether to cross-validate instead, where so few rows would be held out that it is
 * suggested; not again for a recipe that is to be trained once.
 * @returns the number of folds; undefined for a plain run. Throws Cancelled.
 */
export async function askFolds(luthier: Luthier, recipePath: string, title: string): Promise<number | undefined> {
  const { workspaceState } = luthier.extension;
  const known = workspaceState.get<string[]>(MEMENTO_KEYS.trainedOnce, []);
  if (known.includes(recipePath)) return undefined;
  const counts = await luthier.engine.service.request('run/rows', { recipe_path: recipePath });
  if (counts === null) return undefined;
  const folds = foldsChoice(counts, counts.task);
  if (!folds?.first) return undefined;
  const { row } = taskOf(counts.task);
  const answer = await choose<'folds' | 'once'>({
    title,
    placeholder: `${basename(recipePath)}: only ${counted(counts.validation_rows, row)} would be held out`,
    items: [
      folds.choice,
      {
        label: '$(play) Train once',
        detail: `On ${counted(counts.rows - counts.validation_rows, row)}, measured on the ${counts.validation_rows} held out`,
        value: 'once',
      },
    ],
  });
  if (answer === 'folds') return FEW_ROWS_FOLDS;
  await workspaceState.update(MEMENTO_KEYS.trainedOnce, [...known, recipePath].slice(-50));
  return undefined;
}
