import type { EvaluationReport, RunEvent } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import type { Wish } from '../train/control.ts';
import type { Trainer } from '../train/types.ts';
import { CrossValidation } from './cross-validation.ts';
import type { Journal } from './journal.ts';
import { describeModel, discard, prepareUnlessEnded, type Run, train } from './training.ts';

/** Trains each fold, then the model of all rows, one after the other; steered, interrupted and resumed as one run. */
export async function trainFolds(run: Run): Promise<number> {
  const { journal, control, place } = run;
  const validation = new CrossValidation(journal.folder, () => journal.record);
  let isFinalDone = false;
  const earlier = await validation.pooled();
  if (earlier !== null) journal.reports.validation = earlier;
  for (;;) {
    const stage = await validation.next(isFinalDone);
    if (stage === null) return end(journal, 'run');
    const prepared = await prepareUnlessEnded(run, stage);
    if (prepared === null) return end(journal, control.wish);
    const { recipe, trainer, checkpoints } = prepared;
    const { before, total } = validation.steps(stage, trainer);
    journal.before = before;
    let kept: EvaluationReport | null = null;
    validation.begin(stage);
    journal.start(trainer, total, (event) => validation.tell(stage, event));
    const outcome = await train(run, prepared, {
      // Nothing is chosen by the rows that it is measured on.
      recipe: { ...recipe, early_stopping_patience: 0 },
      measureOnly: stage.fold !== null,
      emit: (event) => journal.emit(validation.tell(stage, withTimeOfAll(event, trainer, before, total))),
      record: ({ loop, state }) => journal.change({ ...loop, best: journal.record.best }, state),
      report: async (report) => {
        if (report.split === 'validation') kept = report;
        else await journal.keep(report);
      },
    });
    validation.end();
    journal.record.step = before + trainer.step;
    // A resumed run may come to the end of a fold that was evaluated before it was ended.
    if (outcome.end === 'done' && stage.fold !== null) {
      const report = kept ?? (await trainer.evaluate('validation'));
      await place.during(() => validation.finish({ ...stage, fold: stage.fold! }, report, trainer));
      const pooled = await validation.pooled();
      if (pooled !== null) await journal.keep(pooled);
      await journal.write();
    }
    if (stage.fold === null && (outcome.end === 'done' || outcome.end === 'stopped')) {
      isFinalDone = true;
      journal.record.model = outcome.saved ? FILES.model : null;
      if (outcome.forgetting) journal.record.forgetting = outcome.forgetting;
      if (outcome.saved) await describeModel(journal, journal.record, prepared);
      if (!recipe.keep_checkpoints) await checkpoints.removeAll();
    }
    trainer.dispose();
    if (outcome.end !== 'done') return end(journal, wishOf(outcome.end));
  }
}

async function end(journal: Journal, wish: Wish): Promise<number> {
  if (wish === 'interrupt') return 130;
  const { record } = journal;
  if (wish === 'cancel') {
    record.folds = { ...record.folds!, results: [], deviations: {} };
    await discard(journal);
    return 0;
  }
  const { best, folds, forgetting, model, step } = record;
  const tell = () => {
    if (best === null) return;
    journal.tellDone({
      model: model === null ? '' : journal.at(model),
      metrics: best.metrics,
      folds: folds!.results,
      ...(forgetting && { forgetting }),
      best_step: step,
      stopped_early: false,
    });
  };
  await journal.end(wish === 'stop' ? 'stopped' : 'done', tell);
  return 0;
}

/** What an outcome was asked for by. */
const wishOf = (end: 'stopped' | 'interrupted' | 'cancelled'): Wish =>
  end === 'stopped' ? 'stop' : end === 'cancelled' ? 'cancel' : 'interrupt';

/** Seconds left are those of all folds, not of the one at work. */
function withTimeOfAll(event: RunEvent, trainer: Trainer, before: number, total: number): RunEvent {
  if (event.event !== 'step' || event.eta_s === null || event.step >= trainer.totalSteps) return event;
  const left = (total - before - event.step) / (trainer.totalSteps - event.step);
  return { ...event, eta_s: event.eta_s * left };
}
