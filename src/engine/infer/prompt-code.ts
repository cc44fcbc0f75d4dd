import { join, resolve } from 'node:path';
import { type AskedInCode, type LabelWords, promptCode, type ReadPrompt } from '../../code/prompt-code.ts';
import { exists } from '../../files/folders.ts';
import { settingsOf } from '../../prompts/options.ts';
import {
  type CodeLanguage,
  counted,
  DEFAULT_NEW_TOKENS,
  type GenerationSettings,
  LuthierError,
  type PromptSource,
  type RenderedPrompt,
} from '../../protocol/index.ts';
import type { OpenPrompt } from '../prompts/prompt.ts';
import { maskedItems, maskOf } from '../tasks/fill-mask/answer.ts';
import { following } from '../tasks/language/blank.ts';
import { leftOutNote } from './answer.ts';
import { fitDialogue } from './dialogue.ts';
import { stopTokens } from './ends.ts';
import { type ModelPrompt, type PromptModel, type RenderRequest, refuseEmpty, renderRow } from './prompt-model.ts';
import { type Verbalizer, withOwnMask, wordsOf } from './verbalizer.ts';

export interface CodeOptions extends Pick<RenderRequest, 'renderer' | 'signal'> {
  model: PromptModel;
  /** As the program calls it. */
  modelName: string;
  language: CodeLanguage;
  /** Above the template's own. */
  settings?: GenerationSettings | undefined;
}

/** What is asked, and what should be said of it. */
interface Asked {
  asked: AskedInCode;
  notes: string[];
}

/**
 * A program that asks a model what runPrompt asks it: the same prompt, read by the same model in the same way.
 * @throws LuthierError as renderRow; `usage` for what the model has no positions for, and for a model that needs peft
 */
export async function codeOfPrompt(
  open: OpenPrompt,
  row: number | null,
  source: Pick<PromptSource, 'values' | 'undefined_is'>,
  { language, model, modelName, settings, ...request }: CodeOptions,
): Promise<{ code: string; needs_onnx: boolean }> {
  if (model.hasPrompt)
    throw new LuthierError(
      'usage',
      `${modelName} reads a prompt that was learnt, which transformers alone does not.`,
      'The README.md in its folder shows how it is asked in Python with peft.',
    );
  const { prompt, read } = await renderRow(open, row, source, { ...request, model });
  const what = row === null ? open.name : `${open.name}, row ${row}`;
  refuseEmpty(prompt, what);
  const { settings: own, notes } = settingsOf(open.file.model.options);
  const { verbalizer } = open.file;
  const writes = model.kind === 'writes';
  const { asked, notes: more } =
    writes && verbalizer
      ? continuing(prompt, read!, model, verbalizer)
      : writes
        ? writing(prompt, read!, model, { ...own, ...settings })
        : answering(read!, model, verbalizer);
  const about = [`${what}, asked of ${modelName}.`, ...(writes ? notes : []), ...more];
  const code = promptCode(language, { about, folder: resolve(model.path), asked });
  const needsOnnx = language === 'javascript' && !(await exists(join(model.path, 'onnx', 'model.onnx')));
  return { code, needs_onnx: needsOnnx };
}

/** What was read as a program reads it. */
function readAs({ messages }: RenderedPrompt, { text, as }: ModelPrompt, model: PromptModel): ReadPrompt {
  if (as === 'text') return { as, text };
  const begun = as === 'begun' ? messages.at(-1)!.content : '';
  const chat = model.chat();
  return {
    ...{ as: 'chat', begun, messages: as === 'begun' ? messages.slice(0, -1) : messages },
    chatTemplate: chat.file === null ? chat.source : null,
  };
}

function refuseTooLong(tokens: number, { positions }: PromptModel): void {
  if (tokens <= positions) return;
  throw new LuthierError(
    'usage',
    `The prompt has ${tokens} tokens, but the model has ${positions} positions.`,
    'Shorten the prompt.',
  );
}

function writing(prompt: RenderedPrompt, read: ModelPrompt, model: PromptModel, settings: GenerationSettings): Asked {
  const { tokenizer, positions } = model;
  const { stop = [], max_new_tokens: wanted = DEFAULT_NEW_TOKENS, ...others } = settings;
  const notes: string[] = [];
  const given = readAs(prompt, read, model);
  let { length } = read.ids;
  if (read.as === 'dialogue' && given.as === 'chat') {
    const { ids, read: messages, leftOut } = fitDialogue(model.chat(), prompt.messages, positions, wanted);
    length = ids.length;
    given.messages = messages;
    if (leftOut > 0) notes.push(leftOutNote(leftOut));
  }
  refuseTooLong(length, model);
  const most = Math.min(wanted, positions - length + 1);
  if (most < wanted) notes.push(`${counted(wanted, 'token')} are asked for; the model has positions for ${most}.`);
  const special = stopTokens(stop, tokenizer);
  const turnEnds = read.as === 'text' ? [] : model.chat().turnEnds();
  const ends = [...new Set([...model.ends, ...turnEnds, ...special])].map((id) => ({
    ...{ id, token: tokenizer.decode([id], { skipSpecialTokens: false }) },
  }));
  const texts = stop.filter((text) => stopTokens([text], tokenizer).length === 0);
  return {
    notes,
    asked: {
      ...{ does: 'write', prompt: given, ends },
      settings: { max_new_tokens: most, ...others, ...(texts.length > 0 && { stop: texts }) },
    },
  };
}

function continuing(prompt: RenderedPrompt, read: ModelPrompt, model: PromptModel, verbalizer: Verbalizer): Asked {
  const written = wordsOf(verbalizer).map(({ label, word }) => ({ label, word: following(read.text, word) }));
  const longest = written.reduce((n, { word }) => Math.max(n, model.tokenizer.encodeBare(word).ids.length), 0);
  refuseTooLong(read.ids.length + longest - 1, model);
  return { asked: { does: 'continue', prompt: readAs(prompt, read, model), words: byLabel(written) }, notes: [] };
}

/** A model that fills in masks, or one that names its own classes. */
function answering({ text }: ModelPrompt, model: PromptModel, verbalizer: Verbalizer | null): Asked {
  const { tokenizer, answers } = model;
  const longest = Math.min(tokenizer.maxLength ?? Number.POSITIVE_INFINITY, model.positions);
  const tokens = tokenizer.encode(text, Number.MAX_SAFE_INTEGER).ids.length;
  const cut = tokens > longest ? [`The text has ${tokens} tokens and is cut to ${longest}.`] : [];
  if (model.kind !== 'fills') {
    const asked: AskedInCode = { does: 'answer', task: answers, text, ...(cut.length > 0 && { cutTo: longest }) };
    const unused = verbalizer ? ['The model names its own classes: the template’s verbalizer counts for nothing.'] : [];
    return { asked, notes: [...cut, ...unused] };
  }
  const notes: string[] = [];
  const masked = withOwnMask(text, tokenizer, notes);
  const items = maskedItems([masked], tokenizer, longest);
  if (!verbalizer) return { asked: { does: 'answer', task: answers, text: masked }, notes };
  const mask = maskOf(tokenizer).token;
  if (items.length > 1)
    throw new LuthierError(
      'usage',
      `The text has ${items.length} masks; a verbalizer needs one.`,
      `Leave one ${mask} in it.`,
    );
  refuseTooLong(tokens, { ...model, positions: longest });
  return { asked: { does: 'fill', text: masked, mask, words: byLabel(wordsOf(verbalizer)) }, notes };
}

function byLabel(words: readonly { label: string; word: string }[]): LabelWords {
  const labels: Record<string, string[]> = {};
  for (const { label, word } of words) {
    labels[label] ??= [];
    labels[label].push(word);
  }
  return labels;
}
