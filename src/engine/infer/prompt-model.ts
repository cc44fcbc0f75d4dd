import {
  type AnswerName,
  type ChatMessage,
  LuthierError,
  type PromptSource,
  type RenderedPrompt,
  taskOf,
} from '../../protocol/index.ts';
import { type ModelConfig, openModelFolder, readGeneration } from '../hub/model-folder.ts';
import { withFolderPrompt } from '../model-files/prompt.ts';
import { architectureOf } from '../models/registry.ts';
import { type FilledPrompt, type OpenPrompt, openPrompt } from '../prompts/prompt.ts';
import type { PromptRenderer } from '../prompts/renderer.ts';
import { truncateBy } from '../prompts/truncate.ts';
import { answeringOfModel } from '../tasks/registry.ts';
import { ChatTemplate } from '../text/chat-template.ts';
import { Tokenizer } from '../text/tokenizer.ts';
import { endsOf } from './ends.ts';

/** What is known of a model without its weights: enough to say what it would read. */
export interface PromptModel {
  tokenizer: Tokenizer;
  /** Positions: of prompt and answer together where it writes. */
  positions: number;
  /** It writes, fills in masks, or names classes. */
  kind: 'writes' | 'fills' | 'classifies';
  path: string;
  /** What its folder says that it answers. */
  answers: AnswerName;
  /** Tokens that end what it writes. */
  ends: readonly number[];
  /** It reads a prompt that was learnt in front of each text. */
  hasPrompt: boolean;
  /** @throws LuthierError `tokenizer-invalid` */
  chat: () => ChatTemplate;
}

/** @throws LuthierError as openModelFolder, architectureOf and Tokenizer.load */
export async function readPromptModel(path: string): Promise<PromptModel> {
  const folder = await openModelFolder(path);
  await folder.weights.close();
  const { maxPositions } = withFolderPrompt(folder, architectureOf(folder.config, path));
  const tokenizer = await Tokenizer.load(path);
  let chat: ChatTemplate | undefined;
  return {
    ...{ tokenizer, path, positions: maxPositions, kind: kindOf(folder.config) },
    hasPrompt: folder.prompt !== undefined,
    answers: answeringOfModel(folder.config).name,
    ends: endsOf({ ...folder.config, ...(await readGeneration(folder)) }, tokenizer),
    chat: () => {
      chat ??= new ChatTemplate(tokenizer);
      return chat;
    },
  };
}

function kindOf(config: ModelConfig): PromptModel['kind'] {
  const { name } = answeringOfModel(config);
  if (name === 'fill-mask') return 'fills';
  return taskOf(name).writes === undefined ? 'classifies' : 'writes';
}

/** What a model reads of a filled template. */
export interface ModelPrompt {
  text: string;
  ids: Int32Array;
  /** A text as it is, a dialogue to be answered, or one whose last answer is to be gone on with. */
  as: 'text' | 'dialogue' | 'begun';
  notes: string[];
}

/**
 * The text that a model reads, and its tokens: a dialogue by its chat template, anything else as it is. Where the last
 * message is the assistant's, the model goes on with that.
 * @throws LuthierError `tokenizer-invalid` where the chat template refuses the messages
 */
export function modelPrompt(
  model: PromptModel,
  { messages, text }: Pick<FilledPrompt, 'messages' | 'text'>,
): ModelPrompt {
  const { tokenizer } = model;
  const asText = (whole: string, notes: string[] = []): ModelPrompt => {
    const { ids } = tokenizer.encode(whole, Number.MAX_SAFE_INTEGER);
    return { text: whole, ids: Int32Array.from(ids), as: 'text', notes };
  };
  if (text !== null) return asText(text);
  if (model.kind !== 'writes') {
    const notes = messages.length > 1 ? ['This model reads no dialogues: its messages are joined into one text.'] : [];
    return asText(messages.map(({ content }) => content).join('\n\n'), notes);
  }
  const chat = model.chat();
  const begun = messages.at(-1)?.role === 'assistant' ? messages.at(-1)!.content : null;
  const written = chat.render(begun === null ? messages : messages.slice(0, -1), { forAnswer: true }) + (begun ?? '');
  const notes = chat.note === null ? [] : [chat.note];
  return { text: written, ids: tokenizer.encodeBare(written).ids, as: begun === null ? 'dialogue' : 'begun', notes };
}

/** Messages as text, where there is no model that has a way to write them. */
export const messagesText = (messages: readonly ChatMessage[]): string =>
  messages.map(({ role, content }) => `${role}:\n${content}`).join('\n\n');

export interface RenderRequest {
  renderer: PromptRenderer;
  model: PromptModel | null;
  signal?: AbortSignal | undefined;
}

/** A template that was filled, and what a model reads of it; null without a model. */
export interface Rendered {
  prompt: RenderedPrompt;
  read: ModelPrompt | null;
}

/** Fills an open template for a row. Errors as OpenPrompt.fill and modelPrompt. */
export async function renderRow(
  open: OpenPrompt,
  row: number | null,
  { values: typed, undefined_is = 'warning' }: Pick<PromptSource, 'values' | 'undefined_is'>,
  { renderer, model, signal }: RenderRequest,
): Promise<Rendered> {
  const truncate = model && truncateBy(model.tokenizer);
  const filled = await open.fill(row, { renderer, typed, truncate, signal, undefinedIs: undefined_is });
  const read = model && filled.messages.length > 0 ? modelPrompt(model, filled) : null;
  const notes = (read?.notes ?? []).map((message) => ({ message, range: null, line: null }));
  const { messages, text, values, warnings } = filled;
  const prompt: RenderedPrompt = {
    ...{ row, messages, values, tokens: model ? (read?.ids.length ?? 0) : null },
    prompt: read?.text ?? text ?? messagesText(messages),
    warnings: [...open.warnings, ...warnings, ...notes],
  };
  return { prompt, read };
}

/** Renders a template as a request asks for it. */
export async function renderPrompt(source: PromptSource, request: RenderRequest): Promise<Rendered> {
  const open = await openPrompt(source, { signal: request.signal });
  return renderRow(open, source.row ?? null, source, request);
}

/** What cannot be asked of a model. */
export function refuseEmpty({ messages, prompt }: RenderedPrompt, what: string): void {
  if (messages.length > 0 && prompt !== '') return;
  throw new LuthierError(
    'prompt-invalid',
    `${what} is empty, so there is nothing to ask.`,
    'Write a prompt below the front matter.',
  );
}
