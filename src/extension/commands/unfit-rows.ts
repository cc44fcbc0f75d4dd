import { basename } from 'node:path';
import type * as vscode from 'vscode';
import {
  counted,
  type DataProblem,
  type DataSummary,
  FIELDS,
  lackingFields,
  namesLine,
  taskOf,
} from '../../protocol/index.ts';
import { HostError, type Place } from '../errors.ts';
import type { Notice } from '../questions.ts';
import type { Source } from './source.ts';

/** Problems of a column rather than of the file: another column may do. */
const ofColumn = ({ code, column }: DataProblem): boolean => code === 'missing-column' || column !== undefined;

/** @throws HostError `data-invalid` where no answer to a question makes the rows fit */
export function refuse(summary: DataSummary, uri: vscode.Uri): void {
  const required = FIELDS[summary.task].filter((field) => field.required).length;
  const lacks = lackingFields(summary.guess, summary.task).length > 0;
  // As long as there are other columns to choose, or another task, what is wrong with one is told with that question.
  const askable = summary.columns.length >= required && (summary.columns.length > required || lacks);
  const error = summary.problems.find(
    (problem) => problem.severity === 'error' && !problem.other && !(askable && ofColumn(problem)),
  );
  if (error)
    throw new HostError('data-invalid', placed(error, basename(summary.file)), undefined, [], placeOf(error, uri));
  if (summary.rows === 0) {
    throw new HostError(
      'data-invalid',
      'There are no rows to learn from.',
      'Select rows with texts and labels, or sentences with their tags.',
    );
  }
}

const placeOf = ({ line }: DataProblem, uri: vscode.Uri): Place | undefined =>
  line === undefined ? undefined : { uri: uri.toString(), line };

/** A problem with the file and the line that it is on, unless it names its lines itself. */
export function placed({ message, line }: DataProblem, file: string): string {
  const where = line === undefined || namesLine({ message }) ? file : `${file}, line ${line}`;
  return `${where}: ${message}`;
}

/** Of fewer rows not one can be held out at the suggested recipe's share. */
export const LEAST_ROWS = 5;

/** What is said of fewer rows. */
export function tooFew({ data, lines }: Source, { rows, task }: DataSummary): Omit<Notice, 'icon'> {
  const where = [basename(data.file), lines].filter(Boolean).join(', ');
  const { name, row, label, writes } = taskOf(task);
  const hasLabels = !writes && name !== 'regression';
  return {
    message: `${where}: ${counted(rows, row)} ${rows === 1 ? 'is' : 'are'} too few to learn from.`,
    hint: `At least ${LEAST_ROWS} ${row}s are needed. A few ${hasLabels ? `dozen for each ${label[0]}` : 'hundred'} are a good start.`,
  };
}

/** Says what makes a label column look like one of texts: nearly as many classes as rows. */
export function doubtful({ task, classes, rows, guess }: DataSummary): string | null {
  if (task !== 'text-classification' || rows < 4 || classes.length <= rows / 2) return null;
  return `The column “${guess.label}” has ${counted(classes.length, 'class', 'classes')} in ${counted(rows, 'row')}.`;
}
