import * as vscode from 'vscode';
import type { Change } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { datasetOfRun } from '../datasets/of-run.ts';
import { HostError } from '../errors.ts';
import { COMMANDS } from '../ids.ts';
import type { Run } from '../runs/run.ts';
import { openChangedRecipe } from './run-use.ts';

/** Opens what a run's finding suggests: nothing is started but by the person. */
export async function tryChange(luthier: Luthier, run: Run, change: Change): Promise<void> {
  switch (change.kind) {
    case 'recipe':
      return await openChangedRecipe(luthier, run, change.set);
    case 'folds':
      await vscode.commands.executeCommand(COMMANDS.crossValidate, run);
      return;
    case 'data': {
      const path = await datasetOfRun(run);
      if (path === null)
        throw new HostError('data-unreadable', `The dataset of ${run.record.name} is no longer where it was.`);
      // One that no tree lists is chosen from those that are.
      const dataset = (await luthier.datasets.list()).find((listed) => listed.path === path);
      await vscode.commands.executeCommand(COMMANDS.inspectDataset, dataset);
      return;
    }
    case 'evaluate':
      await vscode.commands.executeCommand(COMMANDS.evaluateOnFile, run);
      return;
    // The page shows its own rows.
    case 'rows':
      return;
  }
}
