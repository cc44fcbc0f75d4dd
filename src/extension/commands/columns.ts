import { type Columns, counted, type DataSummary, FIELDS, type Field, formatCount } from '../../protocol/index.ts';
import { HostError } from '../errors.ts';
import { linesOf, shorten } from '../format.ts';
import { BACK, type Choice, continuation, type Notice, type Questions, separator } from '../questions.ts';

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
  if (FIELDS_ASKED.every(({ name, required }) => !required || offered[name] !== undefined)) {
    const isGuess = !given || FIELDS_ASKED.every(({ name }) => given[name] === summary.guess[name]);
    const named = (role: Field['role']): string =>
      FIELDS_ASKED.flatMap(({ name, role: own }) =>
        own === role && offered[name] !== undefined ? [`“${offered[name]}”`] : [],
      ).join(' and ');
    const [reason, ...more] = isGuess ? linesOf(summary.guess_reason) : [];
    const confirm: Choice<'yes' | 'other'> = {
      label: `$(check) Learn ${named('target')} from ${named('input')}`,
      ...(reason ? { detail: reason } : {}),
      value: 'yes',
    };
    const other: Choice<'yes' | 'other'> = { label: '$(list-selection) Choose other columns…', value: 'other' };
    const answer = await questions.ask<'yes' | 'other'>({
      ...position,
      placeholder: `${counted(summary.rows, 'row')}: which column is the text, and which is the label?`,
      items: [confirm, ...more.map(continuation), other, ...(isGuess ? classItems(summary) : [])],
      // Columns that were refused are not confirmed by the next Enter.
      active: position.notice ? other : confirm,
    });
    if (answer === BACK) return BACK;
    if (answer === 'yes') return offered;
  }
  const { notice: _, ...place } = position;
  return await askEach(questions, summary, place, offered);
}

const FIELDS_ASKED = FIELDS['text-classification'];

/** A question for each field; one that need not be there is asked where there are columns left for it. */
async function askEach(
  questions: Questions,
  summary: DataSummary,
  position: Position,
  offered: Columns,
): Promise<Columns | typeof BACK> {
  const required = FIELDS_ASKED.filter((field) => field.required);
  const asked = summary.columns.length > required.length ? FIELDS_ASKED : required;
  const answers: (string | null)[] = [];
  while (answers.length < asked.length) {
    const field = asked[answers.length]!;
    const answer = await askColumn(questions, summary, position, field, offered[field.name], answers);
    if (answer !== BACK) answers.push(answer);
    else if (answers.pop() === undefined) return BACK;
  }
  return Object.fromEntries(asked.flatMap(({ name }, i) => (answers[i] === null ? [] : [[name, answers[i]]])));
}

/** A column, or null for none where the field is not required. */
async function askColumn(
  questions: Questions,
  summary: DataSummary,
  position: Position,
  field: Field,
  offered: string | undefined,
  taken: readonly (string | null)[],
): Promise<string | null | typeof BACK> {
  const columns = summary.columns
    .filter(({ name }) => !taken.includes(name))
    .map(
      (column): Choice<string | null> => ({
        label: column.name,
        description: `${counted(column.distinct, 'distinct value')}, ${Math.round(column.mean_length)} characters on average${column.empty > 0 ? `, ${formatCount(column.empty)} empty` : ''}`,
        detail: shorten(column.examples.join(' · '), 150),
        value: column.name,
      }),
    );
  const none: Choice<string | null> = { label: '$(circle-slash) None', description: `no ${field.title}`, value: null };
  const items = field.required ? columns : [none, ...columns];
  return await questions.ask({
    ...position,
    placeholder: `Which column contains the ${field.title}?`,
    items,
    active: items.find(({ value }) => value === offered) ?? (field.required ? undefined : none),
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
