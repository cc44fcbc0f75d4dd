import { type Columns, type Field, fieldOf, type TaskName } from '../../protocol/index.ts';
import { listed, quoted } from './problems.ts';
import type { Table } from './table.ts';

/** What the rows of tasks are known by, the plainest first. */
const KNOWN_BY: readonly (readonly [TaskName, ...(keyof Columns)[]])[] = [
  ['conversational', 'messages'],
  ['token-classification', 'tokens', 'tags'],
  ['text-generation', 'prompt', 'completion'],
];

/** Any table of classified texts has these, so they say something only where a model is to write. */
const KNOWN_BY_TEXTS: typeof KNOWN_BY = [
  ['text-classification', 'text', 'label'],
  ['text-generation', 'text'],
];

/**
 * A sentence, after a space, about the task that reads a table which lacks what `task` needs; empty where the usual
 * names of columns speak for none.
 */
export function saysOtherTask(table: Table, task: TaskName): string {
  const writes = task === 'text-generation' || task === 'conversational';
  for (const [other, ...names] of writes ? [...KNOWN_BY, ...KNOWN_BY_TEXTS] : KNOWN_BY) {
    const found = names.map((name) => usualColumn(table, fieldOf(other, name)));
    if (other === task || found.includes(undefined) || new Set(found).size < found.length) continue;
    const columns = listed(found.map((name) => quoted(name!)));
    return ` The task ${other} reads ${columns}: "task": "${other}" in a recipe, --task ${other} in luthier data inspect.`;
  }
  return '';
}

function usualColumn({ columns, nested }: Table, { usual, kind }: Field): string | undefined {
  return columns.find((name) => usual.includes(name.trim().toLowerCase()) && nested.has(name) === (kind === 'list'));
}
