// Which parts of a dialogue's text are the assistant's answers.
import type { ChatMessage, LuthierError, Tools } from '../../protocol/index.ts';
import { type ChatProgram, CLOSED, OPENED, unmarked } from './chat-program.ts';

/** Part of a text or of its tokens, `end` not included. */
export interface Span {
  start: number;
  end: number;
}

/** One of the assistant's turns: its answer and the token that ends it. */
export interface AnswerSpan extends Span {
  /** Number of its message. */
  message: number;
}

/** A dialogue's text, without marks. */
export interface Answers {
  text: string;
  /** The assistant's turns in it, in UTF-16 units. */
  places: AnswerSpan[];
  /** What should be said of how the template was understood; empty where it is as usual. */
  notes: string[];
}

/** What writes dialogues, and the error where it does not write them so that their answers can be told. */
interface Writer {
  run: ChatProgram['run'];
  invalid: (what: string, hint: string) => LuthierError;
}

interface Dialogue {
  messages: readonly ChatMessage[];
  tools: Tools | undefined;
}

const REWRITTEN =
  'The chat template writes an answer otherwise once the dialogue goes on; each is learnt as it stands in the whole dialogue.';

/**
 * Answers that the template itself marks.
 * @param marked the dialogue as its program writes it
 * @param answers numbers of their messages
 * @throws as `invalid` makes it, where others are marked
 */
export function markedAnswers(marked: string, answers: readonly number[], { invalid }: Writer): Answers {
  const spans: Span[] = [];
  let text = '';
  for (const part of marked.split(new RegExp(`(?=[${OPENED}${CLOSED}])`))) {
    if (part.startsWith(OPENED!)) spans.push({ start: text.length, end: text.length });
    else if (part.startsWith(CLOSED!) && spans.length > 0) spans.at(-1)!.end = text.length;
    text += unmarked(part);
  }
  if (spans.length !== answers.length) {
    throw invalid(
      `marks ${spans.length} answers of the assistant where the dialogue has ${answers.length}`,
      'Correct its {% generation %} tags, or remove them: the answers are then found without.',
    );
  }
  return { text, places: spans.map((span, i) => ({ ...span, message: answers[i]! })), notes: [] };
}

/**
 * Answers as what each turn adds to the dialogue before it.
 * @param whole the dialogue as its program writes it
 * @param answers numbers of their messages
 * @throws as `invalid` makes it, where a turn looks otherwise once the dialogue goes on, so that it cannot be told
 */
export function addedAnswers(
  whole: string,
  { messages, tools }: Dialogue,
  answers: readonly number[],
  { run, invalid }: Writer,
): Answers {
  const notes = new Set<string>();
  const until = (count: number, forAnswer: boolean) =>
    count === messages.length && !forAnswer ? whole : run(messages.slice(0, count), { forAnswer, tools });
  const places = answers.map((message) => {
    const [before, asked, after] = [until(message, false), until(message, true), until(message + 1, false)];
    if (!whole.startsWith(after) || !after.startsWith(before)) {
      const cue = asked.startsWith(before) ? asked.slice(before.length) : '';
      const place = foundAnswer(whole, { messages, tools }, message, cue, run);
      if (place) {
        notes.add(REWRITTEN);
        return place;
      }
      throw invalid(
        `writes the assistant’s turn in message ${message + 1} otherwise once more messages follow, so what to learn from it cannot be told`,
        'Mark the answers in the template with {% generation %} and {% endgeneration %}, or end each dialogue with its first answer.',
      );
    }
    const start = sharedLength(asked, after);
    if (start < asked.length && start >= before.length)
      notes.add(
        `The chat template asks for an answer with ${JSON.stringify(asked.slice(start))}, which it does not write before the answers of a dialogue.`,
      );
    return { start: Math.max(start, before.length), end: after.length, message };
  });
  return { text: whole, places, notes: [...notes] };
}

/**
 * Where an answer stands in a dialogue whose turns look otherwise as it goes on: Qwen 3 puts thoughts in front of the last
 * answers alone. It is marked at its end, and begins behind what asks for one.
 * @param cue what the template asks for an answer with
 * @returns null where it cannot be told, or the answer itself is written otherwise
 */
function foundAnswer(
  whole: string,
  { messages, tools }: Dialogue,
  message: number,
  cue: string,
  run: Writer['run'],
): AnswerSpan | null {
  const marked = run(
    messages.map((each, i) => (i === message ? endMarked(each) : each)),
    { tools },
  );
  const at = marked.indexOf(CLOSED!);
  const { content, tool_calls } = messages[message]!;
  const said = tool_calls?.at(-1)?.function.name ?? content.trim();
  if (at !== marked.lastIndexOf(CLOSED!) || unmarked(marked) !== whole || !whole.slice(0, at).endsWith(said))
    return null;
  const short = run([
    { role: 'user', content: 'a' },
    { role: 'assistant', content: `b${CLOSED}` },
  ]);
  const close = short.slice(short.indexOf(CLOSED!) + 1);
  const latest = at - said.length - cue.length;
  if (cue === '' || close === '' || latest < 0) return null;
  const [start, end] = [whole.lastIndexOf(cue, latest), whole.indexOf(close, at)];
  if (start < 0 || end < 0) return null;
  return { start: start + cue.length, end: end + close.length, message };
}

/** With a mark behind what an assistant says, or calls last. */
function endMarked(message: ChatMessage): ChatMessage {
  const { content, tool_calls: calls } = message;
  const last = calls?.at(-1);
  if (!calls || !last) {
    const { length } = content.trimEnd();
    return { ...message, content: content.slice(0, length) + CLOSED + content.slice(length) };
  }
  const called = { ...last.function, name: last.function.name + CLOSED };
  return { ...message, tool_calls: [...calls.slice(0, -1), { ...last, function: called }] };
}

function sharedLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
