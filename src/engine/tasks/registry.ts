import type { TaskName } from '../../protocol/index.ts';
import type { ModelConfig } from '../hub/model-folder.ts';
import type { AnyTask } from './task.ts';
import { textClassification } from './text-classification/task.ts';
import { tokenClassification } from './token-classification/task.ts';

/** Every task, a line each. */
const TASKS: { readonly [name in TaskName]: AnyTask } = {
  'text-classification': textClassification,
  'token-classification': tokenClassification,
};

/** The task of a model's folder, by its class in config.json's `architectures`; the first where none is named. */
export function taskOfModel({ architectures }: ModelConfig): AnyTask {
  const classes = Array.isArray(architectures) ? architectures.map(String) : [];
  const all = Object.values(TASKS);
  return all.find(({ save }) => classes.some((name) => name.endsWith(`For${save.autoModel}`))) ?? all[0]!;
}

/** The first task, which runs of 0.1.0 are of, where no name is told. */
export const taskNamed = (name: TaskName = 'text-classification'): AnyTask => TASKS[name];

export const allTasks: readonly AnyTask[] = Object.values(TASKS);
