import * as vscode from 'vscode';
import type { Luthier } from '../context.ts';
import { isResumable, isWorking, type Run } from '../runs/run.ts';
import { confirm } from '../ui.ts';
import { requireTrust, runFor, runsFor } from './select.ts';

/** Pauses the runs that train: each ends its step, writes a checkpoint and waits. */
export async function pauseRun(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const runs = await runsFor(luthier, args, (run) => run.state === 'running' || run.state === 'starting', {
    title: 'Pause Run',
    none: 'No run is training.',
  });
  for (const run of runs) await luthier.actions.pause(run);
}

/** Resumes a paused, interrupted or failed run. */
export async function resumeRun(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const fits = (run: Run) => run.state === 'paused' || isResumable(run);
  const runs = await runsFor(luthier, args, fits, { title: 'Resume Run', none: 'No run can be resumed.' });
  for (const run of runs) {
    const ahead = await luthier.actions.resume(run);
    if (ahead) tellWaiting(run, ahead);
  }
}

/** Starts a waiting run ahead of the others; beside one that trains, when the person wants both at once. */
export async function startNow(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const run = await runFor(luthier, args, (run) => run.state === 'queued', {
    title: 'Start Now',
    none: 'No run is waiting.',
  });
  const [working] = luthier.runs.working();
  if (!working) return await luthier.starter.startNow(run);
  const both = 'Train Both';
  const next = 'Start Next';
  const answer = await vscode.window.showInformationMessage(
    `Start ${run.record.name} beside ${working.record.name}?`,
    {
      modal: true,
      detail: `${working.record.name} is at work. Two runs share the processor and the memory, so both are slower.`,
    },
    both,
    next,
  );
  if (answer === both) await luthier.starter.startNow(run);
  if (answer === next) await luthier.starter.putFirst(run);
}

/** Ends a run and keeps its best weights. */
export async function stopRun(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const runs = await runsFor(luthier, args, (run) => isWorking(run) || run.state === 'queued', {
    title: 'Stop Run and Keep Its Best Model',
    none: 'No run is at work.',
  });
  for (const run of runs) await luthier.actions.stop(run);
}

/** Ends a run and keeps nothing but its record; asks first. */
export async function cancelRun(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const run = await runFor(luthier, args, (run) => isWorking(run) || run.state === 'queued', {
    title: 'Cancel Run',
    none: 'No run is at work.',
  });
  if (run.state !== 'queued') {
    await confirm(
      `Cancel ${run.record.name}?`,
      'What it has learned is thrown away. Stop keeps the best model so far instead.',
      'Cancel Run',
    );
  }
  await luthier.actions.cancel(run);
}

export async function moveUpInQueue(luthier: Luthier, ...args: unknown[]): Promise<void> {
  await move(luthier, args, -1);
}

export async function moveDownInQueue(luthier: Luthier, ...args: unknown[]): Promise<void> {
  await move(luthier, args, 1);
}

async function move(luthier: Luthier, args: unknown[], by: number): Promise<void> {
  requireTrust();
  const run = await runFor(luthier, args, (run) => run.state === 'queued', {
    title: by < 0 ? 'Move Up in the Queue' : 'Move Down in the Queue',
    none: 'No run is waiting.',
  });
  await luthier.starter.move(run, by);
}

/** Said when a run has to wait for another. */
export function tellWaiting(run: Run, ahead: Run): void {
  void vscode.window.showInformationMessage(
    `${run.record.name} waits for ${ahead.record.name} and starts when that ends.`,
  );
}
