import { join } from 'node:path';
import type * as vscode from 'vscode';
import { HostError } from '../errors.ts';
import { hasModel, type Run } from '../runs/run.ts';
import type { RunStore } from '../runs/store.ts';
import { Panels } from './panels.ts';

/** What is needed of a window's runs. */
interface Runs {
  store: RunStore;
  /** Runs by their ids, once those of this window are known. */
  find(ids: readonly string[]): Promise<Run[]>;
}

export const tryTitle = ({ record }: Run): string => `Try ${record.name}`;

/** The panels in which a run's model is tried. */
export abstract class RunPanels extends Panels<Run> {
  protected abstract readonly options: Runs;

  protected keyOf({ folder }: Run): string {
    return folder;
  }

  protected titleOf(run: Run): string {
    return tryTitle(run);
  }

  protected async find(state: unknown): Promise<Run | undefined> {
    const id = typeof state === 'object' && state !== null && 'run' in state ? String(state.run) : '';
    return (await this.options.find([id]))[0];
  }
}

/** Keeps a panel called as its run is. @param renamed after the run was given another name */
export const followName = (
  panel: vscode.WebviewPanel,
  store: RunStore,
  current: () => Run,
  renamed: () => void,
): { dispose(): void } =>
  store.changed.on(() => {
    const title = tryTitle(current());
    if (panel.title === title) return;
    panel.title = title;
    renamed();
  });

/** @throws HostError `model-not-found` where the run has none yet */
export function modelFolderOf(run: Run): string {
  if (hasModel(run)) return join(run.folder, run.record.model ?? 'model');
  throw new HostError(
    'model-not-found',
    `${run.record.name} has no model on disk yet.`,
    'Wait for it to end, or try another run.',
  );
}
