import * as vscode from 'vscode';
import type { Luthier } from './context.ts';
import { COMMANDS } from './ids.ts';
import { endMessage } from './runs/present.ts';
import { hasModel, isResumable, type Run } from './runs/run.ts';
import { setting } from './settings.ts';

/** Says once, at its end, how a run came out, with what one would do next as buttons. */
export function notifyEnds(luthier: Luthier): { dispose(): void } {
  return luthier.runs.ended.on((run) => {
    luthier.log.info(`Run ${run.record.id}: ${run.state}`);
    // A person who cancels a run knows.
    if (run.state === 'cancelled' || !setting('luthier.notifications.runFinished')) return;
    void notify(run);
  });
}

async function notify(run: Run): Promise<void> {
  const { text, problem } = endMessage(run);
  const buttons: Record<string, string> = {};
  if (hasModel(run)) buttons['Try Model'] = COMMANDS.tryModel;
  if (isResumable(run)) buttons.Resume = COMMANDS.resumeRun;
  buttons['Open Dashboard'] = COMMANDS.openDashboard;
  const show = problem ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
  const answer = await show(text, ...Object.keys(buttons));
  const command = answer ? buttons[answer] : undefined;
  if (command) await vscode.commands.executeCommand(command, run.folder);
}
