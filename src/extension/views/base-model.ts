import { basename, dirname, join } from 'node:path';
import { readJson } from '../../files/json.ts';
import { type TaskName, type TryoutModel, taskNameOf, taskOf } from '../../protocol/index.ts';
import type { Run } from '../runs/run.ts';

/** The model that a run started from, as something to compare with; `note` says why there is none. */
export type BaseModel = { path: string; model: TryoutModel; note: null } | { path: null; model: null; note: string };

type BaseConfig = { architectures?: unknown; id2label?: Record<string, unknown>; problem_type?: unknown };

/** A run's base model where it lies in a folder on this machine: a starter, or beside the recipe. */
export async function findBaseFolder(
  run: Run,
  extension: string,
): Promise<{ path: string; name: string; config: BaseConfig } | null> {
  const { model } = run.record.recipe;
  if (!model) return null;
  const bases = [run.record.recipe_path ? dirname(run.record.recipe_path) : null, dirname(run.home)];
  const candidates = [
    // Starters come with the extension.
    ...(isStarter(model) ? [join(extension, model)] : []),
    model,
    ...bases.filter((base) => base !== null).map((base) => join(base, model)),
  ];
  for (const path of candidates) {
    const config = (await readJson(join(path, 'config.json')).catch(() => undefined)) as BaseConfig | undefined;
    if (config) return { path, name: shownAs(model), config };
  }
  return null;
}

/**
 * Looks at the base model's config.json: only a trained classifier with labels of its own can be compared.
 * @param extension the extension's folder, where starters are
 */
export async function findBaseModel(run: Run, extension: string): Promise<BaseModel> {
  const { model } = run.record.recipe;
  const { recipe } = run.record;
  const { name: task } = taskOf(recipe.task);
  const { name: learnt } = taskOf(taskNameOf(recipe));
  if (!model) return none('The run does not name its base model.');
  const name = shownAs(model);
  const found = await findBaseFolder(run, extension);
  if (!found) return none(`The base model ${name} is not in a folder on this machine, so it cannot be compared.`);
  const { architectures, id2label } = found.config;
  const classifies =
    Array.isArray(architectures) &&
    architectures.some((architecture) => String(architecture).endsWith(HEADS[task] ?? 'ForSequenceClassification'));
  const labels = Object.entries(id2label ?? {})
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, label]) => String(label));
  if (classifies && labels.length > 0) {
    const answers = task === 'text-classification' ? answersOf(found.config, labels.length) : task;
    if (answers === learnt) return { path: found.path, model: { task: learnt, name, labels }, note: null };
    return none(`${name} ${ANSWERS[answers]}, which cannot be compared with what this run learned.`);
  }
  return none(
    task === 'token-classification'
      ? `${name} does not name entities: it learned to in this run.`
      : `${name} has no trained classifier: it learned to classify in this run.`,
  );
}

/** What a text classifier does, which its problem_type says; transformers takes one with a single label for regression. */
const answersOf = ({ problem_type }: BaseConfig, labels: number): TaskName => {
  if (problem_type === 'multi_label_classification' || problem_type === 'regression') return problem_type;
  return labels === 1 && problem_type == null ? 'regression' : 'text-classification';
};

const ANSWERS: Partial<Record<TaskName, string>> = {
  'text-classification': 'chooses one label for each text',
  multi_label_classification: 'gives a text any number of labels',
  regression: 'gives a text a number',
};

const isStarter = (model: string): boolean => /^starters[\\/]/.test(model);
const shownAs = (model: string): string => (isStarter(model) ? model : basename(model));

/** Tasks whose models answer with labels, and what the class of such a model ends in. */
export const HEADS: Partial<Record<TaskName, string>> = {
  'text-classification': 'ForSequenceClassification',
  'token-classification': 'ForTokenClassification',
};

const none = (note: string): BaseModel => ({ path: null, model: null, note });
