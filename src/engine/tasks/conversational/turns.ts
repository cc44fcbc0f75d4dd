import { closest, distance } from 'fastest-levenshtein';
import { counted, type DataProblem } from '../../../protocol/index.ts';
import { quoted } from '../../data/problems.ts';

/** One turn of a conversation. */
export interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
  /** False for an answer that is context alone: nothing of it is learnt. */
  learns?: false;
}

type Role = Message['role'];

/** What data call the three roles: OpenAI's, ShareGPT's and others'. */
const ROLES: Readonly<Record<string, Role>> = {
  ...{ system: 'system', developer: 'system' },
  ...{ user: 'user', human: 'user', prompter: 'user', customer: 'user' },
  ...{ assistant: 'assistant', gpt: 'assistant', chatgpt: 'assistant', bot: 'assistant', model: 'assistant' },
  ...{ ai: 'assistant', agent: 'assistant' },
};

/** Roles of tools, which are not learnt yet. */
const TOOLS = new Set(['tool', 'function', 'function_call', 'tool_call', 'tool_response', 'observation', 'ipython']);

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
      const near = closest(role.toLowerCase(), Object.keys(ROLES));
      const isNear = role !== '' && distance(role.toLowerCase(), near) <= Math.max(2, role.length / 3);
      return leftOut(
        count,
        where,
        role === ''
          ? 'a message has no role.'
          : `the role ${quoted(role)} is unknown${isNear ? `; did you mean “${near}”?` : '. Use system, user or assistant.'}`,
      );
    },
  },
  'tool-calls': {
    severity: 'warning',
    describe: (where, count) => leftOut(count, where, 'they have tool calls, which Luthier does not train on yet.'),
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
  const calls = listIn(entry.tool_calls);
  if (TOOLS.has(written.toLowerCase()) || (calls && calls.length > 0) || isRecord(entry.function_call)) {
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
  if (content === undefined || content.trim() === '') {
    if (role === 'system') return undefined;
    tell('no-content', role);
    return null;
  }
  // OpenAI's fine-tuning files: an answer of weight 0 is not learnt.
  const isContext = role === 'assistant' && String(entry.weight ?? 1) === '0';
  return isContext ? { role, content, learns: false } : { role, content };
}

/** Messages in turns: those that follow each other joined, what nobody answers left out, or null without an answer. */
function learnable(messages: readonly Message[], tell: Tell): Message[] | null {
  const turns: Message[] = [];
  const joined = new Set<Role>();
  for (const message of messages) {
    const last = turns.at(-1);
    if (last?.role !== message.role || last.learns !== message.learns) {
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
