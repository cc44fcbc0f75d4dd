import type { ChatReport } from '../../../protocol/index.ts';
import { languageReport } from '../language/report.ts';
import { LANGUAGE } from '../language/task.ts';
import type { Task } from '../task.ts';
import { type ChatItem, chatPrompts, encodeConversations, tellLong } from './encode.ts';
import { CONVERSATIONS, type Conversation } from './rows.ts';

/** Answers in conversations. */
export const conversational: Task<Conversation, ChatItem, never, ChatReport> = {
  ...CONVERSATIONS,
  ...LANGUAGE,
  encode: encodeConversations,
  tellLong,
  samplePrompts: chatPrompts,
  evaluate: (options) => languageReport('conversational', options) as ChatReport,
  pool: (reports) => LANGUAGE.pool(reports) as ChatReport,
  save: {
    config: {},
    peft: 'CAUSAL_LM',
    pipeline: 'text-generation',
    noun: 'dialogue model',
    does: () => 'answers in conversations',
    autoModel: 'CausalLM',
  },
};
