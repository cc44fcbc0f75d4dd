import * as vscode from 'vscode';
import type { Luthier } from '../context.ts';
import { Cancelled, HostError } from '../errors.ts';
import { COMMANDS } from '../ids.ts';
import { choose } from '../questions.ts';
import { describeRunItem, stateIcon } from '../runs/present.ts';
import type { Run } from '../runs/run.ts';
import { lostNode } from '../trees/selection.ts';
import { tell } from '../ui.ts';

/** A run among a command's arguments: a tree's item, or an id or folder that a link or a test names. */
export function asRun(luthier: Luthier, value: unknown): Run | undefined {
  if (typeof value === 'string') return luthier.runs.find(value);
  if (typeof value !== 'object' || value === null || !('folder' in value)) return undefined;
  return luthier.runs.get(String(value.folder));
}

/**
 * The runs that a command is about: those clicked or selected in the tree, or one that the person picks out of those
 * that fit. Throws HostError when none fits, Cancelled when none is picked.
 */
export async function runsFor(
  luthier: Luthier,
  args: readonly unknown[],
  fits: (run: Run) => boolean,
  question: { title: string; none: string },
): Promise<Run[]> {
  await luthier.load();
  const [clicked, together] = args;
  const named = (Array.isArray(together) && together.length > 0 ? together : [clicked])
    .map((value) => asRun(luthier, value))
    .filter((run) => run !== undefined);
  if (named.length > 0) {
    const fitting = named.filter(fits);
    if (fitting.length === 0) throw new HostError('run-invalid', question.none);
    return fitting;
  }
  // A key passes nothing, and means what is selected; a menu whose line was drawn again just then passes an undefined
  // one, and what else may be selected is not what was clicked.
  const selected = lostNode(args) ? [] : (await luthier.selectedRuns()).filter(fits);
  if (selected.length > 0) return [...selected];
  const candidates = luthier.runs.all().filter(fits);
  if (candidates.length === 0) throw new HostError('run-not-found', question.none);
  // Where only one fits there is nothing to ask; what would lose something asks for itself, by name.
  if (candidates.length === 1) return candidates;
  return [
    await choose({
      title: question.title,
      placeholder: 'Choose a run',
      items: candidates.map((run) => ({
        label: `$(${stateIcon(run).icon}) ${run.record.name}`,
        description: describeRunItem(run, luthier.starter.position(run)),
        value: run,
      })),
    }),
  ];
}

/** As runsFor, for commands about one run. */
export async function runFor(
  luthier: Luthier,
  args: readonly unknown[],
  fits: (run: Run) => boolean,
  question: { title: string; none: string },
): Promise<Run> {
  const [run] = await runsFor(luthier, args.slice(0, 1), fits, question);
  if (!run) throw new Cancelled();
  return run;
}

/** Where there is nothing yet that a command could work on: what comes before it, as buttons. */
export async function leadOn(luthier: Luthier, message: string): Promise<void> {
  const working = luthier.runs.working()[0];
  if (working) {
    const open = 'Open Dashboard';
    const answer = await tell(
      'information',
      `${message} ${working.record.name} is still training: you can try its model when it ends.`,
      open,
    );
    if (answer === open) luthier.dashboards.show([working]);
    return;
  }
  const steps = { 'Fine-tune…': COMMANDS.fineTuneSelection, 'Try with Example Data…': COMMANDS.tryExample };
  const answer = await tell('information', `${message} Fine-tune one first.`, ...Object.keys(steps));
  if (answer) await vscode.commands.executeCommand(steps[answer as keyof typeof steps]);
}

/** Refuses what starts a program or changes files where the workspace is not trusted. */
export function requireTrust(): void {
  if (vscode.workspace.isTrusted) return;
  throw new HostError(
    'untrusted',
    'This workspace is not trusted: you can view datasets and runs, but not start or change anything.',
    'Trust it with Manage Workspace Trust to train.',
  );
}
