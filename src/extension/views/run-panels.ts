import { join } from 'node:path';
import type * as vscode from 'vscode';
import { HostError } from '../errors.ts';
import { hasModel, type Run } from '../runs/run.ts';
import type { RunStore } from '../runs/store.ts';
import { Panels } from './panels.ts';
import { baseFromId, isRun, type Tried, tryTitle } from './tried.ts';

/** What is needed of a window's runs. */
interface Runs {
  store: RunStore;
  /** Runs by their ids, once those of this window are known. */
  find(ids: readonly string[]): Promise<Run[]>;
}

/** The panels in which a model is tried, one for each run or base model. */
export abstract class RunPanels extends Panels<Tried> {
  protected abstract readonly options: Runs;

  protected keyOf(tried: Tried): string {
    return isRun(tried) ? tried.folder : tried.path;
  }

  protected titleOf(tried: Tried): string {
    return tryTitle(tried);
  }

  protected async find(state: unknown): Promise<Tried | undefined> {
    const id = typeof state === 'object' && state !== null && 'run' in state ? String(state.run) : '';
    return baseFromId(id) ?? (await this.options.find([id]))[0];
  }
}

/** Keeps a panel called as what it tries is. @param renamed after the run was given another name */
export const followName = (
  panel: vscode.WebviewPanel,
  store: RunStore,
  current: () => Tried,
  renamed: () => void,
): { dispose(): void } =>
  store.changed.on(() => {
    const title = tryTitle(current());
    if (panel.title === title) return;
    panel.title = title;
    renamed();
  });

/** Folder of the model that is tried. @throws HostError `model-not-found` where the run has none yet */
export const triedFolder = (tried: Tried): string => (isRun(tried) ? modelFolderOf(tried) : tried.path);

/** @throws HostError `model-not-found` where the run has none yet */
export function modelFolderOf(run: Run): string {
  if (hasModel(run)) return join(run.folder, run.record.model ?? 'model');
  throw new HostError(
    'model-not-found',
    `${run.record.name} has no model on disk yet.`,
    'Wait for it to end, or try another run.',
  );
}
