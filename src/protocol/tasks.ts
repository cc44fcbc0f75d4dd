import type { MetricKey } from './metrics.ts';

/** What terminal, editor and pages know of a task; what it computes stands in the engine's folder of its name. */
export interface TaskDescription {
  /** Of a variant, the `problem_type` by which a recipe's task and a model's config.json tell it. */
  readonly name: string;
  /** A recipe's `task` that it is a variant of. */
  readonly of?: string;
  /** As a person chooses it. */
  readonly title: string;
  /** What a row of its data is called; several have an s. */
  readonly row: string;
  /** One of its labels, and several. */
  readonly label: readonly [one: string, many: string];
  /** What has one label each. */
  readonly labelled: string;
  /** What its evaluations measure. */
  readonly metrics: readonly MetricKey[];
  /** Of a recipe that does not say. */
  readonly max_length?: number;
  /** Decides which weights are best where a recipe does not say. */
  readonly best: MetricKey;
  /** What its models write: what follows a text, or the next message of a conversation. Others choose of their labels. */
  readonly writes?: 'continuation' | 'message';
}

/** Every task, one entry each, in the order in which they are offered. */
export const TASKS = [
  {
    name: 'text-classification',
    title: 'Text classification',
    row: 'row',
    label: ['class', 'classes'],
    labelled: 'row',
    metrics: ['accuracy', 'f1_macro', 'f1_weighted', 'mcc', 'loss', 'ece'],
    best: 'f1_macro',
  },
  {
    name: 'multi_label_classification',
    of: 'text-classification',
    title: 'Multi-label classification',
    row: 'row',
    label: ['label', 'labels'],
    labelled: 'row',
    metrics: ['accuracy', 'f1_macro', 'f1_micro', 'precision', 'recall', 'loss'],
    best: 'f1_micro',
  },
  {
    name: 'regression',
    of: 'text-classification',
    title: 'Regression',
    row: 'row',
    label: ['value', 'values'],
    labelled: 'row',
    metrics: ['pearson', 'spearmanr', 'mse', 'loss'],
    best: 'mse',
  },
  {
    name: 'token-classification',
    title: 'Token classification',
    row: 'sentence',
    label: ['tag', 'tags'],
    labelled: 'word',
    metrics: ['accuracy', 'f1', 'precision', 'recall', 'loss'],
    best: 'f1',
  },
  {
    name: 'text-generation',
    title: 'Text generation',
    row: 'text',
    label: ['label', 'labels'],
    labelled: 'text',
    metrics: ['perplexity', 'bits_per_byte', 'loss'],
    max_length: 512,
    best: 'perplexity',
    writes: 'continuation',
  },
  {
    name: 'conversational',
    title: 'Conversation',
    row: 'conversation',
    label: ['label', 'labels'],
    labelled: 'conversation',
    metrics: ['perplexity', 'loss'],
    max_length: 512,
    best: 'perplexity',
    writes: 'message',
  },
] as const satisfies readonly TaskDescription[];

export type TaskName = (typeof TASKS)[number]['name'];

/** What a model answers that Luthier does not train yet: a token in the place of a mask. */
export const FILL_MASK = 'fill-mask';

/** What a model can be asked for. */
export type AnswerName = TaskName | typeof FILL_MASK;

export const isTaskName = (name: string): name is TaskName => TASKS.some((task) => task.name === name);

/** A recipe's `task`. */
export type RecipeTask = Exclude<TaskName, VariantName>;
type VariantName = Extract<(typeof TASKS)[number], { of: string }>['name'];

export const RECIPE_TASKS: readonly RecipeTask[] = TASKS.flatMap((task) => ('of' in task ? [] : [task.name]));

/** `problem_type`, as transformers' config.json has it; the first is that of a text classification that names none. */
export const PROBLEM_TYPES = ['single_label_classification', 'multi_label_classification', 'regression'] as const;
export type ProblemType = (typeof PROBLEM_TYPES)[number];

/** What is learnt by a recipe. */
export const taskNameOf = ({
  task,
  problem_type,
}: {
  task: RecipeTask;
  problem_type?: ProblemType | undefined;
}): TaskName => (problem_type === undefined || problem_type === 'single_label_classification' ? task : problem_type);

/** The same as keys of a recipe. */
export function recipeKeysOf(name: TaskName): { task: RecipeTask; problem_type?: ProblemType } {
  const problem_type = PROBLEM_TYPES.find((type) => type === name);
  return problem_type === undefined ? { task: name as RecipeTask } : { task: 'text-classification', problem_type };
}

/** Whether its loss chooses one class of several, which can be weighted and smoothed. */
export const weighsClasses = (name: TaskName): boolean =>
  name !== 'multi_label_classification' && name !== 'regression';

/** Tasks whose rows a prompt template can write. */
export const TEMPLATED_TASKS: readonly TaskName[] = TASKS.map(({ name }) => name).filter(
  (name) => name !== 'token-classification',
);

/** The first task, which runs of 0.1.0 are of, where the name is not known. */
export const taskOf = (name: string | undefined): TaskDescription & { readonly name: TaskName } =>
  TASKS.find((task) => task.name === name) ?? TASKS[0];

/** Whether a config.json's `architectures` name a class that writes; GPT-2's is of before there was a rule. */
export const writesByClass = (architectures: unknown): boolean =>
  Array.isArray(architectures) && architectures.some((name) => /(?:ForCausalLM|LMHeadModel)$/.test(String(name)));
