import {
  counted,
  FEW_ROWS_FOLDS,
  fewRowsNote,
  formatBytes,
  type RunEstimate,
  type TaskName,
  taskOf,
} from '../../../protocol/index.ts';
import { quoted } from '../../data/problems.ts';
import { type Entry, leaveOut } from './entry.ts';

type RowCounts = Pick<RunEstimate, 'rows' | 'validation_rows' | 'classes'>;

/** In how many folds candidates are measured; null where enough rows are held out to measure them on these. */
export function foldsFor({ rows, validation_rows }: Omit<RowCounts, 'classes'>, task: TaskName): number | null {
  // So few rows held out say little.
  if (fewRowsNote(validation_rows) === null || taskOf(task).writes || rows <= 1) return null;
  return Math.min(FEW_ROWS_FOLDS, rows);
}

/**
 * Why candidates are measured in folds, and what that means for classes of few rows.
 * @param names of those that are tried
 */
export function foldNotes(
  folds: number,
  { rows, validation_rows, classes }: RowCounts,
  task: TaskName,
  names: readonly string[],
): string[] {
  const { row } = taskOf(task);
  const [only, ...others] = names;
  const who = only !== undefined && others.length === 0 ? only : 'each candidate';
  const notes = [
    `Only ${counted(validation_rows, row)} would be held out, so ${who} is cross-validated: ${folds} trainings, and all ${rows} ${row}s are measured.`,
  ];
  for (const { label, count } of classes) {
    if (count === 0 || count >= folds) continue;
    const what = `${quoted(label)} has ${counted(count, row)}, fewer than the ${folds} folds`;
    notes.push(
      count === 1
        ? `${what}: the model that answers it has not learnt its class, so that it counts as an error.`
        : `${what}: not every fold measures it.`,
    );
  }
  return notes;
}

/**
 * Leaves out what does not fit into memory, and says how long the others take.
 * @returns what is to be told of the candidates
 */
export function leaveOutLarge(entries: readonly Entry[], folds: number | null): string[] {
  const notes: string[] = [];
  for (const { candidate, estimate } of entries) {
    if (estimate === null) continue;
    candidate.estimate_s = estimate.seconds * (folds ?? 1);
    const mismatch = estimate.problems.find(({ code }) => code === 'language-mismatch');
    if (mismatch) notes.push(`${candidate.model}: ${mismatch.message}`);
    if (candidate.state === 'waiting' && estimate.peak_memory_bytes > estimate.free_memory_bytes)
      leaveOut(
        candidate,
        `It would need about ${formatBytes(estimate.peak_memory_bytes)} of memory, but only ${formatBytes(estimate.free_memory_bytes)} are free.`,
      );
  }
  return notes;
}

/** `0:40 minutes`, `12 seconds`. */
export function seconds(count: number): string {
  const whole = Math.max(1, Math.round(count));
  if (whole < 90) return counted(whole, 'second');
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} minutes`;
}

/** `12 seconds of 2:00 minutes were`, `nothing of 2:00 minutes was`. @param whole in words */
export function leftOf(left: number, whole: string): string {
  const what = left < 0.5 ? 'nothing' : seconds(left);
  return `${what} of ${whole} ${left < 1.5 ? 'was' : 'were'}`;
}
