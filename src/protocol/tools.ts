import type { ToolCall } from './generation.ts';

/** What a model may call, as OpenAI's files have it: one JSON object for each tool. */
export type Tools = readonly unknown[];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A tool's name; null for what is no tool. */
export function toolName(tool: unknown): string | null {
  const described = isObject(tool) && isObject(tool.function) ? tool.function : tool;
  return isObject(described) && typeof described.name === 'string' && described.name !== '' ? described.name : null;
}

/**
 * Reads definitions of tools: a JSON list, or a row of a dataset with `tools`, of JSON Lines the first one.
 * @returns what is wrong, in a sentence, where it is none
 */
export function toolsIn(text: string): { tools: Tools } | { problem: string } {
  const read = parsed(text) ?? parsed(text.trim().split('\n', 1)[0]!);
  if (!read) return { problem: 'The tools are no JSON: a list of tools as in OpenAI’s files is read.' };
  const found = isObject(read.value) ? read.value.tools : read.value;
  // A cell may hold the list as a text.
  const list = typeof found === 'string' ? parsed(found)?.value : found;
  if (!Array.isArray(list) || list.length === 0)
    return { problem: 'There are no tools: write a list with at least one.' };
  const wrong = list.findIndex((tool) => toolName(tool) === null);
  return wrong < 0 ? { tools: list } : { problem: `Tool ${wrong + 1} has no name.` };
}

function parsed(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

/** A call in a line, as it is shown. */
export const callText = ({ function: called }: ToolCall): string =>
  `${called.name}(${Object.entries(called.arguments)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(', ')})`;
