import type * as vscode from 'vscode';
import { counted } from '../../protocol/index.ts';
import { MEMENTO_KEYS } from '../ids.ts';
import { confirm } from '../ui.ts';

/** What is about to be sent to models that are not Luthier's own. */
export interface Sending {
  /** What leave is given for: an origin, or a model of VS Code's. */
  to: string;
  /** As a person knows it. */
  host: string;
  calls: number;
  /** Of all prompts together, about. */
  tokens: number;
}

/** Asks before prompts go to a place for the first time. Throws Cancelled when they must not. */
export async function confirmSending(sendings: readonly Sending[], memento: vscode.Memento): Promise<void> {
  for (const { to, host, calls, tokens } of sendings) {
    const agreed = memento.get<string[]>(MEMENTO_KEYS.confirmedRemotes) ?? [];
    if (agreed.includes(to)) continue;
    await confirm(
      `Send ${counted(calls, 'prompt')} to ${host}?`,
      `${counted(calls, 'call')} with about ${counted(tokens, 'token')}: the rendered template with the values of its inputs, and nothing else. You are asked the first time that this workspace sends prompts there.`,
      'Send',
    );
    await memento.update(MEMENTO_KEYS.confirmedRemotes, [...new Set([...agreed, to])]);
  }
}

/** Letters to a token, about: what is known before a model has counted them. */
const LETTERS_TO_A_TOKEN = 4;

/** Tokens of messages, about; a letter of Chinese, Japanese or Korean is about one. */
export function aboutTokens(messages: readonly { content: string }[]): number {
  const text = messages.map(({ content }) => content).join('\n');
  const wide = text.match(/[\u3000-\u9fff\uac00-\ud7af\uff00-\uffef]/g)?.length ?? 0;
  return wide + Math.ceil((text.length - wide) / LETTERS_TO_A_TOKEN);
}
