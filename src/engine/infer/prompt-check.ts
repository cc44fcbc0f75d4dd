import { posix } from 'node:path';
import { parsePrompt } from '../../prompts/parse.ts';
import { problem } from '../../prompts/problems.ts';
import type { PromptFile, Range } from '../../prompts/prompt-file.ts';
import {
  counted,
  formatCount,
  LuthierError,
  type PromptChecked,
  type PromptProblem,
  type PromptSource,
} from '../../protocol/index.ts';
import { KeyFault } from '../prompts/key-fault.ts';
import { openPrompt } from '../prompts/prompt.ts';
import { faultFile, faultRange } from '../prompts/renderer.ts';
import { type PromptModel, type RenderRequest, renderRow } from './prompt-model.ts';

/**
 * What a template's text does not say by itself: files that it cannot take in, faults of its rendering, a chat template
 * that refuses its roles, a prompt that is too long. It is rendered with its sample, or with what was typed.
 */
export async function checkWithEngine(source: PromptSource, request: RenderRequest): Promise<PromptChecked> {
  const file = parsePrompt(source.text);
  // These are known without an engine, and nothing can be rendered before they are mended.
  if (file.problems.some(({ severity }) => severity === 'error')) return { problems: [], tokens: null };
  const problems: PromptProblem[] = [];
  try {
    const open = await openPrompt(source, { signal: request.signal });
    const { prompt } = await renderRow(open, source.row ?? null, source, { ...request, model: null });
    const { model } = request;
    if (!model) return { problems, tokens: null };
    const refused = refusedMessage(model, prompt.messages, file);
    if (refused) {
      problems.push(refused);
      return { problems, tokens: null };
    }
    const { read } = await renderRow(open, source.row ?? null, source, request);
    const count = (text: string): number => model.tokenizer.encodeBare(text).ids.length;
    const tokens: NonNullable<PromptChecked['tokens']> = {
      prompt: read?.ids.length ?? 0,
      messages: prompt.messages.map(({ content }) => count(content)),
      inputs: Object.fromEntries(
        file.inputs.flatMap(({ name }) => {
          const value = prompt.values[name];
          return typeof value === 'string' ? [[name, count(value)]] : [];
        }),
      ),
      positions: model.positions,
    };
    if (tokens.prompt > model.positions) {
      const message = `With this sample the prompt has ${counted(tokens.prompt, 'token')}, more than the model’s ${formatCount(model.positions)} positions.`;
      problems.push(problem('too-long', 'warning', message, firstLine(source.text, file.body)));
    }
    return { problems, tokens };
  } catch (error) {
    if (!(error instanceof LuthierError) || error.code === 'cancelled') throw error;
    problems.push(
      problem(
        'render',
        'error',
        error.message,
        faultRange(error) ?? placeOf(error, file) ?? firstLine(source.text, file.body),
      ),
    );
    return { problems, tokens: null };
  }
}

/** The first message that the model's chat template does not take. */
function refusedMessage(
  model: PromptModel,
  messages: readonly { role: string; content: string }[],
  file: PromptFile,
): PromptProblem | null {
  if (file.model.api !== 'chat' || model.kind !== 'writes') return null;
  for (const i of messages.keys()) {
    try {
      model.chat().render(messages.slice(0, i + 1));
    } catch (error) {
      if (!(error instanceof LuthierError)) throw error;
      const range = messages.length === file.parts.length ? file.parts[i]!.marker : null;
      return problem('role-order', 'error', error.message, range ?? file.parts[0]?.marker ?? file.body);
    }
  }
  return null;
}

/**
 * The key at fault, or the reference in it where its path has numbers in the place of names; of a file that the body
 * takes in, where it does so.
 */
function placeOf(error: LuthierError, { keys, references }: PromptFile): Range | null {
  const file = faultFile(error);
  if (file !== null)
    return references.find(({ path, target }) => path === null && posix.normalize(target) === file)?.range ?? null;
  if (!(error instanceof KeyFault)) return null;
  const { key, part, target } = error.place;
  const found = keys.find(({ path }) => path.join('.') === key);
  if (found) return part === 'value' ? (found.value ?? found.key) : found.key;
  return references.find((reference) => reference.target === target)?.range ?? null;
}

function firstLine(text: string, { start, end }: Range): Range {
  const blank = /^\s*/.exec(text.slice(start, end))![0].length;
  const line = /^[^\r\n]*/.exec(text.slice(start + blank, end))![0].length;
  return { start: start + blank, end: start + blank + line };
}
