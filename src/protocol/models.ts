import { type AnswerName, recipeKeysOf, type TaskName } from './tasks.ts';

export interface ModelEntry {
  /** As a recipe names it. */
  name: string;
  source: 'starter' | 'folder' | 'cache' | 'run';
  path: string;
  model_type: string;
  bytes: number;
  num_parameters: number;
  /** What it can be fine-tuned for, the first being what it was made for; none of a model that cannot be used. */
  tasks: TaskName[];
  /** What it can be asked as it is; null of one that has to learn something first. */
  answers: AnswerName | null;
  /** Classes of a trained classifier; null for a model that is none. */
  labels: string[] | null;
  /** Languages that its card names, as codes (`en`, `multilingual`); null where it names none. */
  languages: string[] | null;
  /** Why it cannot be used, and what to do; null for a model that can. */
  problem: string | null;
}

/** What is known of one model before it is asked. */
export interface ModelDescription extends ModelEntry {
  /** What marks a place that it fills in, as it stands in texts; null of a model that fills in none. */
  mask: string | null;
}

const classifies = (task: string | undefined): boolean => task?.endsWith('classification') ?? false;

/** Whether a model was made for a task, be it that it reads or that it writes. */
const suits = ({ tasks }: ModelEntry, task: TaskName): boolean => classifies(tasks[0]) === classifies(task);

/**
 * The models of a list that can be fine-tuned for a task, those first that were made for it. A starter that was made
 * for something else is not among them: another one is there. Models that cannot be used stay, with their reason.
 */
export function modelsFor(task: TaskName, models: readonly ModelEntry[]): ModelEntry[] {
  // A model is made for a recipe's task, whichever variant of it is learnt.
  const wanted = recipeKeysOf(task).task;
  const rank = (model: ModelEntry) => (suits(model, wanted) ? 0 : 1);
  return models
    .filter((model) => model.problem !== null || model.tasks.includes(wanted))
    .filter((model) => model.problem !== null || model.source !== 'starter' || suits(model, wanted))
    .sort((a, b) => Number(a.problem !== null) - Number(b.problem !== null) || rank(a) - rank(b));
}

/** What a model is for, in a few words; of a trained classifier, its classes. */
export function purposeOf({ tasks, labels }: Pick<ModelEntry, 'tasks' | 'labels'>): string {
  if (labels) return `Classifies: ${labels.slice(0, 8).join(', ')}${labels.length > 8 ? ', …' : ''}`;
  if (tasks.length === 0) return '';
  return classifies(tasks[0]) ? 'Reads text, for classification' : 'Writes text';
}
