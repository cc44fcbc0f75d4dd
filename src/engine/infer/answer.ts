import { type Answered, type ChatMessage, counted } from '../../protocol/index.ts';
import { fitDialogue } from './dialogue.ts';
import type { Writer, WriterRequest } from './writer.ts';

/**
 * Continues a text, or answers a dialogue by the model's chat template, the oldest turns left out where they do not fit.
 * @throws LuthierError as `write`, ChatTemplate and fitDialogue
 */
export async function answer(
  writer: Writer,
  prompt: string | readonly ChatMessage[],
  request: Omit<WriterRequest, 'ends' | 'text'>,
): Promise<Answered> {
  const { positions } = writer;
  const notes: string[] = [];
  let left_out = 0;
  const write = (): ReturnType<Writer['write']> => {
    if (typeof prompt === 'string') return writer.write(prompt, request);
    const { chat } = writer;
    const fitted = fitDialogue(chat, prompt, positions, request.settings.max_new_tokens);
    left_out = fitted.leftOut;
    if (left_out > 0)
      notes.push(
        `The oldest ${counted(left_out, 'message')} no longer ${left_out === 1 ? 'fits and is' : 'fit and are'} left out.`,
      );
    return writer.write(fitted.ids, { ...request, ends: chat.turnEnds(), text: prompt.at(-1)?.content ?? '' });
  };
  const written = await write();
  if (written.finish_reason === 'positions')
    notes.push(`The answer ends where the model’s ${positions} positions end.`);
  return { ...written, left_out, notes };
}
