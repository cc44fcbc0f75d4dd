import type { MetricKey } from './metrics.ts';

/** What terminal, editor and pages know of a task; what it computes stands in the engine's folder of its name. */
export interface TaskDescription {
  readonly name: string;
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
  },
] as const satisfies readonly TaskDescription[];

export type TaskName = (typeof TASKS)[number]['name'];

/** The first task, which runs of 0.1.0 are of, where the name is not known. */
export const taskOf = (name: string | undefined): TaskDescription & { readonly name: TaskName } =>
  TASKS.find((task) => task.name === name) ?? TASKS[0];
