import { type AnswerName, isTaskName, type ModelDescription, type ModelEntry, taskOf } from '../../protocol/index.ts';
import type { EngineService } from '../engine/service.ts';
import { HostError } from '../errors.ts';
import type { Run } from '../runs/run.ts';

/** A base model that is asked as it is. */
export interface BaseTried {
  path: string;
  /** As a person knows it: `starters/decoder`. */
  name: string;
}

/** What a page tries: what a run has trained, or a base model. */
export type Tried = Run | BaseTried;

export const isRun = (tried: Tried): tried is Run => 'record' in tried;

export const triedName = (tried: Tried): string => (isRun(tried) ? tried.record.name : tried.name);

export const tryTitle = (tried: Tried): string => `Try ${triedName(tried)}`;

/** What a page keeps, to find again after a reload what it was about: a run's id, or a base model's place and name. */
export const triedId = (tried: Tried): string => {
  if (isRun(tried)) return tried.record.id;
  const { path, name } = tried;
  return JSON.stringify({ path, name });
};

/** The base model that an id is about; null for a run's. */
export function baseFromId(id: string): BaseTried | null {
  if (!id.startsWith('{')) return null;
  try {
    const { path, name } = JSON.parse(id) as Record<string, unknown>;
    return typeof path === 'string' && typeof name === 'string' ? { path, name } : null;
  } catch {
    return null;
  }
}

/** Whether what a model answers is text that it writes: such a model has a page of its own. */
export const writes = (answers: AnswerName): boolean => isTaskName(answers) && taskOf(answers).writes !== undefined;

/**
 * What is to be known of a base model before it is asked.
 * @throws HostError for one that cannot be used, or has to learn something first
 */
export async function describeTried(
  service: Pick<EngineService, 'request'>,
  { path, name }: BaseTried,
): Promise<ModelDescription & { answers: AnswerName }> {
  const model = await service.request('models/describe', { path, name });
  if (model.problem !== null) throw new HostError('model-invalid', model.problem);
  return requireAnswers(model);
}

/** @throws HostError for a model that has to learn something first */
export function requireAnswers<M extends Pick<ModelEntry, 'name' | 'answers'>>(model: M): M & { answers: AnswerName } {
  const { name, answers } = model;
  if (answers !== null) return { ...model, answers };
  throw new HostError(
    'model-unsupported',
    `${name} cannot be asked as it is: it does not write, and it has no trained classifier and no masked-language head.`,
    'Fine-tune it, then try the run’s model. To fill in masks, choose a model whose class is like BertForMaskedLM, such as bert-base-uncased.',
    ['fineTuneSelection', 'tryBaseModel'],
  );
}
