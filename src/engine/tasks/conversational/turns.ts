import { counted, type DataProblem, type ToolCall } from '../../../protocol/index.ts';
import { nearest } from '../../../protocol/nearest.ts';
import { quoted } from '../../data/problems.ts';

/** One turn of a conversation. */
export interface Message {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
  tool_calls?: ToolCall[];
  tool_call_id?: string;
  /** False for an answer that is context alone: nothing of it is learnt. */
  learns?: false;
}

type Role = Message['role'];

/** What data call the roles: OpenAI's, ShareGPT's and others'. */
const ROLES: Readonly<Record<string, Role>> = {
  ...{ system: 'system', developer: 'system' },
  ...{ user: 'user', human: 'user', prompter: 'user', customer: 'user' },
  ...{ assistant: 'assistant', gpt: 'assistant', chatgpt: 'assistant', bot: 'assistant', model: 'assistant' },
  ...{ ai: 'assistant', agent: 'assistant', tool: 'tool' },
};

/** Roles by which other formats than OpenAI's call tools; they are not read. */
const OTHER_TOOLS = new Set(['function', 'function_call', 'tool_call', 'tool_response', 'observation', 'ipython']);

interface Kind {
  severity: DataProblem['severity'];
  /** @param where "line 5", "lines 5 and 9" @param detail what the row has in the wrong place */
  describe(where: string, count: number, detail: string): string;
}

const are = (count: number, what: string) => `${counted(count, 'conversation')} ${count === 1 ? 'is' : 'are'} ${what}`;
const leftOut = (count: number, where: string, why: string) => `${are(count, 'left out')} (${where}): ${why}`;

/** All that is told of turns; a warning leaves the conversation out where it says so. */
export const TURN_PROBLEMS = {
  'not-messages': {
    severity: 'warning',
    describe: (where, count, column) =>
      leftOut(count, where, `${quoted(column)} is not a list of messages, each with a role and a content.`),
  },
  'unknown-role': {
    severity: 'warning',
    describe: (where, count, role) => {
      const near = nearest(role.toLowerCase(), Object.keys(ROLES), Math.max(2, role.length / 3));
      return leftOut(
        count,
        where,
        role === ''
          ? 'a message has no role.'
          : `the role ${quoted(role)} is unknown${near === undefined ? '. Use system, user or assistant.' : `; did you mean “${near}”?`}`,
      );
    },
  },
  'tool-calls': {
    severity: 'warning',
    describe: (where, count) =>
      leftOut(
        count,
        where,
        'a tool call is not written as in OpenAI’s files: tool_calls with a function’s name and arguments in a message of the assistant, then a message of the role tool for each.',
      ),
  },
  'no-content': {
    severity: 'warning',
    describe: (where, count, role) =>
      leftOut(count, where, `a message of the ${role} has no text. Write its content, or delete the message.`),
  },
  'content-not-text': {
    severity: 'warning',
    describe: (where, count) =>
      leftOut(count, where, 'the content of a message is an object. Write the text as a string.'),
  },
  'other-parts': {
    severity: 'warning',
    describe: (where, count, kind) =>
      `${counted(count, 'message part')} of type ${quoted(kind)} ${count === 1 ? 'is' : 'are'} not read (${where}): the model reads text alone.`,
  },
  'joined-turns': {
    severity: 'info',
    describe: (where, count, role) =>
      `In ${counted(count, 'conversation')} (${where}), messages of the ${role} follow each other; they are joined into one.`,
  },
  'opening-answer': {
    severity: 'info',
    describe: (where, count) =>
      `${counted(count, 'conversation')} (${where}) ${count === 1 ? 'begins' : 'begin'} with the assistant: its first message is context and is not learnt.`,
  },
  'no-last-answer': {
    severity: 'info',
    describe: (where, count) =>
      `${counted(count, 'conversation')} (${where}) ${count === 1 ? 'ends' : 'end'} without an answer: the messages after the last one are left out.`,
  },
  'no-answer': {
    severity: 'warning',
    describe: (where, count) => leftOut(count, where, 'there is no answer of the assistant to learn.'),
  },
} as const satisfies Record<string, Kind>;

export type TurnProblem = keyof typeof TURN_PROBLEMS;

/** Hears what is odd about a conversation. */
export type Tell = (code: TurnProblem, detail?: string) => void;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A list, or a cell whose text is one. */
export function listIn(value: unknown): unknown[] | null {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'string' || !value.trimStart().startsWith('[')) return null;
  try {
    const read: unknown = JSON.parse(value);
    return Array.isArray(read) ? read : null;
  } catch {
    return null;
  }
}

/** The text of a message's content: a string, or the text parts of a list; undefined where there is none. */
function contentOf(content: unknown, tell: Tell): string | undefined | null {
  if (typeof content === 'string') return content;
  if (typeof content === 'number' || typeof content === 'boolean') return String(content);
  if (content === null || content === undefined) return undefined;
  if (!Array.isArray(content)) {
    tell('content-not-text');
    return null;
  }
  const texts = content.flatMap((part: unknown): string[] => {
    if (typeof part === 'string') return [part];
    if (isRecord(part) && typeof part.text === 'string') return [part.text];
    tell('other-parts', isRecord(part) ? String(part.type ?? 'unknown') : typeof part);
    return [];
  });
  return texts.length === 0 ? undefined : texts.join('\n');
}

/**
 * The messages of a conversation as OpenAI's files (`role`, `content`) or ShareGPT's (`from`, `value`) have them.
 * @returns null for one that cannot be learnt from; `tell` has heard why
 */
export function readMessages(list: readonly unknown[], tell: Tell): Message[] | null {
  const messages: Message[] = [];
  for (const entry of list) {
    const message = readMessage(entry, tell);
    if (message === null) return null;
    // A system message that says nothing is none.
    if (message !== undefined) messages.push(message);
  }
  return learnable(messages, tell);
}

/** Undefined for an empty system message, null where the conversation is to be left out. */
function readMessage(entry: unknown, tell: Tell): Message | undefined | null {
  if (!isRecord(entry)) {
    tell('not-messages', 'a message');
    return null;
  }
  const written = String(entry.role ?? entry.from ?? '').trim();
  const calls = callsIn(entry.tool_calls);
  if (OTHER_TOOLS.has(written.toLowerCase()) || isRecord(entry.function_call) || calls === null) {
    tell('tool-calls');
    return null;
  }
  const role = Object.hasOwn(ROLES, written.toLowerCase()) ? ROLES[written.toLowerCase()]! : undefined;
  if (role === undefined) {
    tell('unknown-role', written);
    return null;
  }
  const content = contentOf('content' in entry ? entry.content : (entry.value ?? entry.text), tell);
  if (content === null) return null;
  const more = {
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(role === 'tool' && typeof entry.tool_call_id === 'string' && { tool_call_id: entry.tool_call_id }),
  };
  if (calls.length > 0 && role !== 'assistant') {
    tell('tool-calls');
    return null;
  }
  // Who calls a tool need not say anything, and a tool may give nothing back.
  if ((content === undefined || content.trim() === '') && role !== 'tool' && calls.length === 0) {
    if (role === 'system') return undefined;
    tell('no-content', role);
    return null;
  }
  // OpenAI's fine-tuning files: an answer of weight 0 is not learnt.
  const isContext = role === 'assistant' && String(entry.weight ?? 1) === '0';
  return { role, content: content ?? '', ...more, ...(isContext && { learns: false }) };
}

/** Calls of tools, none where there is no list of them; null for a list that has something else. */
function callsIn(value: unknown): ToolCall[] | null {
  const calls: ToolCall[] = [];
  for (const entry of listIn(value) ?? []) {
    const called = isRecord(entry) && isRecord(entry.function) ? entry.function : entry;
    if (!isRecord(called) || typeof called.name !== 'string' || called.name === '') return null;
    const given = argumentsOf(called.arguments);
    if (given === null) return null;
    const id = (entry as { id?: unknown }).id;
    calls.push({
      ...(typeof id === 'string' && { id }),
      ...{ type: 'function', function: { name: called.name, arguments: given } },
    });
  }
  return calls;
}

/** OpenAI's files have them as a text of JSON, others as an object. */
function argumentsOf(value: unknown): Record<string, unknown> | null {
  if (value === undefined || value === null || value === '') return {};
  if (typeof value !== 'string') return isRecord(value) ? value : null;
  try {
    const read: unknown = JSON.parse(value);
    return isRecord(read) ? read : null;
  } catch {
    return null;
  }
}

/** Messages in turns: those that follow each other joined, what nobody answers left out, or null without an answer. */
function learnable(messages: readonly Message[], tell: Tell): Message[] | null {
  const turns: Message[] = [];
  // What a tool gives back answers a call.
  if (messages.some(({ role }, i) => role === 'tool' && !messages.slice(0, i).some((one) => one.tool_calls))) {
    tell('tool-calls');
    return null;
  }
  const joined = new Set<Role>();
  for (const message of messages) {
    const last = turns.at(-1);
    const isCall = (turn: Message) => turn.role === 'tool' || turn.tool_calls !== undefined;
    if (last?.role !== message.role || last.learns !== message.learns || isCall(last) || isCall(message)) {
      turns.push({ ...message });
      continue;
    }
    last.content += `\n\n${message.content}`;
    joined.add(message.role);
  }
  for (const role of joined) tell('joined-turns', role);
  const firstUser = turns.findIndex(({ role }) => role === 'user');
  const opening = turns.filter(({ role, learns }, i) => role === 'assistant' && learns !== false && i < firstUser);
  for (const turn of opening) turn.learns = false;
  if (opening.length > 0) tell('opening-answer');
  const last = turns.findLastIndex(({ role, learns }) => role === 'assistant' && learns !== false);
  if (last < 0) {
    tell('no-answer');
    return null;
  }
  if (last < turns.length - 1) tell('no-last-answer');
  return turns.slice(0, last + 1);
}
