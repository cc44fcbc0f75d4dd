import { dirname } from 'node:path';
import type * as vscode from 'vscode';
import { rememberRun, runFolderProblem } from '../../guard/index.ts';
import type { RecipeInput } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { Cancelled } from '../errors.ts';
import { requireNone, requireWritable } from '../runs/errors.ts';
import { isResumable, isWorking, type Run } from '../runs/run.ts';
import { tell } from '../ui.ts';
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
    const meant = run.foreign ? await askWhoseRun(luthier, run) : run;
    const ahead = await luthier.actions.resume(meant);
    if (ahead && ahead !== meant) tellWaiting(meant, ahead);
  }
}

/** Starts a waiting run ahead of the others; beside one that trains, when the person wants both at once. */
export async function startNow(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const chosen = await runFor(luthier, args, (run) => run.state === 'queued', {
    title: 'Start Now',
    none: 'No run is waiting.',
  });
  const run = chosen.foreign ? await askWhoseRun(luthier, chosen) : chosen;
  const [working] = luthier.runs.working();
  if (!working) return await luthier.starter.startNow(run);
  const both = 'Train Both';
  const next = 'Start Next';
  const answer = await tell(
    'information',
    `Start ${run.record.name} alongside ${working.record.name}?`,
    {
      modal: true,
      detail: `${working.record.name} is still running. Two runs share the processor and the memory, so both are slower.`,
    },
    both,
    next,
  );
  if (answer === both) await luthier.starter.startNow(run);
  if (answer === next) await luthier.starter.putFirst(run);
}

/**
 * A run that was not started on this machine may have come with a repository: somebody else chose what it reads. The
 * person starts a new one with its recipe, or says that it is their own (moved, or from 0.1.0). Throws Cancelled.
 */
async function askWhoseRun(luthier: Luthier, run: Run): Promise<Run> {
  const { recipe, name, folds, seeds } = run.record;
  requireWritable(run);
  const parts = typeof recipe.dataset === 'string' ? [recipe.dataset] : Object.values(recipe.dataset);
  const start = 'Start New Run';
  const mine = 'It’s Mine, Resume';
  const answer = await tell(
    'warning',
    `${name} was not started on this machine.`,
    {
      modal: true,
      detail: `It came with this folder, was moved here, or is from Luthier 0.1.0. It reads ${[recipe.model, ...parts].join(', ')} and writes to ${run.folder}.\n\nStart a new run with its recipe, or resume it if it is yours.`,
    },
    start,
    mine,
  );
  if (answer === start) {
    const { path } = await luthier.engine.service.request('run/create', {
      recipe: recipe as unknown as RecipeInput,
      base: dirname(run.home),
      folder: run.home,
      ...(folds ? { folds: { count: folds.count, final: folds.final } } : {}),
      ...(seeds ? { seeds: seeds.values.length } : {}),
    });
    return await luthier.adopt(path);
  }
  if (answer !== mine) throw new Cancelled();
  requireNone(await runFolderProblem(run.folder), `${name} was not resumed`);
  await rememberRun(run.folder, run.record);
  return (await luthier.runs.refreshRun(run.folder)) ?? run;
}

/** Ends a run and keeps its best weights. */
export async function stopRun(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const runs = await runsFor(luthier, args, (run) => isWorking(run) || run.state === 'queued', {
    title: 'Stop Run and Keep Its Best Model',
    none: 'No run is active.',
  });
  for (const run of runs) await luthier.actions.stop(run);
}

/** Ends a run and keeps nothing but its record; asks first, and offers to keep the best model instead. */
export async function cancelRun(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const run = await runFor(luthier, args, (run) => isWorking(run) || run.state === 'queued', {
    title: 'Discard Run',
    none: 'No run is active.',
  });
  if (run.state !== 'queued' && (await askWhatToKeep(run)) === 'best') await luthier.actions.stop(run);
  else await luthier.actions.cancel(run);
}

/** Throws Cancelled where the run is to go on. */
async function askWhatToKeep(run: Run): Promise<'best' | 'nothing'> {
  const stop: vscode.MessageItem = { title: 'Stop and Keep Best' };
  const discard: vscode.MessageItem = { title: 'Discard Run' };
  const keep: vscode.MessageItem = {
    title: run.state === 'paused' ? 'Keep Run' : 'Keep Training',
    isCloseAffordance: true,
  };
  const answer = await tell(
    'warning',
    'Discard this run?',
    {
      modal: true,
      detail: `${run.record.name} ends without keeping a model. Stop and Keep Best ends it too, but keeps the best model so far.`,
    },
    stop,
    discard,
    keep,
  );
  if (answer === stop) return 'best';
  if (answer === discard) return 'nothing';
  throw new Cancelled();
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
  void tell('information', `${run.record.name} waits for ${ahead.record.name} and starts when that ends.`);
}
