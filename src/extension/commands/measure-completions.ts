import * as vscode from 'vscode';
import { completionReportText, mayTakeOver } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { COMMANDS } from '../ids.ts';
import { hasWriter } from '../runs/run.ts';
import { tell, withProgress } from '../ui.ts';
import { requireTrust, runFor } from './select.ts';

/**
 * Says in plain words how a run's model completes the files that were held out, beside the model that it began with,
 * and offers to use it.
 */
export async function measureCompletions(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const run = await runFor(luthier, args, hasWriter, {
    title: 'Measure Completions',
    none: 'No run has a model that writes yet. Use Fine-tune on My Files first.',
  });
  const { name } = run.record;
  const report = await withProgress(`Typing held-out files with ${name}`, (signal, progress) =>
    luthier.engine.service.request(
      'run/completions',
      { run: run.folder },
      {
        signal,
        onPart: (part) => {
          if (part.type === 'rows')
            progress({ message: `${part.done} of ${part.total} lines`, done: part.done, total: part.total });
        },
      },
    ),
  );
  const text = `${name}: ${completionReportText(report, luthier.completions.models.nameOf(report.base)).join(' ')}`;
  const [use, open] = ['Use for Completions', 'Open Dashboard'];
  luthier.log.info(text);
  // A model that is no better, or has forgotten much, is not put first.
  const buttons = mayTakeOver(report) ? [use, open] : [open, use];
  const answer = await tell('information', text, ...buttons);
  if (answer === use) await vscode.commands.executeCommand(COMMANDS.useForCompletions, run.folder);
  if (answer === open) await vscode.commands.executeCommand(COMMANDS.openDashboard, run.folder);
}
