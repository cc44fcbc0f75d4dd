import type { RunEvent } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import type { Wish } from '../train/control.ts';
import type { Trainer } from '../train/types.ts';
import { CrossValidation } from './cross-validation.ts';
import type { Journal, Labelled } from './journal.ts';
import { LostCard } from './lost-card.ts';
import type { Repeated } from './repeated.ts';
import { Seeds } from './seeds.ts';
import { describeModel, discard, prepareUnlessEnded, type Run, train } from './training.ts';

/**
 * Trains each fold and then the model of all rows, or each seed, one after the other; steered, interrupted and resumed
 * as one run.
 */
export async function trainRepeatedly(run: Run): Promise<number> {
  const { journal, control, place } = run;
  const trainings: Repeated = new (journal.record.seeds ? Seeds : CrossValidation)(
    journal.folder,
    () => journal.record,
  );
  let isModelDone = false;
  let labelled: Labelled | null = null;
  await trainings.recall(journal);
  for (;;) {
    const stage = await trainings.next(isModelDone);
    if (stage === null) return end(journal, 'run', labelled);
    const first = await prepareUnlessEnded(run, stage);
    if (first === null) return end(journal, control.wish, labelled);
    const of_run = trainings.steps(stage, first.trainer);
    const { before, total } = of_run;
    journal.before = before;
    trainings.begin(stage);
    const { outcome, prepared } = await new LostCard(journal).through(
      first,
      stage,
      ({ trainer }) => journal.start(trainer, { of_run, tell: (event) => trainings.tell(stage, event) }),
      (current) =>
        train(run, current, {
          ...trainings.loop(stage, current.recipe),
          emit: (event) => journal.emit(trainings.tell(stage, withTimeOfAll(event, current.trainer, before, total))),
          record: ({ loop, state }) => journal.change({ ...loop, best: journal.record.best }, state),
          report: (report) => trainings.report(stage, report, journal),
        }),
    );
    const { recipe, trainer, checkpoints } = prepared;
    trainings.end();
    journal.record.step = before + trainer.step;
    const makesModel = trainings.writesModel(stage) && (outcome.end === 'done' || outcome.end === 'stopped');
    if (makesModel) {
      isModelDone = true;
      const best = journal.record.best ?? outcome.loop.best;
      journal.record.best = best;
      journal.record.model = outcome.saved ? FILES.model : null;
      if (outcome.forgetting) journal.record.forgetting = outcome.forgetting;
      if (outcome.saved) await describeModel(journal, { best }, prepared);
    }
    const number = trainings.numberOf(stage);
    if (outcome.end === 'done' && number !== null) {
      const result = await trainings.outcome({ ...stage, number }, trainer, outcome.loop.best);
      await place.during(() => trainings.finish({ ...stage, number }, result, trainer));
      const pooled = await trainings.pooled();
      if (pooled !== null) await journal.keep(pooled);
      await journal.write();
    } else if (makesModel && !recipe.keep_checkpoints) await checkpoints.removeAll();
    const { labels, labelCounts, classCounts, numTrainRows } = trainer;
    labelled = { labels, labelCounts, classCounts, numTrainRows };
    trainer.dispose();
    if (outcome.end !== 'done') return end(journal, wishOf(outcome.end), labelled);
  }
}

async function end(journal: Journal, wish: Wish, labelled: Labelled | null): Promise<number> {
  if (wish === 'interrupt') return 130;
  const { record } = journal;
  if (wish === 'cancel') {
    const none = { results: [], deviations: {} };
    if (record.folds) record.folds = { ...record.folds, ...none };
    if (record.seeds) record.seeds = { ...record.seeds, ...none };
    record.model = null;
    await discard(journal);
    return 0;
  }
  const state = wish === 'stop' ? 'stopped' : 'done';
  if (record.best !== null) await journal.diagnose(state, labelled);
  const { best, folds, forgetting, model, seeds, step } = record;
  const tell = () => {
    if (best === null && model === null) return;
    const parts = folds ?? seeds;
    journal.tellDone({
      model: model === null ? '' : journal.at(model),
      metrics: best?.metrics ?? {},
      ...(folds && { folds: folds.results }),
      ...(seeds && { seeds: seeds.results }),
      ...(parts && { deviations: parts.deviations }),
      ...(forgetting && { forgetting }),
      best_step: step,
      stopped_early: false,
    });
  };
  await journal.end(state, tell);
  return 0;
}

/** What an outcome was asked for by. */
const wishOf = (end: 'stopped' | 'interrupted' | 'cancelled'): Wish =>
  end === 'stopped' ? 'stop' : end === 'cancelled' ? 'cancel' : 'interrupt';

/** Seconds left are those of all trainings, not of the one at work. */
function withTimeOfAll(event: RunEvent, trainer: Trainer, before: number, total: number): RunEvent {
  if (event.event !== 'step' || event.eta_s === null) return event;
  const left = (total - before - event.step) / (trainer.totalSteps - event.step);
  return { ...event, eta_s: event.eta_s * left };
}
