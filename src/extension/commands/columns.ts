import type { Columns, DataSummary } from '../../protocol/index.ts';
import { HostError } from '../errors.ts';
import { formatCount, plural, shorten } from '../format.ts';
import { BACK, type Choice, type Questions } from '../questions.ts';

interface Position {
  step: number;
  totalSteps: number;
  canGoBack: boolean;
}

/**
 * Confirms the guessed columns in one keystroke, or asks for them. Gives the columns, or BACK.
 * Throws HostError when the rows have no two columns to learn from, Cancelled on Escape.
 */
export async function askColumns(
  questions: Questions,
  summary: DataSummary,
  position: Position,
): Promise<Columns | typeof BACK> {
  if (summary.columns.length < 2) {
    throw new HostError(
      'data-invalid',
      `There is only ${summary.columns.length === 1 ? `the column “${summary.columns[0]!.name}”` : 'text without columns'}; learning takes texts and their labels.`,
      'Select rows of a table with a text and a label in each, such as CSV or lines of label, tab, text.',
    );
  }
  const { text, label } = summary.guess;
  if (text !== undefined && label !== undefined) {
    const confirm: Choice<'yes' | 'other'> = {
      label: `$(check) Learn “${label}” from “${text}”`,
      detail: [summary.guess_reason, classes(summary)].filter(Boolean).join(' '),
      value: 'yes',
    };
    const answer = await questions.ask<'yes' | 'other'>({
      ...position,
      placeholder: `${plural(summary.rows, 'row')}: which column is the text, which the label?`,
      items: [confirm, { label: '$(list-selection) Choose other columns…', value: 'other' }],
      active: confirm,
    });
    if (answer === BACK) return BACK;
    if (answer === 'yes') return summary.guess;
  }
  const chosenText = await askColumn(questions, summary, position, 'The column with the text', text, undefined);
  if (chosenText === BACK) return BACK;
  const chosenLabel = await askColumn(questions, summary, position, 'The column with the label', label, chosenText);
  if (chosenLabel === BACK) return await askColumns(questions, summary, position);
  return { text: chosenText, label: chosenLabel };
}

async function askColumn(
  questions: Questions,
  summary: DataSummary,
  position: Position,
  placeholder: string,
  guess: string | undefined,
  taken: string | undefined,
): Promise<string | typeof BACK> {
  const items = summary.columns
    .filter(({ name }) => name !== taken)
    .map(
      (column): Choice<string> => ({
        label: column.name,
        description: `${formatCount(column.distinct)} different, ${Math.round(column.mean_length)} characters on average${column.empty > 0 ? `, ${formatCount(column.empty)} empty` : ''}`,
        detail: shorten(column.examples.join(' · '), 150),
        value: column.name,
      }),
    );
  return await questions.ask({
    ...position,
    placeholder,
    items,
    active: items.find(({ value }) => value === guess),
    canGoBack: true,
  });
}

function classes(summary: DataSummary): string {
  if (summary.classes.length === 0) return '';
  const shown = summary.classes.slice(0, 6).map(({ label, count }) => `${shorten(label, 24)} ${formatCount(count)}`);
  const more = summary.classes.length > 6 ? ` and ${summary.classes.length - 6} more` : '';
  return `${plural(summary.classes.length, 'class', 'classes')}: ${shown.join(', ')}${more}.`;
}
