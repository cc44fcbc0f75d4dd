import { rm } from 'node:fs/promises';
import { toErrorData } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { kindOf } from '../strategies/index.ts';
import type { Control } from '../train/control.ts';
import type { LoopOptions, Outcome } from '../train/loop.ts';
import type { LoopState } from '../train/loop-state.ts';
import type { Trainer } from '../train/types.ts';
import { goesOn, inFloat32 } from './going-on.ts';
import type { Journal } from './journal.ts';
import { LostCard } from './lost-card.ts';
import type { Place } from './place.ts';
import { type Prepared, prepare } from './prepare.ts';
import type { Stage } from './repeated.ts';

/** A run at work, as its trainings see it. */
export interface Run {
  journal: Journal;
  control: Control;
  place: Place;
  /** Whether it goes on from its last checkpoint. */
  resume: boolean;
}

/** Exit codes: 0 the run has ended as it was asked to, 130 it was interrupted and can be resumed. */
export async function trainOnce(run: Run): Promise<number> {
  const prepared = await prepareUnlessEnded(run);
  if (prepared === null) return endBeforeStart(run);
  const done = await new LostCard(run.journal).through(
    prepared,
    undefined,
    ({ trainer }) => run.journal.start(trainer),
    (current) => train(run, current),
  );
  const exit = await end(run, done.outcome, done.prepared);
  done.prepared.trainer.dispose();
  return exit;
}

/** Loading blocks in long pieces, but between them a wish to end is heard: then null. */
export async function prepareUnlessEnded({ journal, control, resume }: Run, stage?: Stage): Promise<Prepared | null> {
  const preparing = resume ? prepareWithoutCard(journal, stage) : prepare(journal, false, stage);
  preparing.catch(() => undefined);
  return await Promise.race([preparing, control.ended().then(() => null)]);
}

/** A run that goes on does so on the processor where its card is gone, as one does that loses it on the way, and says so. */
async function prepareWithoutCard(journal: Journal, stage: Stage | undefined): Promise<Prepared> {
  try {
    return await prepare(journal, true, stage);
  } catch (error) {
    const { code, message } = toErrorData(error);
    if (code !== 'backend-unavailable' || journal.record.recipe.backend !== 'webgpu') throw error;
    const prepared = await prepare(journal, true, stage, 'onnxruntime');
    const step = prepared.checkpoint?.loop.step ?? 0;
    journal.incident({
      kind: 'device-lost',
      step,
      message: `${message} ${goesOn(step, step, 'the processor')}${inFloat32(journal.record.recipe)}`,
    });
    return prepared;
  }
}

/** Runs the loop on what was prepared. `more` is what one of several trainings does otherwise. */
export async function train(
  { journal, control, place }: Run,
  { recipe, trainer, checkpoints, checkpoint }: Prepared,
  more: Partial<LoopOptions> = {},
): Promise<Outcome> {
  const { runTraining } = await import('../train/loop.ts');
  const options: LoopOptions = {
    trainer,
    recipe,
    control,
    checkpoints,
    emit: (event) => journal.emit(event),
    record: ({ loop, state }) => journal.change(loop, state),
    report: (report) => journal.keep(report),
    modelFolder: journal.at(FILES.model),
    // Near the system's time, but it never jumps.
    now: () => performance.timeOrigin + performance.now(),
    ...(checkpoint === null ? {} : { state: checkpoint.loop }),
  };
  return await place.during(() => runTraining({ ...options, ...more }));
}

async function endBeforeStart({ journal, control }: Run): Promise<number> {
  if (control.wish === 'interrupt') return 130;
  await journal.end(control.wish === 'cancel' ? 'cancelled' : 'stopped');
  return 0;
}

async function end({ journal, resume }: Run, outcome: Outcome, prepared: Prepared): Promise<number> {
  const { trainer, checkpoints } = prepared;
  const { record } = journal;
  record.step = trainer.step;
  // The state stays as it is: a reader finds that no process answers, and calls it interrupted.
  if (outcome.end === 'interrupted') return 130;
  if (outcome.end === 'cancelled') {
    await discard(journal);
    return 0;
  }
  const { loop, saved, metrics, stoppedEarly, forgetting } = outcome;
  if (forgetting) record.forgetting = forgetting;
  if (saved) await describeModel(journal, loop, prepared);
  record.best = loop.best;
  record.model = saved ? FILES.model : null;
  if (saved) await journal.diagnose(outcome.end, trainer);
  // After the record: a run killed in between is done, and never one that starts over because they are gone.
  const tidy = async () => {
    if (saved && !record.recipe.keep_checkpoints) await checkpoints.removeAll();
  };
  const tell = () => {
    if (!saved) return;
    journal.tellDone(
      {
        model: journal.at(FILES.model),
        metrics,
        ...(forgetting && { forgetting }),
        best_step: loop.best?.step ?? trainer.step,
        stopped_early: stoppedEarly,
      },
      // Seconds of work in earlier processes: the loop counts from the checkpoint, we from the command.
      resume ? Math.max(0, loop.elapsed_s - journal.elapsed) : 0,
    );
  };
  await journal.end(outcome.end, tell, tidy);
  return 0;
}

/** Ends a run of which nothing but the record and the metrics is kept. */
export async function discard(journal: Journal): Promise<void> {
  for (const name of [
    FILES.checkpoints,
    FILES.model,
    FILES.adapter,
    FILES.sentenceTransformer,
    FILES.evaluation,
    FILES.folds,
    FILES.seeds,
  ]) {
    await rm(journal.at(name), { recursive: true, force: true });
  }
  journal.record.best = null;
  await journal.end('cancelled');
}

/** Writes the model's card. A model is whole without one, so that what goes wrong with it is only told. */
export async function describeModel(
  journal: Journal,
  { best }: Pick<LoopState, 'best'>,
  { trainer, dataHash }: { trainer: Trainer; dataHash: string },
): Promise<void> {
  const { record, reports } = journal;
  const { writeModelCards } = await import('./card.ts');
  try {
    await writeModelCards(
      {
        model: journal.at(FILES.model),
        adapter: kindOf(record.recipe.strategy).peftConfig ? journal.at(FILES.adapter) : null,
      },
      journal.base,
      {
        record: { ...record, best },
        dataHash,
        rows: { train: trainer.numTrainRows, validation: trainer.numValidationRows, test: trainer.numTestRows },
        reports,
      },
    );
  } catch (error) {
    journal.note('warning', `The model card could not be written: ${toErrorData(error).message}`);
  }
}
