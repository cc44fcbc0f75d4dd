import * as vscode from 'vscode';
import { type AnswerName, formatBytes, formatCompact, type ModelEntry, purposeOf } from '../../protocol/index.ts';
import type { EngineService } from '../engine/service.ts';
import type { Choice } from '../questions.ts';
import { setting } from '../settings.ts';
import type { BaseTried } from './tried.ts';

/** Where models are looked for: the folders of the setting, and the workspace's. */
export function modelPlaces(): string[] {
  const workspace = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
  return [...new Set([...setting('luthier.modelFolders'), ...workspace])];
}

/** Models on this machine that no run has trained and that can be used. */
export async function listBases(
  service: Pick<EngineService, 'request'>,
  signal?: AbortSignal,
): Promise<(ModelEntry & { name: string })[]> {
  const models = await service.request('models/list', { folders: modelPlaces() }, { ...(signal && { signal }) });
  return models.filter(({ source, problem }) => source !== 'run' && problem === null);
}

/** A base model as a choice. */
export function baseChoice({ name, path, answers, ...model }: ModelEntry): Choice<BaseTried> {
  const size = [
    model.model_type,
    model.num_parameters > 0 ? `${formatCompact(model.num_parameters)} parameters` : '',
    formatBytes(model.bytes),
  ];
  return {
    label: name,
    description: size.filter(Boolean).join(' · '),
    detail: answers === null ? 'Has to be fine-tuned before it answers' : answered(answers, model),
    value: { path, name },
  };
}

const answered = (answers: AnswerName, model: Pick<ModelEntry, 'tasks' | 'labels'>): string =>
  answers === 'fill-mask' ? 'Fills in masks' : purposeOf(model);
