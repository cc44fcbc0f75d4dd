import { counted, LuthierError } from '../../../protocol/index.ts';
import { places } from '../../data/problems.ts';
import { nameOf } from '../../data/row-source.ts';
import { ChatTemplate, type EncodedChat } from '../../text/chat-template.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { countLearnt, type LanguageItem, labelsOf, piecesIn, SAMPLES } from '../language/items.ts';
import { tellingLong } from '../long-rows.ts';
import type { EncodedRows, EncodingNote, SamplePrompt } from '../task.ts';
import { type Conversation, textOf } from './rows.ts';
import type { Message } from './turns.ts';

/** A conversation as the model sees it. */
export interface ChatItem extends LanguageItem {
  /** Messages that did not fit, the oldest first; and tokens of the last answer. */
  cut: { messages: number; tokens: number };
}

/**
 * Conversations by the model's own chat template. The assistant's answers are learnt, each with the token that ends it.
 * Where a conversation is too long its oldest messages go first, the system's and the last question and answer stay.
 * @throws LuthierError `data-invalid` where nothing is left to learn of any conversation
 */
export function encodeConversations(
  rows: readonly Conversation[],
  tokenizer: Tokenizer,
  maxLength: number,
): EncodedRows<ChatItem> {
  const template = new ChatTemplate(tokenizer);
  const items: ChatItem[] = [];
  const refused = new Map<string, { rows: Conversation[]; error: LuthierError }>();
  const nothing: Conversation[] = [];
  const said = new Set<string>();
  const count = { cut: 0, unknown: 0, tokens: 0 };
  for (const [row, conversation] of rows.entries()) {
    try {
      const item = encodeConversation(conversation, template, tokenizer, maxLength, said);
      if (item.cut.messages + item.cut.tokens > 0) count.cut++;
      if (countLearnt(item.labels) === 0) {
        nothing.push(conversation);
        continue;
      }
      for (const id of item.ids) if (id === tokenizer.unkId) count.unknown++;
      count.tokens += item.ids.length;
      items.push({ ...item, row, pieces: piecesIn(item.ids, tokenizer) });
    } catch (error) {
      if (!(error instanceof LuthierError)) throw error;
      const known = refused.get(error.message);
      if (known) known.rows.push(conversation);
      else refused.set(error.message, { rows: [conversation], error });
    }
  }
  const [first] = refused.values();
  if (items.length === 0 && first) throw first.error;
  if (items.length === 0 && rows.length > 0) throw nothingLeft(rows.length, maxLength);
  const notes: EncodingNote[] = [
    ...(template.note === null ? [] : [info(template.note)]),
    ...[...said].map(info),
    ...[...refused].map(([why, { rows: some }]) => warning(`${leftOut(some)} by the chat template. ${why}`)),
    ...(nothing.length === 0
      ? []
      : [
          warning(
            `${leftOut(nothing)}: no token of an answer is left within ${counted(maxLength, 'token')} (max_length).`,
          ),
        ]),
  ];
  const unknownShare = count.tokens === 0 ? 0 : count.unknown / count.tokens;
  return { items, truncatedRows: count.cut, unknownShare, notes };
}

const info = (message: string): EncodingNote => ({ level: 'info', message });
const warning = (message: string): EncodingNote => ({ level: 'warning', message });

const leftOut = (rows: readonly Conversation[]): string =>
  `${counted(rows.length, 'conversation')} ${rows.length === 1 ? 'is' : 'are'} left out (${nameOf(rows[0]!.file)}, ${places(rows.map(({ line }) => line))})`;

const nothingLeft = (rows: number, maxLength: number): LuthierError =>
  new LuthierError(
    'data-invalid',
    rows === 1
      ? `The conversation has no token of an answer left within ${counted(maxLength, 'token')} (max_length).`
      : `None of the ${rows.toLocaleString('en')} conversations has a token of an answer left within ${counted(maxLength, 'token')} (max_length).`,
    'Raise max_length, or shorten the questions.',
  );

export const tellLong = tellingLong('conversation', '; the oldest messages are cut first.');

/** @param said gathers what is to be told of the template */
function encodeConversation(
  { messages, tools }: Conversation,
  template: ChatTemplate,
  tokenizer: Tokenizer,
  maxLength: number,
  said: Set<string>,
): Omit<ChatItem, 'row' | 'pieces'> {
  let kept: readonly Message[] = messages;
  let chat = template.encode(kept, tools);
  while (chat.ids.length > maxLength) {
    const fewer = withoutOldest(kept);
    if (!fewer) break;
    kept = fewer;
    chat = template.encode(kept, tools);
  }
  for (const note of chat.notes) said.add(note);
  const learnt = chat.turns.filter(({ message }) => kept[message]?.learns !== false);
  const ids = chat.ids.slice(0, maxLength);
  const labels = labelsOf(ids, learnt);
  const cut = { messages: messages.length - kept.length, tokens: chat.ids.length - ids.length };
  const oldest = messages.filter((message) => !kept.includes(message));
  const leftOut = () => ({
    before: oldest.length === 0 ? '' : `${textOf({ messages: oldest })}\n`,
    after: tokenizer.decode(chat.ids.subarray(maxLength)),
  });
  return {
    ...{ ids, labels, typeIds: null },
    bytes: bytesOf(chat, learnt),
    ends: learnt.at(-1)?.end === ids.length,
    cut,
    ...(cut.messages + cut.tokens > 0 && { leftOut }),
  };
}

function bytesOf({ text, places: spans }: EncodedChat, learnt: readonly { message: number }[]): number {
  const wanted = new Set(learnt.map(({ message }) => message));
  return spans
    .filter(({ message }) => wanted.has(message))
    .reduce((sum, { start, end }) => sum + Buffer.byteLength(text.slice(start, end)), 0);
}

/** Without the oldest question and its answer; null where only the last ones are left. */
function withoutOldest(messages: readonly Message[]): Message[] | null {
  const start = messages.findIndex(({ role }) => role !== 'system');
  const next = messages.findIndex(({ role }, i) => i > start && role === 'user');
  if (start < 0 || next < 0) return null;
  return [...messages.slice(0, start), ...messages.slice(next)];
}

/** An answer, or what it calls. */
const saidIn = ({ content, tool_calls = [] }: Message): string =>
  [content, ...tool_calls.map((call) => JSON.stringify(call.function))].filter((part) => part !== '').join('\n');

/** Conversations up to their last question, the first that fit; what their template refuses is not asked. */
export function chatPrompts(rows: readonly Conversation[], tokenizer: Tokenizer, maxLength: number): SamplePrompt[] {
  const template = new ChatTemplate(tokenizer);
  const eos = tokenizer.specialId('eos_token');
  const ends = [...new Set([...template.turnEnds(), ...(eos === null ? [] : [eos])])];
  const prompts: SamplePrompt[] = [];
  for (const [row, { messages, tools }] of rows.entries()) {
    if (prompts.length === SAMPLES) break;
    const asked = messages.slice(0, -1);
    try {
      const ids = [...template.prompt(asked, tools)];
      if (ids.length >= maxLength) continue;
      prompts.push({ row, ids, ends, prompt: asked.at(-1)?.content ?? '', reference: saidIn(messages.at(-1)!) });
    } catch (error) {
      if (!(error instanceof LuthierError)) throw error;
    }
  }
  return prompts;
}
