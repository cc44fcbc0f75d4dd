import { type ChatMessage, LuthierError, type Tools } from '../../protocol/index.ts';
import { type AnswerSpan, type Answers, addedAnswers, markedAnswers, type Span } from './answer-places.ts';
import { ChatProgram, unmarked } from './chat-program.ts';
import { OutOfTime } from './time-limit.ts';
import type { Tokenizer } from './tokenizer.ts';
import { type CallFormat, callFormatOf, PROBE, PROBE_TOOL } from './tool-calls.ts';

export type { ChatMessage };

/** A dialogue as a model learns it. */
export interface EncodedChat extends Answers {
  ids: Int32Array;
  /** The assistant's turns among the ids. */
  turns: AnswerSpan[];
}

const START = '<|im_start|>';
const END = '<|im_end|>';
/** ChatML, for models that bring no template. */
const chatML = (bos: string, end: string) =>
  `{{ ${JSON.stringify(bos)} }}{% for message in messages %}{{ '${START}' + message['role'] + '\\n' + message['content'] + ${JSON.stringify(end)} + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '${START}assistant\\n' }}{% endif %}`;

const NO_TOOLS =
  'Choose a base model whose template knows tools (Qwen 2.5, Qwen 3, Llama 3.1), or leave such conversations out.';
/** Behind the answer of a tool, with the number of its message. */
const ANSWERED = ' luthier-tool-answer-';

/**
 * A model's chat template: dialogue to text and ids, as transformers' `apply_chat_template` makes them. Templates come
 * from outside, and run within limits (chat-program.ts).
 */
export class ChatTemplate {
  /** The file that it is from; null for ChatML, which is used where a model has none. */
  readonly file: string | null;
  readonly source: string;
  readonly #tokenizer: Tokenizer;
  readonly #program: ChatProgram;
  #callFormat: CallFormat | null | undefined;

  /** @throws LuthierError `tokenizer-invalid` naming the file whose template cannot be read */
  constructor(tokenizer: Tokenizer) {
    const own = tokenizer.chatTemplate;
    this.#tokenizer = tokenizer;
    this.file = own?.file ?? null;
    this.source = own?.text ?? defaultTemplate(tokenizer);
    this.#program = this.#guard([], () => new ChatProgram(this.source, tokenizer.specialTokens));
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
    return unmarked(this.#guard(messages, () => this.#program.run(messages, { forAnswer, date, tools })));
  }

  /**
   * Ids of a dialogue that the assistant continues. The template alone says which special tokens there are.
   * @throws LuthierError as render, and where the template does not write the tools, the calls of them or the answers
   */
  prompt(messages: readonly ChatMessage[], tools?: Tools): Int32Array {
    if (tools || messages.some(({ role, tool_calls }) => role === 'tool' || tool_calls))
      this.#guard(messages, () => this.#requireTools(this.#program.run(messages, { tools }), messages, tools));
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
    const writer = {
      run: this.#program.run.bind(this.#program),
      invalid: (what: string, hint: string) => this.#invalid(what, hint),
    };
    const { marksAnswers } = this.#program;
    const rendered = this.#guard(messages, () => {
      const whole = this.#program.run(messages, { tools });
      this.#requireTools(whole, messages, tools);
      return marksAnswers
        ? markedAnswers(whole, answers, writer)
        : addedAnswers(whole, { messages, tools }, answers, writer);
    });
    const { ids, offsets } = this.#tokenizer.encodeBare(rendered.text);
    const turns = rendered.places.map(({ start, end, message }) => {
      const turn = { ...tokensIn(offsets, start, end), message };
      return marksAnswers ? turn : this.#untilEnd(ids, turn);
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
      const without = this.#program.run(messages);
      if (without === whole) throw this.#invalid('does not write the tools that may be called', NO_TOOLS);
    }
    if (names.some(isMissing)) throw this.#invalid('does not write the tools that are called', NO_TOOLS);
    if (!messages.some(({ role }) => role === 'tool')) return;
    // An answer may be written in any way, and may be empty: what is put behind it is looked for.
    const marked = messages.map((message, i) =>
      message.role === 'tool' ? { ...message, content: `${message.content}${ANSWERED}${i}.` } : message,
    );
    const written = this.#program.run(marked, { tools });
    if (marked.some(({ role }, i) => role === 'tool' && !written.includes(`${ANSWERED}${i}.`)))
      throw this.#invalid('does not write what tools answer', NO_TOOLS);
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
        this.#program.run(messages.slice(0, i + 1));
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

/** Tokens that a part of the text lies in, as transformers counts them (`char_to_token`). */
function tokensIn(offsets: ArrayLike<number>, start: number, end: number): Span {
  const count = offsets.length / 2;
  let first = 0;
  while (first < count && offsets[2 * first + 1]! <= start) first++;
  let last = first;
  while (last < count && offsets[2 * last]! < end) last++;
  return { start: first, end: last };
}
