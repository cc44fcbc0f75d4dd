import { basename } from 'node:path';
import { readTextFile } from '../../files/text-file.ts';
import { parsePrompt } from '../../prompts/parse.ts';
import { problemLine } from '../../prompts/problems.ts';
import { LuthierError, type Recipe } from '../../protocol/index.ts';
import { openRowTemplate } from '../prompts/row-template.ts';
import { taskFor } from '../tasks/registry.ts';
import type { AnyTask } from '../tasks/task.ts';
import { templated } from '../tasks/templated.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

/** A template as a run keeps it: where it is from, and its exact text. */
export interface KeptTemplate {
  path: string;
  text: string;
}

/** Far above any template. */
const MOST_BYTES = 1 << 20;

/** @throws LuthierError `prompt-invalid` where there is no such file, or it cannot be filled */
export async function readTemplate(path: string): Promise<KeptTemplate> {
  const text = await readTextFile(path, {
    ...{ code: 'prompt-invalid', noun: 'a template', most: MOST_BYTES, subject: `The template ${path}` },
    ...{ hint: 'Name a .prompty file under “template”.', keepsMark: true },
  });
  refuseFaults(path, text);
  return { path, text };
}

/** @throws LuthierError `prompt-invalid` naming the line of its first error */
function refuseFaults(path: string, text: string): void {
  const fault = parsePrompt(text).problems.find(({ severity }) => severity === 'error');
  if (fault)
    throw new LuthierError('prompt-invalid', problemLine(basename(path), text, fault), 'Correct the template.');
}

/**
 * What a recipe's model learns, its rows read through the template that it names.
 * @param kept the run's own copy of the template, whatever its file says by now
 * @param tokenizer of the model, for what a template cuts to tokens
 * @throws LuthierError as readTemplate and templated
 */
export async function taskOfRecipe(
  recipe: Recipe,
  kept: KeptTemplate | undefined,
  tokenizer: () => Promise<Tokenizer>,
): Promise<AnyTask> {
  const task = taskFor(recipe);
  if (recipe.template === undefined) return task;
  const template = openRowTemplate(kept ?? (await readTemplate(recipe.template)), tokenizer);
  return templated(task, template, recipe.columns);
}
