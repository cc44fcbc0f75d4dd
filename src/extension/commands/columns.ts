import {
  type Columns,
  counted,
  type DataSummary,
  FIELDS,
  type Field,
  formatCount,
  lackingFields,
  TASKS,
  type TaskName,
  taskOf,
} from '../../protocol/index.ts';
import { HostError } from '../errors.ts';
import { linesOf, shorten } from '../format.ts';
import { BACK, type Choice, continuation, type Position, type Questions, separator } from '../questions.ts';

/** Another task was chosen: the rows are to be read for it. */
export interface OtherTask {
  task: TaskName;
}

/**
 * Confirms task and columns in one keystroke, or asks for them. Gives the columns, another task, or BACK.
 * @param given what was answered before; else what was guessed is offered
 * @param labelColumns columns of 0 and 1 that are learnt, of which the label's is one
 * Throws HostError when the rows have too few columns to learn from, Cancelled on Escape.
 */
export async function askColumns(
  questions: Questions,
  summary: DataSummary,
  position: Position,
  given?: Columns,
  labelColumns: readonly string[] = [],
): Promise<Columns | OtherTask | typeof BACK> {
  const fields = FIELDS[summary.task];
  const tooFew = tooFewColumns(summary);
  if (tooFew) throw tooFew;
  const { title, row } = taskOf(summary.task);
  const offered = given ?? summary.guess;
  if (lackingFields(offered, summary.task).length === 0) {
    const isGuess = !given || fields.every(({ name }) => given[name] === summary.guess[name]);
    const named = (role: Field['role']): string =>
      fields
        .flatMap(({ name, role: own }) => (own === role && offered[name] !== undefined ? [`“${offered[name]}”`] : []))
        .join(' and ');
    const target = labelColumns.length > 0 ? shorten(labelColumns.join(', '), 60) : named('target');
    const [reason, ...more] = isGuess ? linesOf(summary.guess_reason) : [];
    const confirm: Choice<Answer> = {
      label: `$(check) Learn ${[target, named('input')].filter(Boolean).join(' from ')}`,
      description: title,
      ...(reason ? { detail: reason } : {}),
      value: 'yes',
    };
    const other: Choice<Answer> = { label: '$(list-selection) Choose other columns…', value: 'other' };
    const task: Choice<Answer> = { label: '$(arrow-swap) Learn another task…', value: 'task' };
    const which = fields
      .filter(({ required }) => required)
      .map(({ kind, title: name }, i) =>
        kind === 'list' ? `${i === 0 ? 'column has' : 'has'} the ${name}` : `${i === 0 ? 'column ' : ''}is the ${name}`,
      );
    const answer = await questions.ask<Answer>({
      ...position,
      placeholder: `${counted(summary.rows, row)}: ${which.length > 0 ? `which ${which.join(', and which ')}` : 'are these the right columns'}?`,
      items: [confirm, ...more.map(continuation), other, task, ...(isGuess ? labelItems(summary) : [])],
      // Columns that were refused are not confirmed by the next Enter.
      active: position.notice ? other : confirm,
    });
    if (answer === BACK) return BACK;
    if (answer === 'yes') return offered;
    if (answer === 'task') return await askTask(questions, summary, position);
  }
  const { notice: _, ...place } = position;
  return await askEach(questions, summary, place, offered);
}

type Answer = 'yes' | 'other' | 'task';

/** Null where there are enough columns for the task. */
export function tooFewColumns({ columns, task }: DataSummary): HostError | null {
  if (columns.length >= FIELDS[task].filter(({ required }) => required).length) return null;
  const there = columns.length === 1 ? `is only one column, “${columns[0]!.name}”` : 'are no columns';
  return task === 'token-classification'
    ? new HostError(
        'data-invalid',
        `There ${there}: fine-tuning needs words and their tags.`,
        'Select sentences with a word and its tag on each line, or rows of JSON with lists of tokens and tags.',
      )
    : new HostError(
        'data-invalid',
        `There ${there}: fine-tuning needs texts and their labels.`,
        'Select rows that each have a text and a label, such as CSV or lines of label, tab, text.',
      );
}

async function askTask(
  questions: Questions,
  summary: DataSummary,
  { notice: _, ...position }: Position,
): Promise<OtherTask | typeof BACK> {
  const items = TASKS.map(({ name, title }): Choice<TaskName> => {
    const required = FIELDS[name].filter((field) => field.required).map((field) => field.title);
    // Where several kinds of columns will do, those that are learnt are named.
    const targets = FIELDS[name].filter(({ role }) => role === 'target').map((field) => field.title);
    return { label: title, description: required.join(' and ') || targets.join(' or '), value: name };
  });
  const task = await questions.ask<TaskName>({
    ...position,
    placeholder: 'What should the model learn?',
    items,
    active: items.find(({ value }) => value === summary.task),
    canGoBack: true,
  });
  return task === BACK ? BACK : { task };
}

/** A question for each field; one that need not be there is asked where there are columns left for it, and none that another replaces. */
async function askEach(
  questions: Questions,
  summary: DataSummary,
  position: Position,
  offered: Columns,
): Promise<Columns | typeof BACK> {
  const fields = FIELDS[summary.task];
  const required = fields.filter((field) => field.required);
  const asked = summary.columns.length > required.length ? fields : required;
  const answers: { field: Field; column: string | null }[] = [];
  for (;;) {
    const named = answers.filter(({ column }) => column !== null);
    const replaced = named.flatMap(({ field }) => field.replaces ?? []);
    const isLeft = summary.columns.length > named.length;
    const field = asked.find(
      ({ name, required }) =>
        (required || isLeft) && !replaced.includes(name) && answers.every((answer) => answer.field.name !== name),
    );
    if (!field) return Object.fromEntries(named.map(({ field, column }) => [field.name, column]));
    const taken = named.map(({ column }) => column);
    const answer = await askColumn(questions, summary, position, field, offered[field.name], taken);
    if (answer !== BACK) answers.push({ field, column: answer });
    else if (answers.pop() === undefined) return BACK;
  }
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

/** Each class with its rows, each tag with its words, a line for each: what a wrong reading of the file gives away. */
function labelItems({ classes, task }: DataSummary): Choice<never>[] {
  if (classes.length === 0) return [];
  const { label: names, labelled } = taskOf(task);
  const shown = classes.slice(0, MOST_CLASSES).map(
    ({ label, count }): Choice<never> => ({
      label: `$(tag) ${shorten(label, 80)}`,
      description: counted(count, labelled),
    }),
  );
  const rest = classes.length - shown.length;
  return [
    separator(counted(classes.length, ...names)),
    ...shown,
    ...(rest > 0 ? [{ label: `$(ellipsis) ${counted(rest, `more ${names[0]}`, `more ${names[1]}`)}` }] : []),
  ];
}
