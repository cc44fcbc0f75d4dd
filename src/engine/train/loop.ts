import {
  type CheckpointEvent,
  type EvaluationReport,
  type Forgetting,
  LuthierError,
  type Metrics,
  type Recipe,
  type RunEvent,
  type RunState,
} from '../../protocol/index.ts';
import { kindOf } from '../strategies/index.ts';
import { isOutOfPatience, noteEvaluation } from './best-weights.ts';
import { CheckpointSchedule } from './checkpoint-schedule.ts';
import { Abandoned, type Control } from './control.ts';
import { Forecast } from './forecast.ts';
import { LoopEvents } from './loop-events.ts';
import { type CheckpointStore, INITIAL_STATE, type LoopState } from './loop-state.ts';
import type { GeneralText, StepResult, Trainer } from './types.ts';

export interface LoopOptions {
  trainer: Trainer;
  recipe: Recipe;
  control: Control;
  checkpoints: CheckpointStore;
  emit: (event: RunEvent) => void;
  /** Told at each change that a reader of the run's record should see. */
  record: (change: { state?: RunState; loop: LoopState }) => Promise<void>;
  /** Keeps a report: the best one of the validation part, the only one of the test part. */
  report: (report: EvaluationReport) => Promise<void>;
  /** Where the model goes. */
  modelFolder: string;
  /**
   * A fold of a cross-validation: no weights are chosen by what they are measured on, so that the last evaluation
   * counts; and no model is written.
   */
  measureOnly?: boolean;
  /** False for one of several trainings whose model nobody wants: its best weights are measured, and not kept. */
  keepsModel?: boolean;
  /** State of the checkpoint that the trainer was restored from. */
  state?: LoopState;
  /** Milliseconds; replaced in tests. */
  now?: () => number;
}

export type Outcome =
  | {
      end: 'done' | 'stopped';
      loop: LoopState;
      saved: boolean;
      stoppedEarly: boolean;
      metrics: Metrics;
      forgetting?: Forgetting;
    }
  | { end: 'interrupted'; loop: LoopState }
  | { end: 'cancelled'; loop: LoopState };

/**
 * Trains from the trainer's step to the last one, evaluating, choosing the best weights and writing checkpoints on the
 * way, and writes the model. Every wish of `control` is taken up within one step.
 * @throws LuthierError whatever the trainer or the disk throws; checkpoints written before stay
 */
export async function runTraining(options: LoopOptions): Promise<Outcome> {
  return new Loop(options).run();
}

/** What keeps a run from diverging. */
function slower({ strategy, learning_rate, fp16 }: Recipe): string {
  const pairs = kindOf(strategy).pairs?.(strategy);
  const wider = fp16 ? ', or without fp16' : '';
  return pairs
    ? `a lower body_learning_rate of the strategy (it is ${pairs.body_learning_rate}) or a larger warmup_proportion${wider}`
    : `a lower learning_rate (it is ${learning_rate}) or more warmup_steps${wider}`;
}

class Loop {
  readonly #o: LoopOptions;
  readonly #state: LoopState;
  readonly #now: () => number;
  readonly #started: number;
  readonly #forecast: Forecast;
  readonly #events: LoopEvents;
  readonly #schedule: CheckpointSchedule;

  constructor(options: LoopOptions) {
    const { trainer, recipe, emit, state = INITIAL_STATE, now = () => Date.now() } = options;
    this.#o = options;
    this.#state = structuredClone(state);
    this.#now = now;
    this.#started = now() - this.#state.elapsed_s * 1000;
    this.#forecast = new Forecast(trainer, recipe);
    this.#events = new LoopEvents({ trainer, recipe, emit, now });
    this.#schedule = new CheckpointSchedule(trainer, recipe, now);
  }

  async run(): Promise<Outcome> {
    const { trainer, control, recipe } = this.#o;
    let stoppedEarly = false;
    // What the untouched base foretells and answers, to be compared with.
    if (trainer.step === 0) {
      await this.#measureBase();
      await this.#sample();
    }
    for (;;) {
      try {
        if (this.#evaluationDue(trainer.step) && this.#state.evaluated_step < trainer.step) await this.#validate();
      } catch (error) {
        if (!(error instanceof Abandoned)) throw error;
      }
      stoppedEarly = isOutOfPatience(this.#state, recipe.early_stopping_patience);
      const evaluated = this.#state.evaluated_step === trainer.step || !this.#evaluationDue(trainer.step);
      const complete = evaluated && (stoppedEarly || trainer.step >= trainer.totalSteps);
      const due = complete ? null : this.#schedule.due();
      if (due !== null) await this.#checkpoint(due);
      await control.turn();
      // A run that works needs not go on; a pause taken back before it came needs no more.
      if (control.wish === 'run') control.fulfil(trainer.step);
      if (control.wish === 'cancel') return { end: 'cancelled', loop: this.#state };
      if (control.wish === 'interrupt' && !complete) {
        await this.#checkpoint('interrupt');
        return { end: 'interrupted', loop: this.#state };
      }
      if (complete) return this.#finish('done', stoppedEarly && trainer.step < trainer.totalSteps);
      if (control.wish === 'stop') return this.#stop();
      if (control.wish === 'pause') {
        await this.#pause();
        continue;
      }
      await this.#step();
    }
  }

  #evaluationDue(step: number): boolean {
    const { trainer, recipe } = this.#o;
    const done = step - this.#stepsBefore;
    if (trainer.numValidationRows === 0 || done <= 0) return false;
    return done % (recipe.eval_steps || trainer.stepsPerEpoch) === 0 || step === trainer.totalSteps;
  }

  /** Steps that pre-train a prompt: until they are done there is nothing to evaluate, nor a model. */
  get #stepsBefore(): number {
    return this.#o.trainer.pretraining?.steps ?? 0;
  }

  get #keepsModel(): boolean {
    const { measureOnly = false, keepsModel = true } = this.#o;
    return keepsModel && !measureOnly;
  }

  async #step(): Promise<void> {
    const { trainer, control } = this.#o;
    this.#events.phase();
    const began = performance.now();
    let result: StepResult;
    try {
      result = await trainer.trainStep(async () => {
        await control.turn();
        if (control.wish !== 'run') throw new Abandoned();
      });
    } catch (error) {
      if (error instanceof Abandoned) return;
      if (error instanceof LuthierError && error.code === 'loss-not-finite') throw await this.#diverged(error);
      throw error;
    }
    const stepMs = performance.now() - began;
    this.#forecast.step(stepMs);
    this.#state.step = result.step;
    this.#events.solved();
    this.#events.step(result, stepMs, this.#forecast.secondsLeft(result.step), this.#state);
  }

  /** A step left the parameters as they were; what is on disk is older still, and good. */
  async #diverged(error: LuthierError): Promise<LuthierError> {
    const { recipe, checkpoints } = this.#o;
    const kept = await checkpoints.latest();
    const where =
      kept === null ? 'There was no checkpoint yet.' : `The checkpoint of step ${kept.step} is kept in ${kept.path}.`;
    return new LuthierError('loss-not-finite', error.message, `${where} Start a new run with ${slower(recipe)}.`, {
      cause: error,
    });
  }

  async #validate(): Promise<void> {
    const { recipe, record, trainer, measureOnly = false } = this.#o;
    const began = performance.now();
    const report = await this.#evaluate('validation');
    this.#forecast.evaluation(performance.now() - began);
    this.#events.solved();
    const key = measureOnly ? null : recipe.metric_for_best_model;
    const better = noteEvaluation(this.#state, report, trainer.step, key);
    if (better) await this.#o.report(report);
    this.#events.evaluation(report, trainer.step, better);
    await this.#sample();
    // At the end the best weights are either here in memory or saved already.
    const last = trainer.step >= trainer.totalSteps || this.#o.control.wish === 'stop';
    if (better && this.#keepsModel && !last && this.#schedule.due() === null) await this.#checkpoint('best');
    await record({ loop: this.#state });
  }

  /** Evaluates with an ear for wishes: one given up is done again if it still matters. */
  async #evaluate(split: 'validation' | 'test'): Promise<EvaluationReport> {
    return this.#o.trainer.evaluate(split, () => this.#heed(split === 'validation'));
  }

  /** Between two batches of what is measured. @throws Abandoned where a wish makes it pointless */
  async #heed(pauses: boolean): Promise<void> {
    const { trainer, control } = this.#o;
    await control.turn();
    // Stopping needs the evaluation: it chooses the weights that are kept.
    if (control.wish === 'stop') control.fulfil(trainer.step);
    else if (control.ending || (control.wish === 'pause' && pauses)) throw new Abandoned();
  }

  /** Answers take many steps' time: whoever wants the run to end does not wait for them. */
  async #sample(): Promise<void> {
    const { trainer, control } = this.#o;
    if (!this.#keepsModel || control.ending) return;
    try {
      const samples = await trainer.samples?.(() => this.#unlessEnding());
      if (samples && samples.length > 0) this.#events.samples(samples);
    } catch (error) {
      if (!(error instanceof Abandoned)) throw error;
    }
  }

  async #unlessEnding(): Promise<void> {
    const { control } = this.#o;
    await control.turn();
    if (control.ending) throw new Abandoned();
  }

  async #measureBase(): Promise<void> {
    if (!this.#keepsModel || this.#o.control.ending) return;
    try {
      const general = await this.#measureGeneral(() => this.#unlessEnding());
      if (general !== undefined) this.#state.general = general;
    } catch (error) {
      if (!(error instanceof Abandoned)) throw error;
    }
  }

  /** Of the weights that were written, beside the base; undefined where either was not measured. */
  async #measureForgetting(): Promise<Forgetting | undefined> {
    const before = this.#state.general;
    const after = before && (await this.#measureGeneral(() => this.#heed(false)));
    return after && { tokens: after.tokens, before: before.perplexity, after: after.perplexity };
  }

  async #measureGeneral(between: () => Promise<void>): Promise<GeneralText | undefined> {
    const general = await this.#o.trainer.general?.(between);
    if (general === undefined || Number.isFinite(general.perplexity)) return general;
    this.#events.warn(
      'How much of the base model is forgotten was not measured: a loss on the general text is not finite.',
    );
    return undefined;
  }

  async #checkpoint(reason: CheckpointEvent['reason']): Promise<void> {
    const { trainer, checkpoints, record } = this.#o;
    if (trainer.step === 0) return;
    this.#state.elapsed_s = (this.#now() - this.#started) / 1000;
    const write = reason === 'best' ? checkpoints.saveWeights : checkpoints.save;
    await trainer.collect();
    const written = await write.call(checkpoints, this.#state, trainer.state());
    if (reason !== 'best') this.#schedule.saved();
    this.#events.checkpoint(written, reason);
    await record({ loop: this.#state });
  }

  async #pause(): Promise<void> {
    const { control, trainer, record } = this.#o;
    if (!this.#schedule.isSaved) await this.#checkpoint('pause');
    this.#events.state('paused');
    await record({ state: 'paused', loop: this.#state });
    control.fulfil(trainer.step);
    while (control.wish === 'pause') await control.changed();
    if (control.ending) return;
    this.#schedule.restart();
    this.#events.state('running');
    await record({ state: 'running', loop: this.#state });
    control.fulfil(trainer.step);
  }

  /** Ends early: what has not been evaluated is, so that the best weights are really chosen. */
  async #stop(): Promise<Outcome> {
    const { trainer, control, record } = this.#o;
    this.#events.state('stopping');
    await record({ state: 'stopping', loop: this.#state });
    control.fulfil(trainer.step);
    try {
      const first = Math.max(this.#stepsBefore, this.#state.evaluated_step);
      if (trainer.step > first && trainer.numValidationRows > 0) await this.#validate();
    } catch (error) {
      if (!(error instanceof Abandoned)) throw error;
      if (control.wish === 'cancel') return { end: 'cancelled', loop: this.#state };
      await this.#checkpoint('interrupt');
      return { end: 'interrupted', loop: this.#state };
    }
    return this.#finish('stopped', false);
  }

  async #finish(end: 'done' | 'stopped', stoppedEarly: boolean): Promise<Outcome> {
    const { trainer, checkpoints, modelFolder, control } = this.#o;
    const { best } = this.#state;
    const saved = trainer.step > this.#stepsBefore && this.#keepsModel;
    if (trainer.step > 0 && !saved && this.#keepsModel)
      this.#events.warn(
        'The run was stopped while the prompt was pre-trained: no row was learnt yet, and there is no model.',
      );
    let forgetting: Forgetting | undefined;
    if (saved) {
      const last = best === null || best.step === trainer.step;
      if (!last) trainer.loadParameters(await checkpoints.readWeights(best.step));
      // A run whose folder is gone ends here: saving would make the folder again.
      await this.#o.record({ loop: this.#state });
      try {
        await trainer.saveModel(modelFolder);
      } catch (error) {
        // The work since the last checkpoint must not be lost with the model.
        if (last) await this.#checkpoint('interrupt').catch(() => undefined);
        throw error;
      }
      try {
        forgetting = await this.#measureForgetting();
        if (trainer.numTestRows > 0) await this.#test();
      } catch (error) {
        if (!(error instanceof Abandoned)) throw error;
        if (control.wish === 'cancel') return { end: 'cancelled', loop: this.#state };
        if (this.#state.general && !forgetting)
          this.#events.warn('How much of the base model is forgotten was not measured because the run was stopped.');
        if (trainer.numTestRows > 0) this.#events.warn('The test rows were not evaluated because the run was stopped.');
      }
    }
    this.#state.elapsed_s = (this.#now() - this.#started) / 1000;
    const metrics = best?.metrics ?? {};
    return { end, loop: this.#state, saved, stoppedEarly, metrics, ...(forgetting && { forgetting }) };
  }

  async #test(): Promise<void> {
    const report = await this.#evaluate('test');
    await this.#o.report(report);
    this.#events.evaluation(report, this.#state.best?.step ?? this.#o.trainer.step, false);
  }
}
