import * as vscode from 'vscode';
import { formatBytes } from '../protocol/index.ts';
import type { Luthier } from './context.ts';
import { learntFiles } from './datasets/of-run.ts';
import { COMMANDS, type SettingName } from './ids.ts';
import { endMessage, saysLittle } from './runs/present.ts';
import { hasModel, isFinished, isResumable, type Run } from './runs/run.ts';
import { setting } from './settings.ts';
import { tell } from './ui.ts';

/** Says once, at its end, how a run came out, with what one would do next as buttons. */
export function notifyEnds(luthier: Luthier): { dispose(): void } {
  // A run whose folder was deleted or moved has no record that could tell why it ended.
  const lost = luthier.runs.events.on(({ run, event }) => {
    if (event.event !== 'error' || event.code !== 'run-not-found') return;
    luthier.log.warn(`${run.folder}: ${event.message}`);
    void tell('warning', `${run.record.name} has ended: ${event.message}`);
  });
  const incidents = luthier.runs.events.on(({ run, event }) => {
    if (event.event === 'note' && event.incident !== undefined) void tellIncident(run, event.message);
  });
  const ended = luthier.runs.ended.on((run) => {
    luthier.log.info(`Run ${run.record.id}: ${run.state}`);
    // A person who cancels a run knows.
    // The end of an update is told with what came of it.
    if (luthier.completions.updates.isPending(run.folder) && isFinished(run)) return;
    if (run.state === 'cancelled' || !setting('luthier.notifications.runFinished')) return;
    void notify(run);
  });
  return {
    dispose: () => {
      lost.dispose();
      incidents.dispose();
      ended.dispose();
    },
  };
}

/** What went wrong on the graphics card in a run that goes on. */
async function tellIncident(run: Run, message: string): Promise<void> {
  const dashboard = 'Open Dashboard';
  const answer = await tell('warning', `${run.record.name}: ${message}`, dashboard);
  if (answer === dashboard) await vscode.commands.executeCommand(COMMANDS.openDashboard, run.folder);
}

async function notify(run: Run): Promise<void> {
  const { text, problem } = endMessage(run);
  const buttons: Record<string, string> = {};
  // What failed is looked at before it is tried again.
  if (run.state === 'failed') buttons['Open Dashboard'] = COMMANDS.openDashboard;
  // What such a model is for is shown first.
  if (hasModel(run) && (await learntFiles(run))) buttons['Measure Completions'] = COMMANDS.measureCompletions;
  if (hasModel(run)) buttons['Try Model'] = COMMANDS.tryModel;
  if (isResumable(run)) buttons.Resume = COMMANDS.resumeRun;
  if (saysLittle(run)) buttons['Cross-Validate…'] = COMMANDS.crossValidate;
  buttons['Open Dashboard'] = COMMANDS.openDashboard;
  const answer = await tell(problem ? 'warning' : 'information', text, ...Object.keys(buttons));
  const command = answer ? buttons[answer] : undefined;
  if (command) await vscode.commands.executeCommand(command, run.folder);
}

/** Says that the runs' folders have grown past the setting's limit. */
export async function tellDisk(bytes: number): Promise<void> {
  const [cleanUp, settings] = ['Clean Up Runs', 'Open Settings'];
  const answer = await tell('warning', `Runs take ${formatBytes(bytes)} of disk space.`, cleanUp, settings);
  if (answer === cleanUp) await vscode.commands.executeCommand(COMMANDS.cleanUpRuns);
  const name: SettingName = 'luthier.runs.diskWarning';
  if (answer === settings) await vscode.commands.executeCommand('workbench.action.openSettings', name);
}
