import { DEFAULT_NEW_TOKENS, LuthierError, type Tools } from '../../protocol/index.ts';
import type { ChatMessage, ChatTemplate } from '../text/chat-template.ts';

/**
 * Ids of a dialogue for the assistant to answer. Where it is longer than the model's positions allow, the oldest turns
 * are left out, each with its answer; a system text stays.
 * @param positions of the model
 * @param asked tokens of the answer, for which at most half of the positions are kept free
 * @returns also the messages that are read, and how many were left out
 * @throws LuthierError `usage` where the last message alone is too long, naming both numbers
 */
export function fitDialogue(
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  positions: number,
  asked = DEFAULT_NEW_TOKENS,
  tools?: Tools,
): { ids: Int32Array; read: ChatMessage[]; leftOut: number } {
  const system = messages[0]?.role === 'system' ? messages.slice(0, 1) : [];
  const turns = messages.slice(system.length);
  const room = positions - Math.min(asked, Math.floor(positions / 2));
  for (let from = 0; ; from++) {
    // A dialogue begins with what a person says.
    while (from > 0 && from < turns.length - 1 && turns[from]!.role !== 'user') from++;
    const read = [...system, ...turns.slice(from)];
    const ids = template.prompt(read, tools);
    if (ids.length <= room) return { ids, read, leftOut: from };
    if (from < turns.length - 1) continue;
    if (ids.length <= positions) return { ids, read, leftOut: from };
    throw new LuthierError(
      'usage',
      `The message has ${ids.length} tokens, but the model has ${positions} positions.`,
      'Shorten the message.',
    );
  }
}
