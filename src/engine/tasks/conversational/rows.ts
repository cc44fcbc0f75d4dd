import { type Columns, counted, FIELDS, fieldOf } from '../../../protocol/index.ts';
import { namesOf } from '../../data/checks.ts';
import { listed, type Problems, quoted } from '../../data/problems.ts';
import type { TableRow } from '../../data/row-record.ts';
import { isEmpty, type Table } from '../../data/table.ts';
import type { ReadRowsOptions, RowKind, TaskRow } from '../../data/types.ts';
import { columnNamed, type Found, groupIn, lacksColumns } from '../language/columns.ts';
import { languageKind, type Written } from '../language/kind.ts';
import { listIn, type Message, readMessages, TURN_PROBLEMS, type TurnProblem } from './turns.ts';

const TASK = 'conversational';

/** A conversation: its messages in order, the last one an answer. */
export interface Conversation extends TaskRow {
  messages: Message[];
  /** What the assistant may call. */
  tools?: unknown[];
}

/** What it is told apart by. */
export const textOf = ({ messages }: Pick<Conversation, 'messages'>): string =>
  messages
    .map(({ role, content, tool_calls }) => {
      const said = [content, ...(tool_calls ?? []).map((call) => JSON.stringify(call.function))];
      return `${role}: ${said.filter((part) => part !== '').join('\n')}`;
    })
    .join('\n');

/** Which columns hold conversations, and why. */
export interface Layout {
  columns: Columns;
  reason: string;
}

/**
 * A column of messages (OpenAI's and ShareGPT's JSON Lines), or columns with an instruction, its input and the answer
 * (Alpaca).
 * @throws LuthierError `data-invalid` where a table has neither
 */
export function layoutOf(table: Table, given: Columns): Layout {
  const named = (name: keyof Columns) => columnNamed(table, fieldOf('conversational', name), given);
  const [messages, system, tools] = [named('messages'), named('system'), named('tools')];
  const group = given.group !== undefined && { group: given.group };
  const wantsPrompt = given.messages === undefined && (given.prompt ?? given.completion) !== undefined;
  const isList =
    messages &&
    (given.messages !== undefined ||
      table.nested.has(messages.name) ||
      listIn(table.rows.at(0)?.value(messages.index)) !== null);
  if (messages && isList && !wantsPrompt) {
    return {
      columns: {
        ...{ messages: messages.name },
        ...(system && { system: system.name }),
        ...(tools && { tools: tools.name }),
        ...group,
      },
      reason: `Conversations are in “${messages.name}” (${messages.why})${system ? `, system messages in “${system.name}”` : ''}${tools ? `, tools in “${tools.name}”` : ''}.`,
    };
  }
  const [prompt, input, completion] = [named('prompt'), named('input'), named('completion')];
  if (!prompt || !completion) {
    throw lacksColumns(
      table,
      TASK,
      'conversations',
      `a list of messages (${listed(FIELDS.conversational[0]!.usual.slice(0, 3).map(quoted), 'or')}), or a prompt and its answer (“instruction” and “output”)`,
    );
  }
  const parts = [
    `the prompt is “${prompt.name}” (${prompt.why})`,
    ...(input ? [`below it stands “${input.name}” (${input.why})`] : []),
    `the answer is “${completion.name}” (${completion.why})`,
    ...(system ? [`the system message is “${system.name}”`] : []),
  ];
  return {
    columns: {
      ...{ prompt: prompt.name, completion: completion.name },
      ...(input && { input: input.name }),
      ...(system && { system: system.name }),
      ...group,
    },
    reason: `Each row is a question with its answer: ${listed(parts)}.`,
  };
}

/** The conversations of a table. What cannot be learnt from is left out, counted and told. */
export function conversationsIn(
  table: Table,
  columns: Columns,
  { file, problems, names = namesOf(table, columns, TASK) }: ReadRowsOptions,
): Written<Conversation>[] {
  const read =
    columns.messages === undefined ? fromInstructions(table, columns, problems) : fromMessages(table, columns);
  const tools = columns.messages === undefined ? undefined : foundIn(table, 'tools', columns);
  const groupOf = groupIn(table, columns);
  const conversations: Written<Conversation>[] = [];
  for (const row of table.rows) {
    const tell = (code: TurnProblem, detail = '') => {
      const { severity, describe } = TURN_PROBLEMS[code];
      problems.occurrence({ severity, code, key: detail }, row.line, (where, count) => describe(where, count, detail));
    };
    const written = read(row, tell);
    const messages = written && readMessages(written, tell);
    if (!messages) continue;
    conversations.push({
      ...{ id: names.of(row), file: row.file ?? file, line: row.line, messages },
      ...toolsOf(tools, row),
      ...groupOf(row),
    });
  }
  const total = table.rows.length;
  if (conversations.length < total) {
    const used = `${conversations.length} of ${counted(total, 'conversation')} can be learnt from.`;
    problems.add(conversations.length === 0 ? 'error' : 'info', 'rows-used', used);
  }
  return conversations;
}

/** Messages as a row has them; null where it has none, which has been told. */
type Read = (row: TableRow, tell: (code: TurnProblem, detail?: string) => void) => unknown[] | null;

const foundIn = (table: Table, name: keyof Columns, columns: Columns): Found | undefined =>
  columns[name] === undefined ? undefined : columnNamed(table, fieldOf('conversational', name), columns);

const systemOf = (column: Found | undefined, row: TableRow): unknown[] => {
  const text = column && row.value(column.index);
  return isEmpty(text) ? [] : [{ role: 'system', content: text }];
};

function toolsOf(column: Found | undefined, row: TableRow): Pick<Conversation, 'tools'> {
  const tools = column && listIn(row.json(column.index) ?? row.value(column.index));
  return tools && tools.length > 0 ? { tools } : {};
}

function fromMessages(table: Table, columns: Columns): Read {
  const messages = foundIn(table, 'messages', columns)!;
  const system = foundIn(table, 'system', columns);
  return (row, tell) => {
    const list = listIn(row.json(messages.index) ?? row.value(messages.index));
    if (list === null) tell('not-messages', messages.name);
    return list && [...systemOf(system, row), ...list];
  };
}

function fromInstructions(table: Table, columns: Columns, problems: Problems): Read {
  const [prompt, completion] = [foundIn(table, 'prompt', columns)!, foundIn(table, 'completion', columns)!];
  const [input, system] = [foundIn(table, 'input', columns), foundIn(table, 'system', columns)];
  const leaveOut = (row: TableRow, { name }: Found, code: string, why: string) => {
    problems.occurrence(
      { severity: 'warning', code, column: name, key: why },
      row.line,
      (where, count) => `${counted(count, 'row')} ${count === 1 ? 'is' : 'are'} left out (${where}): “${name}” ${why}.`,
    );
    return null;
  };
  const text = (row: TableRow, column: Found): string | null => {
    const value = row.json(column.index);
    if (value === undefined) return row.value(column.index) ?? '';
    const what = Array.isArray(value) ? 'a list' : 'an object';
    return leaveOut(row, column, 'cell-not-text', `contains ${what}, not a text`);
  };
  return (row) => {
    const [asked, below, answer] = [text(row, prompt), input ? text(row, input) : '', text(row, completion)];
    if (asked === null || below === null || answer === null) return null;
    const user = [asked, below].filter((part) => part.trim() !== '').join('\n\n');
    if (user === '') return leaveOut(row, prompt, 'empty-cell', 'is empty');
    if (answer.trim() === '') return leaveOut(row, completion, 'empty-cell', 'is empty');
    return [...systemOf(system, row), { role: 'user', content: user }, { role: 'assistant', content: answer }];
  };
}

/** Conversations, as they are read, split and shown. */
export const CONVERSATIONS: RowKind<Conversation, Written<Conversation>> = {
  name: TASK,
  ...languageKind<Conversation>('conversation', textOf),
  layout: layoutOf,
  rows: async (table, columns, options) => conversationsIn(table, columns, options),
  stored: ({ messages, tools, group }) => ({
    messages,
    ...(tools && { tools }),
    ...(group !== undefined && { group }),
  }),
  recognises: ({ messages, prompt, completion }) =>
    messages !== undefined ||
    (prompt?.toLowerCase() === 'instruction' && ['output', 'response'].includes(completion!.toLowerCase())),
};
