/** Messages between the extension host and the page in which a model that writes is tried; page.ts says how such wires work. */
import {
  anything,
  type Check,
  isBoolean,
  isCount,
  isNumber,
  isString,
  listOf,
  nullOr,
  oneOf,
  optional,
  parser,
  type Rules,
  recordOf,
  shape,
  union,
} from './check.ts';
import type { ErrorData } from './errors.ts';
import type { ChatMessage, FinishReason, GenerationSettings, ToolCall } from './generation.ts';
import { type PageRequest, pageRequests } from './page.ts';
import type { Tools } from './tools.ts';

export interface ChatSnapshot {
  /** Id of the run, or of the base model, that is tried; the page keeps it, so that a reloaded window finds it again. */
  run: string;
  name: string;
  /** The model that the run started from, where it can write too. */
  base: string | null;
  /** Answers dialogues; others continue a text. */
  dialogue: boolean;
  /** What becomes of what is typed where the model learned its rows through a prompt template. */
  template_note?: string;
}

export type ChatWriter = 'tuned' | 'base';

export type ChatPageMessage =
  | ({ type: 'snapshot' } & ChatSnapshot)
  | { type: 'loading'; message: string }
  /** More of the answer to the request with this id. */
  | { type: 'part'; id: number; writer: ChatWriter; text: string }
  | {
      type: 'answer';
      id: number;
      writer: ChatWriter;
      text: string;
      tokens: number;
      rate: number;
      reason: FinishReason;
      notes: string[];
      /** What it calls, and what it says beside that. */
      tool_calls?: ToolCall[];
      content?: string;
      /** What the model read, where a template made it of what was typed. */
      prompt?: string;
    }
  /** A file's text, in which tools are looked for. */
  | { type: 'tools'; text: string }
  /** An answer ended as the person wished; what was written stays. */
  | { type: 'cancelled'; id: number }
  /** `id` is the answer's, null for another request. */
  | { type: 'failed'; request: string; id: number | null; error: ErrorData };

export type ChatPageRequest =
  | { type: 'ready' }
  /** Answered by parts and an answer, of the base after the tuned model where `compare` says so. */
  | {
      type: 'generate';
      id: number;
      prompt: string | ChatMessage[];
      /** What the assistant may call. */
      tools?: Tools;
      settings: GenerationSettings;
      compare: boolean;
    }
  /** Asks for a file with tools; answered by `tools`, or not at all where the person chose none. */
  | { type: 'loadTools' }
  | { type: 'cancel' }
  | { type: 'copyText'; text: string }
  | PageRequest;

const isReason = oneOf('end', 'stop', 'length', 'positions', 'cancelled');
const isWriter = oneOf('tuned', 'base');
const isCalls = listOf(
  shape({ id: optional(isString), function: shape({ name: isString, arguments: recordOf(anything) }) }),
);
const isMessages = listOf(
  shape({ role: isString, content: isString, tool_calls: optional(isCalls), tool_call_id: optional(isString) }),
);
const isPrompt: Check = (value, at) => (typeof value === 'string' ? null : isMessages(value, at));

const messages: Rules<ChatPageMessage, 'type'> = {
  snapshot: {
    run: isString,
    name: isString,
    base: nullOr(isString),
    dialogue: isBoolean,
    template_note: optional(isString),
  },
  loading: { message: isString },
  part: { id: isCount, writer: isWriter, text: isString },
  answer: {
    id: isCount,
    writer: isWriter,
    text: isString,
    tokens: isCount,
    rate: isNumber,
    reason: isReason,
    notes: listOf(isString),
    tool_calls: optional(isCalls),
    content: optional(isString),
    prompt: optional(isString),
  },
  tools: { text: isString },
  cancelled: { id: isCount },
  failed: {
    request: isString,
    id: nullOr(isCount),
    error: shape({ code: isString, message: isString, hint: optional(isString) }),
  },
};

const requests: Rules<ChatPageRequest, 'type'> = {
  ...pageRequests,
  ready: {},
  generate: {
    id: isCount,
    prompt: isPrompt,
    tools: optional(listOf(anything)),
    settings: shape({
      max_new_tokens: optional(isCount),
      do_sample: optional(isBoolean),
      temperature: optional(isNumber),
      top_k: optional(isCount),
      top_p: optional(isNumber),
      min_p: optional(isNumber),
      repetition_penalty: optional(isNumber),
      seed: optional(isCount),
    }),
    compare: isBoolean,
  },
  cancel: {},
  loadTools: {},
  copyText: { text: isString },
};

export const parseChatPageMessage = parser<ChatPageMessage>(union('type', messages));
export const parseChatPageRequest = parser<ChatPageRequest>(union('type', requests));
