import { type Answered, type ChatMessage, counted } from '../../protocol/index.ts';
import { valuesOfText } from '../prompts/row-template.ts';
import { fitDialogue } from './dialogue.ts';
import type { Writer, WriterRequest } from './writer.ts';

/**
 * Continues a text, or answers a dialogue by the model's chat template, the oldest turns left out where they do not fit.
 * @param request.asTaught a model that learned its rows through a template is asked through it: what is given is the
 *   value of its input, of a dialogue what is said first
 * @throws LuthierError as `write`, ChatTemplate and fitDialogue
 */
export async function answer(
  writer: Writer,
  given: string | readonly ChatMessage[],
  { asTaught = false, ...request }: Omit<WriterRequest, 'ends' | 'text'> & { asTaught?: boolean },
): Promise<Answered> {
  const { positions } = writer;
  const notes: string[] = [];
  const prompt = asTaught ? await rendered(writer, given) : given;
  let left_out = 0;
  const write = (): ReturnType<Writer['write']> => {
    if (typeof prompt === 'string') return writer.write(prompt, request).then((it) => ({ ...it, text: textOf(given) }));
    const { chat } = writer;
    const fitted = fitDialogue(chat, prompt, positions, request.settings.max_new_tokens);
    left_out = fitted.leftOut;
    if (left_out > 0)
      notes.push(
        `The oldest ${counted(left_out, 'message')} no longer ${left_out === 1 ? 'fits and is' : 'fit and are'} left out.`,
      );
    return writer.write(fitted.ids, { ...request, ends: chat.turnEnds(), text: textOf(given) });
  };
  const written = await write();
  if (written.finish_reason === 'positions')
    notes.push(`The answer ends where the model’s ${positions} positions end.`);
  return { ...written, left_out, notes };
}

/** What is asked, in a text. */
const textOf = (given: string | readonly ChatMessage[]): string =>
  typeof given === 'string' ? given : (given.at(-1)?.content ?? '');

/** What is given as the model learned it. @throws LuthierError as valuesOfText and the template */
async function rendered(
  { template }: Writer,
  given: string | readonly ChatMessage[],
): Promise<string | readonly ChatMessage[]> {
  if (!template) return given;
  const first = typeof given === 'string' ? -1 : given.findIndex(({ role }) => role === 'user');
  const said = typeof given === 'string' ? given : (given[first]?.content ?? '');
  const made = await template.render(valuesOfText(template, said));
  if (template.file.model.api === 'completion') return made.text;
  const { messages } = made;
  // What the template has the assistant say last is what it learned to say.
  const asked = messages.at(-1)?.role === 'assistant' ? messages.slice(0, -1) : messages;
  return typeof given === 'string' ? asked : [...asked, ...given.slice(first + 1)];
}
