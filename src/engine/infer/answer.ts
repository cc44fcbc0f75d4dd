import {
  type Answered,
  type ChatMessage,
  counted,
  type GeneratedText,
  LuthierError,
  type Tools,
  toolName,
} from '../../protocol/index.ts';
import { type RowText, valuesOfText } from '../prompts/row-template.ts';
import type { ChatTemplate } from '../text/chat-template.ts';
import { middlePrompt } from '../text/fill-in-the-middle.ts';
import { readCalls } from '../text/tool-calls.ts';
import { fitDialogue } from './dialogue.ts';
import type { Writer, WriterRequest } from './writer.ts';

export interface AnswerRequest extends Omit<WriterRequest, 'ends' | 'text'>, Pick<RowText, 'values'> {
  asTaught?: boolean;
  /** What stands behind a text: what belongs between the two is written. Both go in as they are. */
  suffix?: string | undefined;
  /** What the assistant of a dialogue may call. */
  tools?: Tools | undefined;
}

/**
 * Continues a text, or answers a dialogue by the model's chat template, the oldest turns left out where they do not fit.
 * @param request.asTaught a model that learned its rows through a template is asked through it: what is given is the
 *   value of its input, of a dialogue what is said first, or last where the model learned single texts
 * @param request.values what it gives the template, where it is a row of a table
 * @throws LuthierError as `write`, ChatTemplate, fitDialogue and fillIn
 */
export async function answer(
  writer: Writer,
  given: string | readonly ChatMessage[],
  { asTaught = false, values, suffix, tools, ...request }: AnswerRequest,
): Promise<Answered> {
  const { positions } = writer;
  const notes: string[] = [];
  const prompt =
    asTaught && suffix === undefined ? await rendered(writer, given, { notes, values, signal: request.signal }) : given;
  let left_out = 0;
  let read = typeof prompt === 'string' ? prompt : '';
  const isFilled = asTaught && suffix === undefined && writer.template !== undefined;
  const write = (): Promise<GeneratedText> => {
    if (suffix !== undefined) return fillIn(writer, textOf(given), suffix, request);
    if (typeof prompt === 'string') return writer.write(prompt, request).then((it) => ({ ...it, text: textOf(given) }));
    const { chat } = writer;
    const fitted = fitDialogue(chat, prompt, positions, request.settings.max_new_tokens, tools);
    left_out = fitted.leftOut;
    if (left_out > 0) notes.push(leftOutNote(left_out));
    if (isFilled) read = chat.render(fitted.read, { forAnswer: true, tools });
    return writer.write(fitted.ids, { ...request, ends: chat.turnEnds(), text: textOf(given) });
  };
  const written = await write();
  if (written.finish_reason === 'positions')
    notes.push(`The answer ends where the model’s ${positions} positions end.`);
  const calls =
    typeof prompt === 'string' || suffix !== undefined ? {} : callsIn(written, writer.chat, { tools, notes });
  return { ...written, left_out, notes, ...calls, ...(isFilled && { prompt: read }) };
}

/** The calls of an answer. @param notes gets what is odd about them */
function callsIn(
  { generated_text }: GeneratedText,
  { callFormat }: ChatTemplate,
  { tools, notes }: { tools: Tools | undefined; notes: string[] },
): Pick<Answered, 'tool_calls' | 'content'> {
  if (!callFormat) {
    if (tools)
      notes.push('How the chat template writes calls is not understood, so they are shown as they are written.');
    return {};
  }
  // Without anything around it, a call may be an answer in JSON.
  if (!tools && callFormat.open === '') return {};
  const { content, calls, problem } = readCalls(generated_text, callFormat);
  if (problem) notes.push(problem);
  const known = tools?.map(toolName);
  for (const name of new Set(calls.map((call) => call.function.name)))
    if (known && !known.includes(name)) notes.push(`“${name}” is none of the tools that were given.`);
  return calls.length === 0 ? {} : { tool_calls: calls, content };
}

/** @throws LuthierError `model-unsupported` where the model has no tokens for it; else as `write` */
async function fillIn(
  writer: Writer,
  before: string,
  after: string,
  request: Omit<WriterRequest, 'ends' | 'text'>,
): Promise<GeneratedText> {
  const { tokenizer, modelFolder } = writer;
  const prompt = middlePrompt(tokenizer, before, after);
  if (!prompt) {
    throw new LuthierError(
      'model-unsupported',
      `${modelFolder} cannot write what belongs between a text and its suffix: its tokenizer has no tokens for fill-in-the-middle, such as <|fim_prefix|>, <|fim_suffix|> and <|fim_middle|>.`,
      'Choose a model that was trained with them (Qwen2.5-Coder, CodeLlama), or leave out the suffix to continue the text.',
    );
  }
  // A token that is no special one stands in the decoded text, too, and no part of the answer is it.
  const visible = prompt.ends.filter((id) => !tokenizer.isSpecial(id)).map((id) => tokenizer.decode([id]));
  const settings = { ...request.settings, stop: [...(request.settings.stop ?? []), ...visible] };
  return writer.write(prompt.ids, { ...request, settings, ends: prompt.ends, text: before });
}

/** Said of a dialogue that is too long. */
export const leftOutNote = (count: number): string =>
  `The oldest ${counted(count, 'message')} no longer ${count === 1 ? 'fits and is' : 'fit and are'} left out.`;

/** What is asked, in a text. */
const textOf = (given: string | readonly ChatMessage[]): string =>
  typeof given === 'string' ? given : (given.at(-1)?.content ?? '');

/** Whether its template makes a text of each row, with no dialogue around it. */
export const learnedTexts = ({ template, task }: Pick<Writer, 'template' | 'task'>): boolean =>
  template?.file.model.api === 'completion' && task !== 'conversational';

/**
 * What is given as the model learned it.
 * @param notes gets what of it is left out
 * @throws LuthierError as valuesOfText and the template
 */
async function rendered(
  writer: Writer,
  given: string | readonly ChatMessage[],
  { notes, values, signal }: { notes: string[] } & Pick<AnswerRequest, 'values' | 'signal'>,
): Promise<string | readonly ChatMessage[]> {
  const template = writer.template?.asking;
  if (!template) return given;
  const fill = (said: string) => template.render(values ?? valuesOfText(template, said), signal);
  if (learnedTexts(writer)) {
    if (typeof given !== 'string' && given.length > 1)
      notes.push(
        `The model learned single texts through ${template.name}: the last message is asked by itself, without what stands before it.`,
      );
    return (await fill(textOf(given))).text;
  }
  const first = typeof given === 'string' ? -1 : given.findIndex(({ role }) => role === 'user');
  const { messages } = await fill(typeof given === 'string' ? given : (given[first]?.content ?? ''));
  // What the template has the assistant say last is what it learned to say.
  const asked = messages.at(-1)?.role === 'assistant' ? messages.slice(0, -1) : messages;
  if (typeof given === 'string') return asked;
  const before = given.slice(0, Math.max(0, first));
  const isOwn = messages.some(({ role }) => role === 'system');
  if (before.length > 0 && isOwn) notes.push(`The system message is left out: ${template.name} has one of its own.`);
  return [...(isOwn ? [] : before), ...asked, ...given.slice(first + 1)];
}
