import { type Columns, counted, type DataSummary, formatCount } from '../../protocol/index.ts';
import { HostError } from '../errors.ts';
import { shorten } from '../format.ts';
import { BACK, type Choice, type Notice, type Questions, separator } from '../questions.ts';

interface Position {
  step: number;
  totalSteps: number;
  canGoBack: boolean;
  notice?: Notice | undefined;
}

/**
 * Confirms columns in one keystroke, or asks for them. Gives the columns, or BACK.
 * @param given what was answered before; else what was guessed is offered
 * Throws HostError when the rows have no two columns to learn from, Cancelled on Escape.
 */
export async function askColumns(
  questions: Questions,
  summary: DataSummary,
  position: Position,
  given?: Columns,
): Promise<Columns | typeof BACK> {
  if (summary.columns.length < 2) {
    throw new HostError(
      'data-invalid',
      `There ${summary.columns.length === 1 ? `is only one column, “${summary.columns[0]!.name}”` : 'are no columns'}: fine-tuning needs texts and their labels.`,
      'Select rows that each have a text and a label, such as CSV or lines of label, tab, text.',
    );
  }
  const offered = given ?? summary.guess;
  const { text, label } = offered;
  if (text !== undefined && label !== undefined) {
    const isGuess = !given || (given.text === summary.guess.text && given.label === summary.guess.label);
    const confirm: Choice<'yes' | 'other'> = {
      label: `$(check) Learn “${label}” from “${text}”${offered.text_pair === undefined ? '' : ` and “${offered.text_pair}”`}`,
      ...(isGuess ? { detail: summary.guess_reason } : {}),
      value: 'yes',
    };
    const other: Choice<'yes' | 'other'> = { label: '$(list-selection) Choose other columns…', value: 'other' };
    const answer = await questions.ask<'yes' | 'other'>({
      ...position,
      placeholder: `${counted(summary.rows, 'row')}: which column is the text, and which is the label?`,
      items: [confirm, other, ...(isGuess ? classItems(summary) : [])],
      // Columns that were refused are not confirmed by the next Enter.
      active: position.notice ? other : confirm,
    });
    if (answer === BACK) return BACK;
    if (answer === 'yes') return offered;
  }
  const { notice: _, ...place } = position;
  const chosenText = await askColumn(questions, summary, place, 'Which column contains the text?', text, undefined);
  if (chosenText === BACK) return BACK;
  const chosenLabel = await askColumn(questions, summary, place, 'Which column contains the label?', label, chosenText);
  if (chosenLabel === BACK) return await askColumns(questions, summary, position, given);
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
        description: `${counted(column.distinct, 'distinct value')}, ${Math.round(column.mean_length)} characters on average${column.empty > 0 ? `, ${formatCount(column.empty)} empty` : ''}`,
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

/** Classes that are listed; a column with more is hardly one of classes. */
const MOST_CLASSES = 500;

/** Each class with its rows, a line for each: what a wrong reading of the file gives away. */
function classItems({ classes }: DataSummary): Choice<never>[] {
  if (classes.length === 0) return [];
  const shown = classes.slice(0, MOST_CLASSES).map(
    ({ label, count }): Choice<never> => ({
      label: `$(tag) ${shorten(label, 80)}`,
      description: counted(count, 'row'),
    }),
  );
  const rest = classes.length - shown.length;
  return [
    separator(counted(classes.length, 'class', 'classes')),
    ...shown,
    ...(rest > 0 ? [{ label: `$(ellipsis) ${counted(rest, 'more class', 'more classes')}` }] : []),
  ];
}
