import {
  isTaskName,
  LuthierError,
  PROBLEM_TYPES,
  type Recipe,
  recipeKeysOf,
  type TaskName,
  taskNameOf,
  writesByClass,
} from '../../protocol/index.ts';
import { nearest } from '../../protocol/nearest.ts';
import { listed } from '../data/problems.ts';
import type { ModelConfig } from '../hub/model-folder.ts';
import { numLabelsOf } from '../models/classes.ts';
import { OWN_KEY, ownValue, shown } from '../models/config.ts';
import { isDecoder } from '../models/registry.ts';
import { conversational } from './conversational/task.ts';
import { fillMask } from './fill-mask/answer.ts';
import { multiLabelClassification } from './multi-label-classification/task.ts';
import { regression } from './regression/task.ts';
import { settingsOf } from './settings.ts';
import type { AnyAnswering, AnyTask, TaskSettings } from './task.ts';
import { textClassification } from './text-classification/task.ts';
import { textGeneration } from './text-generation/task.ts';
import { tokenClassification } from './token-classification/task.ts';

/** Every task, a line each. */
const TASKS: { readonly [name in TaskName]: AnyTask } = {
  'text-classification': textClassification,
  multi_label_classification: multiLabelClassification,
  regression,
  'token-classification': tokenClassification,
  'text-generation': textGeneration,
  conversational,
};

/**
 * The task of a model's folder: as its config.json says that Luthier trained it, else by its class in `architectures`;
 * where none is named a decoder writes, and any other has the first. A language model with a chat template is one for
 * conversations. What a text classifier does its `problem_type` says; transformers takes one with a single label for
 * regression.
 * @throws LuthierError `model-invalid` for a task that there is none of, or that the rest of the file contradicts
 */
export function taskOfModel(config: ModelConfig, hasChatTemplate = false): AnyTask {
  const { architectures } = config;
  const own = ownTask(config);
  if (own) refuseContradiction(own, config);
  if (own) return own.bind?.(settingsOf(config)) ?? own;
  const classes = Array.isArray(architectures) ? architectures.map(String) : [];
  const all = Object.values(TASKS);
  const writes = classes.length === 0 ? isDecoder(config) : writesByClass(classes);
  const fitting = all.filter(({ save: { autoModel } }) =>
    autoModel === 'CausalLM' ? writes : classes.some((name) => name.endsWith(`For${autoModel}`)),
  );
  const task = fitting.find(({ name }) => (name === 'conversational') === hasChatTemplate) ?? fitting[0] ?? all[0]!;
  if (task !== textClassification) return task;
  const type = config.problem_type ?? (numLabelsOf(config) === 1 ? 'regression' : null);
  const variant = type === 'multi_label_classification' || type === 'regression' ? TASKS[type] : task;
  return variant.bind?.(settingsOf(config)) ?? variant;
}

/** Names that are written alike but for capitals, hyphens, underscores and blanks are one. */
const plain = (name: string): string => name.toLowerCase().replace(/[\s_-]+/g, '-');

/** Tasks by what a config.json may call them, plainly. */
const BY_NAME: ReadonlyMap<string, AnyTask> = new Map([
  ...Object.entries(TASKS).map(([name, task]): [string, AnyTask] => [plain(name), task]),
  [plain(PROBLEM_TYPES[0]), textClassification],
]);

/** The task that a model's own entry names. @throws LuthierError `model-invalid` where there is no such task */
function ownTask(config: ModelConfig): AnyTask | undefined {
  const names = Object.keys(TASKS);
  const isOne = (value: unknown): value is string => typeof value === 'string' && BY_NAME.has(plain(value));
  const near = (task: string) => nearest(task, names, Math.max(2, task.length / 3));
  const named = ownValue(config, 'task', isOne, `must be one of ${listed(names)}`, near);
  return named === undefined ? undefined : BY_NAME.get(plain(named));
}

/**
 * What a model's own entry says must not be at odds with what transformers reads in the same file.
 * @throws LuthierError `model-invalid`
 */
function refuseContradiction({ name }: AnyTask, config: ModelConfig): void {
  const { problem_type } = config;
  const labels = numLabelsOf(config);
  const isVariant = recipeKeysOf(name).task === textClassification.name;
  const isOther = isVariant && typeof problem_type === 'string' && BY_NAME.get(plain(problem_type))?.name !== name;
  if (!isOther && !(name === 'regression' && labels !== undefined && labels !== 1)) return;
  throw new LuthierError(
    'model-invalid',
    `config.json: ${OWN_KEY}.task is "${name}", but ${isOther ? `problem_type is ${shown(problem_type)}` : `it names ${labels} labels`}.`,
    'Correct one of the two in the model’s folder, or remove it.',
  );
}

/** What a model's folder answers: its task, or what Luthier does not train, by its class in `architectures`. */
export function answeringOfModel(config: ModelConfig, hasChatTemplate = false): AnyAnswering {
  const classes = Array.isArray(config.architectures) ? config.architectures.map(String) : [];
  return classes.some((name) => MASKED.test(name)) ? fillMask : taskOfModel(config, hasChatTemplate);
}

/** BERT's class with both of its pretrained heads has the masked one, too. */
const MASKED = /For(MaskedLM|PreTraining)$/;

/**
 * A model's task, to be measured or trained on.
 * @throws LuthierError `usage` for one that only answers
 */
export function requireTask(answering: AnyAnswering, model: string): AnyTask {
  if (isTaskName(answering.name)) return answering as AnyTask;
  throw new LuthierError(
    'usage',
    `${model} fills in masks (${answering.name}), which Luthier does not train, measure or export yet.`,
    'Use luthier predict, or fine-tune it as a base model for another task.',
  );
}

/** Of a recipe, what decides it. */
interface Learnt extends TaskSettings {
  task: Recipe['task'];
  problem_type?: Recipe['problem_type'] | undefined;
}

/** What a recipe's model learns, from data that are written as it says. */
export function taskFor(recipe: Learnt): AnyTask {
  const task = taskNamed(taskNameOf(recipe));
  return task.bind?.(recipe) ?? task;
}

/** The first task, which runs of 0.1.0 are of, where no name is told. */
export const taskNamed = (name: TaskName = 'text-classification'): AnyTask => TASKS[name];

/** As taskNamed, of data that are written as is said beside it. */
export const taskOfData = ({ task, ...how }: TaskSettings & { task?: TaskName | undefined }): AnyTask =>
  taskNamed(task).bind?.(how) ?? taskNamed(task);

export const allTasks: readonly AnyTask[] = Object.values(TASKS);
