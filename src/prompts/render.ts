import type { ChatMessage, PromptWarning } from '../protocol/index.ts';
import { evaluate, RenderError } from './jinja/evaluate.ts';
import type { Filters } from './jinja/filters.ts';
import { readSyntax, type Syntax, SyntaxFault } from './jinja/syntax.ts';
import { type Dict, dataValue, RenderFault, Thread, textOf, type Value } from './jinja/values.ts';
import { harmless, messagesOf, threadText } from './messages.ts';
import { parsePrompt } from './parse.ts';
import { lineAt } from './places.ts';
import type { PromptFile, Range } from './prompt-file.ts';
import { bodySource, IncludeFault, type ReadIncluded } from './source.ts';
import type { Traced } from './traced.ts';

/** A template that can be filled, as often as there are rows. */
export interface Template {
  file: PromptFile;
  text: string;
  source: Traced;
  syntax: Syntax;
}

/** Where a fault is: in the template's own text, or in a file that it takes in. */
interface FaultPlace extends Pick<PromptWarning, 'range' | 'line'> {
  /** As messages name it; null for the template. */
  file: string | null;
}

/** A template cannot be filled: what is wrong, and where in its text. */
export class PromptFault extends Error {
  /** In the template; null where it is in a file that it takes in. */
  readonly range: Range | null;
  /** 1-based line of that place. */
  readonly line: number | null;
  /** The file that it takes in, in which it is; null where it is in the template. */
  readonly file: string | null;

  constructor(message: string, place: FaultPlace) {
    super(message);
    this.file = place.file;
    this.range = place.range;
    this.line = place.line;
  }
}

export interface Filled {
  messages: ChatMessage[];
  /** Of a completion: the text as it is; null for a dialogue. */
  text: string | null;
  /** Names that have no value, once for each place. */
  undefinedNames: (PromptWarning & Pick<FaultPlace, 'file'> & { name: string })[];
}

/**
 * Reads a template with the files that it takes in.
 * @param path of the template
 * @throws PromptFault
 */
export function readPromptTemplate(
  text: string,
  { read, path, file = parsePrompt(text) }: { read: ReadIncluded; path?: string | undefined; file?: PromptFile },
): Template {
  try {
    const source = bodySource(text, file, read, path);
    try {
      return { file, text, source, syntax: readSyntax(source.text) };
    } catch (cause) {
      if (!(cause instanceof SyntaxFault)) throw cause;
      const place = placeOf({ text, source }, cause.range);
      throw new PromptFault(`${place.prefix}${cause.message}`, place);
    }
  } catch (cause) {
    if (!(cause instanceof IncludeFault)) throw cause;
    const { file, message, range } = cause;
    if (file !== null) throw new PromptFault(`${file}: ${message}`, { range: null, line: null, file });
    throw new PromptFault(message, { range, line: lineAt(text, range.start), file });
  }
}

/**
 * Fills a template. This is the one renderer: of try-out, training, evaluation and completion alike. Values are data:
 * braces in them stay braces, and no line in them opens a message.
 * @param truncate a text's first tokens, for `truncate_tokens(n)`; null where there is no model that has tokens
 * @throws PromptFault
 */
export function fillTemplate(
  template: Template,
  values: Readonly<Record<string, unknown>>,
  truncate: ((text: string, tokens: number) => string) | null,
): Filled {
  const { file, syntax } = template;
  const undefinedNames: Filled['undefinedNames'] = [];
  const told = new Set<string>();
  const onUndefined = (name: string, at: Range | undefined) => {
    const { prefix, range, line, file } = placeOf(template, at);
    const key = `${name} ${prefix} ${range?.start}`;
    if (told.has(key)) return;
    told.add(key);
    undefinedNames.push({ name, message: `${prefix}“${name}” has no value.`, range, line, file });
  };
  const filters: Filters = { truncate_tokens: (value, given) => truncateTokens(value, given.args, truncate) };
  try {
    const rendered = evaluate(syntax, {
      ...{ values: valuesOf(file, values), filters, onUndefined },
      known: new Set(file.inputs.map(({ name }) => name)),
    });
    if (file.model.api === 'chat')
      return { messages: messagesOf(rendered, file.generation), text: null, undefinedNames };
    return { messages: [{ role: 'user', content: rendered }], text: rendered, undefinedNames };
  } catch (cause) {
    if (!(cause instanceof RenderError)) throw cause;
    const place = placeOf(template, cause.range);
    throw new PromptFault(`${place.prefix}${cause.message}`, place);
  }
}

function truncateTokens(
  value: Value,
  [count]: Value[],
  truncate: ((text: string, tokens: number) => string) | null,
): Value {
  if (typeof count !== 'number' || count < 1) throw new RenderFault('truncate_tokens: a number of tokens is expected');
  const text = textOf(value);
  return truncate ? truncate(text, count) : text;
}

/** Values as the template has them. */
function valuesOf(file: PromptFile, values: Readonly<Record<string, unknown>>): Dict {
  const threads = new Set(file.inputs.flatMap(({ name, kind }) => (kind === 'thread' ? [name] : [])));
  return new Map(
    Object.entries(values).flatMap(([name, value]) => {
      if (value === undefined) return [];
      const made = dataValue(value, harmless);
      return [[name, threads.has(name) && Array.isArray(made) ? threadOf(made, value) : made] as [string, Value]];
    }),
  );
}

function threadOf(items: Value[], data: unknown): Thread {
  const thread = new Thread();
  for (const item of items) thread.push(item);
  const messages = (data as unknown[]).flatMap((item) => {
    const { role, content } = (item ?? {}) as Record<string, unknown>;
    return typeof role === 'string' && typeof content === 'string'
      ? [{ role: harmless(role), content: harmless(content) }]
      : [];
  });
  thread.written = threadText(messages);
  return thread;
}

/** A place in the template's own text, or the name of the file that it is in. */
function placeOf(
  { text, source }: Pick<Template, 'text' | 'source'>,
  at: Range | undefined,
): FaultPlace & { prefix: string } {
  const origin = at ? source.originOf(at) : null;
  if (!origin) return { range: null, line: null, file: null, prefix: '' };
  const { file } = origin;
  if (file !== null) return { range: null, line: null, file, prefix: `${file}: ` };
  const range = { start: Math.min(origin.range.start, text.length), end: Math.min(origin.range.end, text.length) };
  return { range, line: lineAt(text, range.start), file, prefix: '' };
}
