import { readSyntax } from './jinja/syntax.ts';
import { parsePrompt } from './parse.ts';
import type { PromptFile, PromptInput, PromptPart } from './prompt-file.ts';

/** A template as it is filled. */
export interface Asking {
  text: string;
  file: PromptFile;
}

const IS_NAME = /^[\p{ID_Start}_]\p{ID_Continue}*$/u;

/** What the assistant says last, where the template lets it say something. */
function lastSaid({ parts, model }: PromptFile): PromptPart | null {
  const last = parts.at(-1);
  return model.api === 'chat' && last?.role === 'assistant' && last.marker && last.text.trim() !== '' ? last : null;
}

/**
 * A template that ends with what the model learns to say, as the model is asked: without that, and without the inputs
 * that nothing else uses. The template itself where it ends otherwise, or where the answer stands inside of a block.
 */
export function withoutAnswer({ text, file }: Asking): Asking {
  const last = lastSaid(file);
  if (!last?.marker) return { text, file };
  const cut = text.slice(0, last.marker.start);
  try {
    readSyntax(cut.slice(file.body.start));
  } catch {
    return { text, file };
  }
  const uses = (part: string, { name }: PromptInput) =>
    !IS_NAME.test(name) || new RegExp(`(?<![\\p{ID_Continue}.])${name}(?!\\p{ID_Continue})`, 'u').test(part);
  const inputs = file.inputs.filter((input) => !uses(last.text, input) || uses(cut.slice(file.body.start), input));
  return { text: cut, file: { ...parsePrompt(cut), inputs } };
}

/** Whether it ends with the value of an input that is used nowhere else: an answer to be learnt, and no beginning of one. */
export function endsWithAnswer({ text, file }: Asking): boolean {
  const last = lastSaid(file);
  if (!last || !/^\{\{[^{}]*\}\}$/.test(last.text.trim())) return false;
  return withoutAnswer({ text, file }).file.inputs.length < file.inputs.length;
}
