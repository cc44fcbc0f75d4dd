import type { ChatMessage } from '../protocol/index.ts';
import { roleOf } from './roles.ts';
import { CLOSE, OPEN } from './source.ts';

/** Begins the role of a message that is from a dialogue among the values; alone it ends them. */
const OF_THREAD = '@';

/** A dialogue as it is put into a text: its messages stand between what comes before and behind. */
export const threadText = (messages: readonly ChatMessage[]): string =>
  messages.map(({ role, content }) => `${OPEN}${OF_THREAD}${role}${CLOSE}${content}`).join('') +
  `${OPEN}${OF_THREAD}${CLOSE}`;

/** Without the characters that markers are written with: a value opens no message. */
export const harmless = (text: string): string => text.replace(/[\uFDD6\uFDD7]/g, '\uFFFD');

/**
 * The messages of a rendered text. As in Prompty, what stands before the first marker is the system's, and blank lines
 * around a message are no part of it; messages without anything are left out.
 */
export function messagesOf(rendered: string, generation: 1 | 2): ChatMessage[] {
  const messages: ChatMessage[] = [];
  let [role, own] = ['system', 'system'];
  let buffer = '';
  let isOfThread = false;
  const flush = () => {
    const content = isOfThread ? buffer : trimmed(buffer, generation);
    if (content.trim() !== '') messages.push({ role, content });
    buffer = '';
  };
  const parts = rendered.split(new RegExp(`${OPEN}([^${OPEN}${CLOSE}]*)${CLOSE}`));
  for (const [i, part] of parts.entries()) {
    if (i % 2 === 0) {
      buffer += part;
      continue;
    }
    if (part.startsWith(OF_THREAD)) {
      flush();
      isOfThread = part !== OF_THREAD;
      role = isOfThread ? part.slice(1) : own;
      continue;
    }
    const said = roleOf(part, generation) ?? (part === 'tool' ? 'tool' : null);
    if (said === null) {
      // An expression that says no role is a line like any other.
      buffer += `${part}:`;
      continue;
    }
    flush();
    isOfThread = false;
    role = said;
    own = said;
  }
  flush();
  return messages;
}

/** Generation 1 strips all white space, generation 2 line ends. */
const trimmed = (text: string, generation: 1 | 2): string =>
  generation === 1 ? text.trim() : text.replace(/^\n+|\n+$/g, '');
