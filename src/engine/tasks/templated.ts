import { type Columns, fieldOf, LuthierError, type TaskName, TEMPLATED_TASKS, taskOf } from '../../protocol/index.ts';
import type { Pace } from '../data/pace.ts';
import { Rows } from '../data/packed-rows.ts';
import { listed, listedSome, quoted } from '../data/problems.ts';
import type { TableRow } from '../data/row-record.ts';
import { nameOf } from '../data/row-source.ts';
import { RowStore } from '../data/row-store.ts';
import { isEmpty, type Table } from '../data/table.ts';
import type { ColumnGuess } from '../data/types.ts';
import { type RenderedRow, type RowTemplate, requireColumnsOf, valuesOf } from '../prompts/row-template.ts';
import { following } from './language/blank.ts';
import type { AnyTask } from './task.ts';

/** Which field of a task the rendered text is, and what else its rows are made of. */
interface Into {
  field: keyof Columns;
  /** Whether the rows' answers are written by the model, behind the prompt. */
  writes: boolean;
}

const INTO: { readonly [name in TaskName]?: Into } = {
  'text-classification': { field: 'text', writes: false },
  multi_label_classification: { field: 'text', writes: false },
  regression: { field: 'text', writes: false },
  'text-generation': { field: 'prompt', writes: true },
  conversational: { field: 'messages', writes: true },
};

/** What the column of answers may be called, beside what the task's data usually call it. */
const ANSWERS = ['label', 'answer', 'target', 'output', 'response', 'completion', 'summary', 'category', 'class'];

/** Of a table that has been rendered: reading data opens one more than once. */
const RENDERED = Symbol('rendered');
type RenderedTable = Table & { [RENDERED]?: string };

/**
 * A task whose rows are read through a template: what the template makes of a row is the text, the prompt or the
 * dialogue, and the answers stay where they are.
 * @param given the recipe's columns
 * @throws LuthierError `recipe-invalid` for a task whose rows no template writes, or one that does not go with the
 *   template
 */
export function templated(task: AnyTask, template: RowTemplate, given: Columns): AnyTask {
  const into = INTO[task.name];
  const { name, file } = template;
  if (!into) {
    throw new LuthierError(
      'recipe-invalid',
      `A template writes texts, which ${taskOf(task.name).title.toLowerCase()} does not learn from.`,
      `Remove "template", or choose another task: ${listed(TEMPLATED_TASKS, 'or')}.`,
    );
  }
  if (task.name === 'text-generation' && file.model.api === 'chat') {
    throw new LuthierError(
      'recipe-invalid',
      `${name} is a dialogue with roles, and text-generation learns plain texts.`,
      'Set "task" to "conversational", or write “api: completion” under “model” in the template.',
    );
  }
  const said = file.parts.at(-1);
  const endsItself = task.name === 'conversational' && said?.role === 'assistant' && said.text.trim() !== '';
  let blanks = 0;
  const answerOf = (table: Table): string | undefined => {
    const usual = into.writes ? [...fieldOf(task.name, 'completion').usual, ...ANSWERS] : [];
    const read = new Set(Object.values(file.columns));
    const named = given.completion ?? given.label;
    if (named !== undefined) return named;
    const free = table.columns.filter(
      (column) => !read.has(column) && !file.inputs.some((input) => input.name === column),
    );
    return usual
      .map((name) => free.find((column) => column.trim().toLowerCase() === name))
      .find((found) => found !== undefined);
  };
  const renamed = (columns: Columns): Columns => {
    const { group } = columns;
    const own = task.named?.(columns) ?? columns;
    const kept = into.writes ? {} : { ...(own.label !== undefined && { label: own.label }) };
    return { ...kept, ...(group !== undefined && { group }), [into.field]: name };
  };
  return {
    ...task,
    template,
    inputs: () => [],
    named: renamed,
    why: { ...task.why, [into.field]: 'what the template makes of a row' },
    // Its texts are the template's affair; its labels stand where they are said to stand or look like it.
    ofModel: async (table, own, model, pace) => {
      if (into.writes || !task.ofModel) return { given: renamed(own), why: {} };
      const of = await task.ofModel(table, own, { ...model, inputs: undefined }, pace);
      return { given: renamed(of.given), why: of.why, pairs: false };
    },
    open: async (table, pace) => {
      const isDone = (table as RenderedTable)[RENDERED] !== undefined;
      if (isDone) return task.open ? task.open(table, pace) : table;
      const how = { task: task.name, answer: answerOf(table), endsItself };
      const made = await renderTable(table, template, how, pace).finally(() => template.rest());
      blanks += made.blanks;
      const rendered = made.table;
      return task.open ? task.open(rendered, pace) : rendered;
    },
    ...(into.writes && {
      layout: (table: Table, columns: Columns): ColumnGuess => {
        const group = columns.group ?? given.group;
        const answer = answerOf(table);
        const from = endsItself ? 'its last message' : `“${answer}”`;
        const blank = blanks > 0 ? ', with a blank before it where the prompt ends without one' : '';
        return {
          columns: {
            [into.field]: name,
            ...(into.field === 'prompt' && answer !== undefined && { completion: answer }),
            ...(group !== undefined && { group }),
          },
          reason: `Each row is rendered by ${name}; the answer that is learnt is ${from}${blank}.`,
        };
      },
    }),
    checkUnused: async () => {},
  };
}

/** The table with what the template makes of each row as a column that is called like the template. */
async function renderTable(
  table: Table,
  template: RowTemplate,
  { task, answer, endsItself }: { task: TaskName; answer: string | undefined; endsItself: boolean },
  pace?: Pace,
): Promise<{ table: Table; blanks: number }> {
  const { name } = template;
  if (table.format === 'text') {
    throw new LuthierError(
      'data-invalid',
      `${table.name} is plain text, and ${name} is filled from the columns of a table.`,
      'Name a table (CSV, JSON Lines), or remove "template" from the recipe.',
    );
  }
  if (table.columns.includes(name)) {
    throw new LuthierError(
      'data-invalid',
      `${table.name} has a column ${quoted(name)}, which is what the rendered rows are called.`,
      'Rename the column, or the template.',
    );
  }
  requireColumnsOf(template, table);
  const { writes } = INTO[task]!;
  const answerAt = answer === undefined ? -1 : table.columns.indexOf(answer);
  if (writes && answerAt < 0 && !endsItself) throw noAnswer(table, template, answer);
  const store = new RowStore();
  const asMessages = task === 'conversational';
  let first: number | undefined;
  let blanks = 0;
  for (const row of table.rows) {
    await pace?.();
    const made = await rendered(template, table, row);
    const cell = asMessages ? JSON.stringify(dialogue(made, endsItself ? undefined : row.value(answerAt))) : made.text;
    for (const [column, value] of row.cells()) {
      const isAnswer = task === 'text-generation' && column === answerAt && !isEmpty(value);
      const written = isAnswer ? following(made.text, value) : value;
      if (written !== value) blanks++;
      store.cellOf(column, written, row.json(column) !== undefined);
    }
    store.cellOf(table.columns.length, cell, asMessages);
    store.commit(row.line, row.end);
    first ??= row.line;
  }
  const columns = [...table.columns, name];
  const nested = new Map(table.nested);
  if (asMessages && first !== undefined) nested.set(name, first);
  const done: RenderedTable = { ...table, columns, nested, rows: new Rows(store, { width: columns.length }) };
  done[RENDERED] = name;
  return { table: done, blanks };
}

/** @throws LuthierError as the template, naming the data's file and line */
async function rendered(template: RowTemplate, table: Table, row: TableRow): Promise<RenderedRow> {
  try {
    return await template.render(valuesOf(template.file, table.columns, row));
  } catch (error) {
    if (!(error instanceof LuthierError)) throw error;
    const where = `${row.file === undefined ? table.name : nameOf(row.file)}, line ${row.line}`;
    throw new LuthierError(error.code, `${where}: ${error.message}`, error.hint, { cause: error });
  }
}

/** The dialogue with the answer that is learnt; what the template has the assistant say before is an example. */
function dialogue({ messages }: RenderedRow, answer: string | undefined): object[] {
  const last = answer === undefined ? messages.length - 1 : messages.length;
  const before = messages.map((message, i) =>
    message.role === 'assistant' && i !== last ? { ...message, weight: 0 } : message,
  );
  return answer === undefined ? before : [...before, { role: 'assistant', content: answer }];
}

function noAnswer(table: Table, { name }: RowTemplate, wanted: string | undefined): LuthierError {
  return new LuthierError(
    'data-invalid',
    wanted === undefined
      ? `Which column of ${table.name} has the answers to ${name} cannot be told.`
      : `${table.name} has no column ${quoted(wanted)} with the answers to ${name}.`,
    `Name it in the recipe, "columns": {"completion": "…"}. Its columns are ${listedSome(table.columns, 20)}.`,
  );
}
