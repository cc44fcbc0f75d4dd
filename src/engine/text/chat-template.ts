import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { type ChatMessage, LuthierError, type Tools } from '../../protocol/index.ts';
import { OutOfTime, withTimeLimit } from './time-limit.ts';
import type { Tokenizer } from './tokenizer.ts';
import { type CallFormat, callFormatOf, PROBE, PROBE_TOOL } from './tool-calls.ts';

export type { ChatMessage };

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

/** A dialogue as a model learns it. */
export interface EncodedChat {
  text: string;
  ids: Int32Array;
  /** The assistant's turns among the ids. */
  turns: AnswerSpan[];
  /** The same in the text, in UTF-16 units. */
  places: AnswerSpan[];
  /** What should be said of how the template was understood; empty where it is as usual. */
  notes: string[];
}

const START = '<|im_start|>';
const END = '<|im_end|>';
/** ChatML, for models that bring no template. */
const chatML = (bos: string, end: string) =>
  `{{ ${JSON.stringify(bos)} }}{% for message in messages %}{{ '${START}' + message['role'] + '\\n' + message['content'] + ${JSON.stringify(end)} + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '${START}assistant\\n' }}{% endif %}`;

/** What a rendering may take, and more for each character of the messages: a hundred times what it needs. */
const RENDER_MS = 1_000;
const CHARACTER_MS = 0.02;
const NO_TOOLS =
  'Choose a base model whose template knows tools (Qwen 2.5, Qwen 3, Llama 3.1), or leave such conversations out.';
const REWRITTEN =
  'The chat template writes an answer otherwise once the dialogue goes on; each is learnt as it stands in the whole dialogue.';
/** The longest list and text that a template may make on its way. */
const MAX_ITEMS = 1_000_000;
const MAX_LENGTH = 2 ** 24;
/** In training a template is told this date (Llama's templates have it where none is told): a run can be repeated. */
const TRAINING_DATE = new Date(2024, 6, 26);

/** Behind the answer of a tool, with the number of its message. */
const ANSWERED = ' luthier-tool-answer-';

/** Stand in a rendering where `{% generation %}` and `{% endgeneration %}` stood; no characters of any text. */
const [OPENED, CLOSED] = ['\uFDD0', '\uFDD1'];
/** The tags with the white space that jinja's trim_blocks, lstrip_blocks and `-` take with them. */
const GENERATION = /(?:\s*\{%-|^[ \t]*\{%|\{%)\s*(end)?generation\s*(?:-%\}\s*|%\}\n?)/gm;

/**
 * A model's chat template: dialogue to text and ids, as transformers' `apply_chat_template` makes them. Templates come
 * from outside: they run in an interpreter that has no way to the machine, within limits of time and size.
 */
export class ChatTemplate {
  /** The file that it is from; null for ChatML, which is used where a model has none. */
  readonly file: string | null;
  readonly source: string;
  readonly #tokenizer: Tokenizer;
  readonly #program: ReturnType<typeof parse>;
  readonly #marksAnswers: boolean;
  #callFormat: CallFormat | null | undefined;

  /** @throws LuthierError `tokenizer-invalid` naming the file whose template cannot be read */
  constructor(tokenizer: Tokenizer) {
    const own = tokenizer.chatTemplate;
    this.#tokenizer = tokenizer;
    this.file = own?.file ?? null;
    this.source = own?.text ?? defaultTemplate(tokenizer);
    const { marked, program } = this.#guard([], () =>
      withTimeLimit(this.#limit([]), () => {
        const marked = this.source.replace(GENERATION, (_, end) => (end ? CLOSED : OPENED));
        return { marked, program: parse(tokenize(marked, { lstrip_blocks: true, trim_blocks: true })) };
      }),
    );
    this.#program = program;
    this.#marksAnswers = marked.includes(OPENED);
  }

  /** What to say where a model brings no template of its own; null where it does. */
  get note(): string | null {
    return this.file === null ? 'The model has no chat template, so ChatML is used.' : null;
  }

  /**
   * The text of a dialogue.
   * @param forAnswer the assistant is to speak next (`add_generation_prompt`)
   * @throws LuthierError `tokenizer-invalid` naming the template's file and the message at which it failed
   */
  render(
    messages: readonly ChatMessage[],
    {
      forAnswer = false,
      date = new Date(),
      tools,
    }: { forAnswer?: boolean; date?: Date; tools?: Tools | undefined } = {},
  ): string {
    return unmarked(this.#guard(messages, () => this.#run(messages, forAnswer, date, tools)));
  }

  /**
   * Ids of a dialogue that the assistant continues. The template alone says which special tokens there are.
   * @throws LuthierError as render, and where the template does not write the tools, the calls of them or the answers
   */
  prompt(messages: readonly ChatMessage[], tools?: Tools): Int32Array {
    if (tools || messages.some(({ role, tool_calls }) => role === 'tool' || tool_calls))
      this.#guard(messages, () =>
        this.#requireTools(this.#run(messages, false, TRAINING_DATE, tools), messages, tools),
      );
    return this.#tokenizer.encodeBare(this.render(messages, { forAnswer: true, tools })).ids;
  }

  /**
   * Ids of a dialogue, and which of them are the assistant's: what `{% generation %}` encloses where the template has
   * it, else what a turn adds to the dialogue before it.
   * @param tools that the assistant may call, as OpenAI's files have them
   * @throws LuthierError as render, where a turn looks otherwise once the dialogue goes on, and where the template does
   * not write tools or calls of them
   */
  encode(messages: readonly ChatMessage[], tools?: Tools): EncodedChat {
    const answers = messages.flatMap(({ role }, i) => (role === 'assistant' ? [i] : []));
    const rendered = this.#guard(messages, () => {
      const whole = this.#run(messages, false, TRAINING_DATE, tools);
      this.#requireTools(whole, messages, tools);
      return this.#marksAnswers ? this.#marked(whole, answers) : this.#added(whole, messages, answers, tools);
    });
    const { ids, offsets } = this.#tokenizer.encodeBare(rendered.text);
    const turns = rendered.places.map(({ start, end, message }) => {
      const turn = { ...tokensIn(offsets, start, end), message };
      return this.#marksAnswers ? turn : this.#untilEnd(ids, turn);
    });
    return { ...rendered, ids, turns };
  }

  /** Ids of the special tokens that end an assistant's turn. */
  turnEnds(): number[] {
    const { ids, turns } = this.encode([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
    ]);
    const { start, end } = turns[0] ?? { start: 0, end: 0 };
    return [...ids.subarray(start, end)].filter((id) => this.#tokenizer.isSpecial(id));
  }

  /** How calls stand in an answer; null where the template writes none, or not as JSON. */
  get callFormat(): CallFormat | null {
    if (this.#callFormat === undefined) this.#callFormat = this.#readCallFormat();
    return this.#callFormat;
  }

  #readCallFormat(): CallFormat | null {
    // Some write calls without writing what may be called.
    for (const tools of [[PROBE_TOOL], undefined]) {
      try {
        const said = (message: ChatMessage) => {
          const { ids, turns } = this.encode([{ role: 'user', content: 'a' }, message], tools);
          return this.#tokenizer.decode(ids.subarray(turns[0]!.start, turns[0]!.end));
        };
        const call = said({ role: 'assistant', content: '', tool_calls: [PROBE] });
        // What stands in front of every answer, as the place for thoughts, is no part of a call.
        const plain = said({ role: 'assistant', content: PROBE.function.name });
        const lead = plain.slice(0, Math.max(0, plain.indexOf(PROBE.function.name)));
        return callFormatOf(call.startsWith(lead) ? call.slice(lead.length) : call);
      } catch (error) {
        if (!(error instanceof LuthierError)) throw error;
      }
    }
    return null;
  }

  /** A template that does not know tools passes over them without a word. */
  #requireTools(whole: string, messages: readonly ChatMessage[], tools: Tools | undefined): void {
    const names = messages.flatMap(({ tool_calls = [] }) => tool_calls.map((call) => call.function.name));
    const isMissing = (name: string) => !whole.includes(name);
    if (tools !== undefined) {
      const without = this.#run(messages, false, TRAINING_DATE);
      if (without === whole) throw this.#invalid('does not write the tools that may be called', NO_TOOLS);
    }
    if (names.some(isMissing)) throw this.#invalid('does not write the tools that are called', NO_TOOLS);
    if (!messages.some(({ role }) => role === 'tool')) return;
    // An answer may be written in any way, and may be empty: what is put behind it is looked for.
    const marked = messages.map((message, i) =>
      message.role === 'tool' ? { ...message, content: `${message.content}${ANSWERED}${i}.` } : message,
    );
    const written = this.#run(marked, false, TRAINING_DATE, tools);
    if (marked.some(({ role }, i) => role === 'tool' && !written.includes(`${ANSWERED}${i}.`)))
      throw this.#invalid('does not write what tools answer', NO_TOOLS);
  }

  #marked(marked: string, answers: readonly number[]): Omit<EncodedChat, 'ids' | 'turns'> {
    const spans: Span[] = [];
    let text = '';
    for (const part of marked.split(new RegExp(`(?=[${OPENED}${CLOSED}])`))) {
      if (part.startsWith(OPENED!)) spans.push({ start: text.length, end: text.length });
      else if (part.startsWith(CLOSED!) && spans.length > 0) spans.at(-1)!.end = text.length;
      text += unmarked(part);
    }
    if (spans.length !== answers.length) {
      throw this.#invalid(
        `marks ${spans.length} answers of the assistant where the dialogue has ${answers.length}`,
        'Correct its {% generation %} tags, or remove them: the answers are then found without.',
      );
    }
    return { text, places: spans.map((span, i) => ({ ...span, message: answers[i]! })), notes: [] };
  }

  #added(
    whole: string,
    messages: readonly ChatMessage[],
    answers: readonly number[],
    tools: Tools | undefined,
  ): Omit<EncodedChat, 'ids' | 'turns'> {
    const notes = new Set<string>();
    const until = (count: number, forAnswer: boolean) =>
      count === messages.length && !forAnswer
        ? whole
        : this.#run(messages.slice(0, count), forAnswer, TRAINING_DATE, tools);
    const places = answers.map((message) => {
      const [before, asked, after] = [until(message, false), until(message, true), until(message + 1, false)];
      if (!whole.startsWith(after) || !after.startsWith(before)) {
        const cue = asked.startsWith(before) ? asked.slice(before.length) : '';
        const place = this.#found(whole, messages, message, cue, tools);
        if (place) {
          notes.add(REWRITTEN);
          return place;
        }
        throw this.#invalid(
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
  #found(
    whole: string,
    messages: readonly ChatMessage[],
    message: number,
    cue: string,
    tools: Tools | undefined,
  ): AnswerSpan | null {
    const written = (all: readonly ChatMessage[], more?: Tools) => this.#run(all, false, TRAINING_DATE, more);
    const marked = written(
      messages.map((each, i) => (i === message ? endMarked(each) : each)),
      tools,
    );
    const at = marked.indexOf(CLOSED!);
    const { content, tool_calls } = messages[message]!;
    const said = tool_calls?.at(-1)?.function.name ?? content.trim();
    if (at !== marked.lastIndexOf(CLOSED!) || unmarked(marked) !== whole || !whole.slice(0, at).endsWith(said))
      return null;
    const short = written([
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

  /** Without the white space that a template writes behind the token that ends a turn: the model never writes it. */
  #untilEnd(ids: Int32Array, turn: AnswerSpan): AnswerSpan {
    let { end } = turn;
    while (end > turn.start && !this.#tokenizer.isSpecial(ids[end - 1]!)) {
      if (this.#tokenizer.decode([ids[end - 1]!]).trim() !== '') return turn;
      end--;
    }
    return end > turn.start ? { ...turn, end } : turn;
  }

  #run(messages: readonly ChatMessage[], forAnswer: boolean, date: Date, tools?: Tools): string {
    const environment = new Environment();
    const globals = {
      ...{ true: true, True: true, false: false, False: false, none: null, None: null },
      range: boundedRange,
      strftime_now: (format: string) => strftime(date, format),
      raise_exception: (message: string) => {
        throw new Error(message);
      },
      ...Object.fromEntries(this.#tokenizer.specialTokens),
      messages,
      add_generation_prompt: forAnswer,
      ...(tools && { tools }),
    };
    for (const [name, value] of Object.entries(globals)) environment.set(name, value);
    const run = () => new BoundedInterpreter(environment).run(this.#program) as { value: string };
    // Finding the answers of a dialogue takes several renderings: each has the time of one.
    return withTimeLimit(this.#limit(messages), run).value;
  }

  #limit(messages: readonly ChatMessage[]): number {
    const lengthOf = ({ content, tool_calls }: ChatMessage) =>
      content.length + (tool_calls ? JSON.stringify(tool_calls).length : 0);
    const characters = messages.reduce((n, message) => n + lengthOf(message), this.source.length);
    return RENDER_MS + characters * CHARACTER_MS;
  }

  /** Errors of what a template asks for name the file, and the message at fault. */
  #guard<T>(messages: readonly ChatMessage[], work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof LuthierError) throw error;
      if (error instanceof OutOfTime)
        throw this.#invalid(`takes more than ${(error.milliseconds / 1000).toFixed(0)} s`, undefined, error);
      const at = this.#failsAt(messages);
      const where = at === null ? '' : ` at message ${at + 1} (role “${messages[at]!.role}”)`;
      throw this.#invalid(`fails${where}: ${String((error as Error).message).slice(0, 300)}`, undefined, error);
    }
  }

  /** The first message with which a dialogue cannot be rendered. */
  #failsAt(messages: readonly ChatMessage[]): number | null {
    for (const i of messages.keys()) {
      try {
        this.#run(messages.slice(0, i + 1), false, TRAINING_DATE);
      } catch {
        return i;
      }
    }
    return null;
  }

  #invalid(what: string, hint?: string, cause?: unknown): LuthierError {
    return new LuthierError(
      'tokenizer-invalid',
      `${this.file ?? 'ChatML'}: the chat template ${what}.`,
      hint ?? 'Change the messages as the template wants them, or correct the template.',
      { cause },
    );
  }
}

/** A turn ends with the vocabulary's own end of a turn, or with the end of all text: one token that a model can learn. */
function defaultTemplate(tokenizer: Tokenizer): string {
  const special = tokenizer.specialTokens;
  const end = tokenizer.idOf(END) === null ? (special.get('eos_token') ?? END) : END;
  const bos = tokenizer.addedBos !== null ? (special.get('bos_token') ?? '') : '';
  return chatML(bos, end);
}

/** Refuses values that only a template gone wrong makes, before they fill the memory. */
class BoundedInterpreter extends Interpreter {
  override evaluate(...args: Parameters<Interpreter['evaluate']>): ReturnType<Interpreter['evaluate']> {
    const result = super.evaluate(...args);
    const { value } = result;
    if (typeof value === 'string' ? value.length > MAX_LENGTH : Array.isArray(value) && value.length > MAX_ITEMS)
      throw new Error('it makes a text or a list without end');
    return result;
  }
}

function boundedRange(first: number, last?: number, step = 1): number[] {
  const [start, stop] = last === undefined ? [0, first] : [first, last];
  if (step === 0) throw new Error('range() step must not be zero');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= MAX_ITEMS)) throw new Error(`range() of ${length} numbers`);
  return Array.from({ length }, (_, i) => start + i * step);
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** Python's strftime in the C locale: the directives that templates use. */
function strftime(date: Date, format: string): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const month = MONTHS[date.getMonth()]!;
  const parts: Record<string, string> = {
    ...{ Y: String(date.getFullYear()), m: two(date.getMonth() + 1), d: two(date.getDate()) },
    ...{ B: month, b: month.slice(0, 3), H: two(date.getHours()), M: two(date.getMinutes()), '%': '%' },
  };
  return format.replace(/%([A-Za-z%])/g, (directive, letter: string) => parts[letter] ?? directive);
}

const unmarked = (text: string): string => text.replaceAll(OPENED!, '').replaceAll(CLOSED!, '');

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

/** Tokens that a part of the text lies in, as transformers counts them (`char_to_token`). */
function tokensIn(offsets: ArrayLike<number>, start: number, end: number): Span {
  const count = offsets.length / 2;
  let first = 0;
  while (first < count && offsets[2 * first + 1]! <= start) first++;
  let last = first;
  while (last < count && offsets[2 * last]! < end) last++;
  return { start: first, end: last };
}
