import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import type { ChatMessage, Tools } from '../../protocol/index.ts';
import { withTimeLimit } from './time-limit.ts';

/** What a rendering may take, and more for each character of the messages: a hundred times what it needs. */
const RENDER_MS = 1_000;
const CHARACTER_MS = 0.02;
/** The longest list and text that a template may make on its way. */
const MAX_ITEMS = 1_000_000;
const MAX_LENGTH = 2 ** 24;
/** In training a template is told this date (Llama's templates have it where none is told): a run can be repeated. */
const TRAINING_DATE = new Date(2024, 6, 26);

/** Stand in a rendering where `{% generation %}` and `{% endgeneration %}` stood; no characters of any text. */
export const [OPENED, CLOSED] = ['\uFDD0', '\uFDD1'];
/** The tags with the white space that jinja's trim_blocks, lstrip_blocks and `-` take with them. */
const GENERATION = /(?:\s*\{%-|^[ \t]*\{%|\{%)\s*(end)?generation\s*(?:-%\}\s*|%\}\n?)/gm;

export const unmarked = (text: string): string => text.replaceAll(OPENED!, '').replaceAll(CLOSED!, '');

export interface RunOptions {
  /** The assistant is to speak next (`add_generation_prompt`). */
  forAnswer?: boolean;
  /** Today, for the template; in training always the same. */
  date?: Date;
  tools?: Tools | undefined;
}

/**
 * A chat template as a program. It comes from outside: it runs in an interpreter that has no way to the machine, within
 * limits of time and size.
 */
export class ChatProgram {
  readonly source: string;
  /** Whether it says itself which parts are the assistant's. */
  readonly marksAnswers: boolean;
  readonly #specialTokens: ReadonlyMap<string, string>;
  readonly #program: ReturnType<typeof parse>;

  /** @throws OutOfTime; whatever the parser throws where it cannot be read */
  constructor(source: string, specialTokens: ReadonlyMap<string, string>) {
    this.source = source;
    this.#specialTokens = specialTokens;
    const { marked, program } = withTimeLimit(this.#limit([]), () => {
      const marked = source.replace(GENERATION, (_, end) => (end ? CLOSED : OPENED));
      return { marked, program: parse(tokenize(marked, { lstrip_blocks: true, trim_blocks: true })) };
    });
    this.#program = program;
    this.marksAnswers = marked.includes(OPENED!);
  }

  /**
   * The text of a dialogue, with OPENED and CLOSED around what the template says is the assistant's.
   * @throws OutOfTime; whatever the template, or the interpreter, throws
   */
  run(messages: readonly ChatMessage[], { forAnswer = false, date = TRAINING_DATE, tools }: RunOptions = {}): string {
    const environment = new Environment();
    const globals = {
      ...{ true: true, True: true, false: false, False: false, none: null, None: null },
      range: boundedRange,
      strftime_now: (format: string) => strftime(date, format),
      raise_exception: (message: string) => {
        throw new Error(message);
      },
      ...Object.fromEntries(this.#specialTokens),
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
