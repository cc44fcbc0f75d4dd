import type { TaskName } from '../../protocol/index.ts';
import type { ModelConfig } from '../hub/model-folder.ts';
import { conversational } from './conversational/task.ts';
import type { AnyTask } from './task.ts';
import { textClassification } from './text-classification/task.ts';
import { textGeneration } from './text-generation/task.ts';
import { tokenClassification } from './token-classification/task.ts';

/** Every task, a line each. */
const TASKS: { readonly [name in TaskName]: AnyTask } = {
  'text-classification': textClassification,
  'token-classification': tokenClassification,
  'text-generation': textGeneration,
  conversational,
};

/**
 * The task of a model's folder: as its config.json says that Luthier trained it, else by its class in `architectures`;
 * the first where none is named. A language model with a chat template is one for conversations.
 */
export function taskOfModel({ architectures, luthier }: ModelConfig, hasChatTemplate = false): AnyTask {
  const own = (luthier as { task?: unknown } | null | undefined)?.task;
  if (typeof own === 'string' && Object.hasOwn(TASKS, own)) return TASKS[own as TaskName];
  const classes = Array.isArray(architectures) ? architectures.map(String) : [];
  const all = Object.values(TASKS);
  const fitting = all.filter(({ save }) => classes.some((name) => name.endsWith(`For${save.autoModel}`)));
  return fitting.find(({ name }) => (name === 'conversational') === hasChatTemplate) ?? fitting[0] ?? all[0]!;
}

/** The first task, which runs of 0.1.0 are of, where no name is told. */
export const taskNamed = (name: TaskName = 'text-classification'): AnyTask => TASKS[name];

export const allTasks: readonly AnyTask[] = Object.values(TASKS);
