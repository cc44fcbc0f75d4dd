import type { Yaml } from './front-matter.ts';
import { problem, shownValue } from './problems.ts';
import type { PromptFile, PromptProblem } from './prompt-file.ts';

/** APIs of generations 1 and 2 that a local model stands in for, each with ours. */
const APIS: Record<string, 'chat' | 'completion'> = { chat: 'chat', responses: 'chat', completion: 'completion' };

/** Which model a template is for, and how it answers. Nothing is told of services: a person chooses these here. */
export function readModel(root: Yaml, generation: 1 | 2, problems: PromptProblem[]): PromptFile['model'] {
  const node = root.get('model');
  const without: PromptFile['model'] = { api: 'chat', options: {} };
  if (node === null || node.value === null) return without;
  if (node.text !== undefined) return { name: node.text, ...without };
  if (!node.isMap) {
    const message = 'model: the name of a model is expected, or keys like “api”.';
    problems.push(problem('key-type', 'error', message, node.range));
    return without;
  }
  const api = node.get('apiType') ?? node.get('api');
  const word = String(api?.value ?? 'chat').toLowerCase();
  const known = Object.hasOwn(APIS, word) ? APIS[word] : undefined;
  if (api && !known) {
    const message = `model.${generation === 1 ? 'api' : 'apiType'}: “${shownValue(api.value)}” is not supported. There are chat and completion.`;
    problems.push(problem('api', 'error', message, api.range));
  }
  const options = node.get('options') ?? node.get('parameters');
  if (options && options.value !== null && !options.isMap) {
    const message = `model.${generation === 1 ? 'parameters' : 'options'}: keys are expected, like “temperature”.`;
    problems.push(problem('key-type', 'error', message, options.range));
  }
  const name = NAMES.map((path) => node.get(...path)?.text).find((text) => text !== undefined && text !== '');
  return {
    ...(name !== undefined && { name }),
    api: known ?? 'chat',
    options: options?.isMap ? (options.value as Record<string, unknown>) : {},
  };
}

/** Where the name of a model may stand. */
const NAMES = [['id'], ['configuration', 'name'], ['configuration', 'model'], ['configuration', 'azure_deployment']];
