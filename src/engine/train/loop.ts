import {
  type CheckpointEvent,
  type EvaluationReport,
  type Forgetting,
  LuthierError,
  type MetricKey,
  type Metrics,
  metricOf,
  type Recipe,
  type RunEvent,
  type RunState,
} from '../../protocol/index.ts';
import { kindOf } from '../strategies/index.ts';
import { Abandoned, type Control } from './control.ts';
import { Forecast } from './forecast.ts';
import type { GeneralText, StepResult, Trainer, TrainerState } from './types.ts';

/** What the loop itself must remember over an interruption; it is part of every checkpoint. */
export interface LoopState {
  step: number;
  /** Step that was last evaluated: an evaluation that was cut short is done again. */
  evaluated_step: number;
  best: { step: number; metrics: Metrics; n?: number } | null;
  evaluations_without_improvement: number;
  /** Steps since the last logged one. */
  unlogged: { steps: number; loss_sum: number };
  /** How the untouched base foretold the text that tells what is forgotten; of a model that writes. */
  general?: GeneralText;
  /** Seconds of work before this process. */
  elapsed_s: number;
}

export const INITIAL_STATE: LoopState = {
  step: 0,
  evaluated_step: 0,
  best: null,
  evaluations_without_improvement: 0,
  unlogged: { steps: 0, loss_sum: 0 },
  elapsed_s: 0,
};

/** Where the loop leaves its work; runs/checkpoints.ts is the one on disk. */
export interface CheckpointStore {
  /** Writes all that is needed to go on. The trainer does nothing meanwhile, so its live memory may be read. */
  save(loop: LoopState, trainer: TrainerState): Promise<{ path: string; bytes: number }>;
  /** Writes the trained parameters alone: those of the best step, when no whole checkpoint is due. */
  saveWeights(loop: LoopState, trainer: TrainerState): Promise<{ path: string; bytes: number }>;
  /** Trained parameters of a step that was saved. */
  readWeights(step: number): Promise<Map<string, Float32Array>>;
  /** Newest step that can be gone on from, or null. */
  latest(): Promise<{ step: number; path: string } | null>;
}

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

/** A checkpoint is never older than this. */
const CHECKPOINT_INTERVAL_MS = 5 * 60_000;

/** Of equal values the lower loss is better: easy data reach an accuracy of 1 long before they are learnt. */
export function isBetter(key: MetricKey, metrics: Metrics, best: Metrics | undefined): boolean {
  const value = metrics[key];
  const previous = best?.[key];
  if (value === undefined || Number.isNaN(value)) return false;
  if (previous === undefined) return true;
  if (value === previous && key !== 'loss') return isBetter('loss', metrics, best);
  return metricOf(key)?.better === 'lower' ? value < previous : value > previous;
}

/**
 * Trains from the trainer's step to the last one, evaluating, choosing the best weights and writing checkpoints on the
 * way, and writes the model. Every wish of `control` is taken up within one step.
 * @throws LuthierError whatever the trainer or the disk throws; checkpoints written before stay
 */
export async function runTraining(options: LoopOptions): Promise<Outcome> {
  return new Loop(options).run();
}

/** What keeps a run from diverging. */
function slower({ strategy, learning_rate }: Recipe): string {
  const pairs = kindOf(strategy).pairs?.(strategy);
  return pairs
    ? `a lower body_learning_rate of the strategy (it is ${pairs.body_learning_rate}) or a larger warmup_proportion`
    : `a lower learning_rate (it is ${learning_rate}) or more warmup_steps`;
}

class Loop {
  readonly #o: LoopOptions;
  readonly #state: LoopState;
  readonly #now: () => number;
  readonly #started: number;
  readonly #forecast: Forecast;
  #savedStep: number;
  #savedAt: number;
  #toldPhase: number | null = null;
  #toldSolved: Trainer['solved'];

  constructor(options: LoopOptions) {
    this.#o = options;
    this.#state = structuredClone(options.state ?? INITIAL_STATE);
    this.#now = options.now ?? (() => Date.now());
    this.#started = this.#now() - this.#state.elapsed_s * 1000;
    this.#savedAt = this.#now();
    this.#savedStep = options.trainer.step;
    this.#forecast = new Forecast(options.trainer, options.recipe);
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
      const patience = recipe.early_stopping_patience;
      stoppedEarly = patience > 0 && this.#state.evaluations_without_improvement >= patience;
      const evaluated = this.#state.evaluated_step === trainer.step || !this.#evaluationDue(trainer.step);
      const complete = evaluated && (stoppedEarly || trainer.step >= trainer.totalSteps);
      if (!complete) await this.#checkpointIfDue();
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

  #epoch(): number {
    return Math.max(0, this.#o.trainer.step - this.#stepsBefore) / this.#o.trainer.stepsPerEpoch;
  }

  async #step(): Promise<void> {
    const { trainer, recipe, emit, control } = this.#o;
    this.#tellPhase();
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
    this.#tellSolved();
    const { unlogged } = this.#state;
    unlogged.steps++;
    unlogged.loss_sum += result.loss;
    // A mean of two losses would be none of either.
    const isLast = result.step === trainer.totalSteps || result.step === this.#stepsBefore;
    if (result.step % recipe.logging_steps !== 0 && !isLast) return;
    const loss = unlogged.steps === 1 ? result.loss : unlogged.loss_sum / unlogged.steps;
    this.#state.unlogged = { steps: 0, loss_sum: 0 };
    emit({
      event: 'step',
      time: this.#time(),
      step: result.step,
      epoch: result.epoch,
      loss,
      learning_rate: result.learning_rate,
      grad_norm: result.grad_norm,
      tokens_per_second: (result.tokens / stepMs) * 1000,
      step_ms: stepMs,
      rss_bytes: process.memoryUsage.rss(),
      eta_s: this.#forecast.secondsLeft(result.step),
    });
  }

  /** Once before the first step of a phase, told as that step's; a run that goes on from there tells it again. */
  #tellPhase(): void {
    const { trainer, emit } = this.#o;
    const begins = trainer.phaseStarts?.find(({ step }) => step === trainer.step);
    if (begins === undefined || this.#toldPhase === begins.step) return;
    this.#toldPhase = begins.step;
    const step = begins.step + 1;
    emit({
      event: 'note',
      time: this.#time(),
      level: 'info',
      step,
      message: `From step ${step} on, ${begins.message}`,
    });
  }

  /** Once for each time that the classifier was solved. */
  #tellSolved(): void {
    const { trainer, emit } = this.#o;
    if (trainer.solved === undefined || trainer.solved === this.#toldSolved) return;
    this.#toldSolved = trainer.solved;
    emit({ event: 'solved', time: this.#time(), step: trainer.step, epoch: this.#epoch(), ...trainer.solved });
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
    const { recipe, record, trainer } = this.#o;
    const began = performance.now();
    const report = await this.#evaluate('validation');
    this.#forecast.evaluation(performance.now() - began);
    this.#tellSolved();
    const { measureOnly = false } = this.#o;
    const better = measureOnly || isBetter(recipe.metric_for_best_model, report.metrics, this.#state.best?.metrics);
    this.#state.evaluated_step = trainer.step;
    this.#state.evaluations_without_improvement = better ? 0 : this.#state.evaluations_without_improvement + 1;
    if (better) {
      this.#state.best = { step: trainer.step, metrics: report.metrics, n: report.n };
      await this.#o.report(report);
    }
    this.#emitEvaluation(report, trainer.step, better);
    await this.#sample();
    // At the end the best weights are either here in memory or saved already.
    const last = trainer.step >= trainer.totalSteps || this.#o.control.wish === 'stop';
    if (better && this.#keepsModel && !last && this.#checkpointDue() === null) await this.#checkpoint('best');
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
    const { trainer, emit, control } = this.#o;
    if (!this.#keepsModel || control.ending) return;
    try {
      const samples = await trainer.samples?.(() => this.#unlessEnding());
      if (!samples || samples.length === 0) return;
      emit({ event: 'samples', time: this.#time(), step: trainer.step, epoch: this.#epoch(), samples });
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
    this.#note('How much of the base model is forgotten was not measured: a loss on the general text is not finite.');
    return undefined;
  }

  #emitEvaluation(report: EvaluationReport, step: number, best: boolean): void {
    this.#o.emit({
      event: 'eval',
      time: this.#time(),
      step,
      epoch: this.#epoch(),
      split: report.split,
      metrics: report.metrics,
      n: report.n,
      best,
    });
  }

  #checkpointDue(): CheckpointEvent['reason'] | null {
    const { trainer, recipe } = this.#o;
    const { step } = trainer;
    if (step === this.#savedStep) return null;
    if (recipe.save_steps > 0 && step % recipe.save_steps === 0) return 'save_steps';
    const done = step - this.#stepsBefore;
    if (recipe.save_steps === 0 && done >= 0 && done % trainer.stepsPerEpoch === 0) return 'epoch';
    return this.#now() - this.#savedAt >= CHECKPOINT_INTERVAL_MS ? 'interval' : null;
  }

  async #checkpointIfDue(): Promise<void> {
    const reason = this.#checkpointDue();
    if (reason !== null) await this.#checkpoint(reason);
  }

  async #checkpoint(reason: CheckpointEvent['reason']): Promise<void> {
    const { trainer, checkpoints, emit, record } = this.#o;
    if (trainer.step === 0) return;
    this.#state.elapsed_s = (this.#now() - this.#started) / 1000;
    const write = reason === 'best' ? checkpoints.saveWeights : checkpoints.save;
    await trainer.collect();
    const { path, bytes } = await write.call(checkpoints, this.#state, trainer.state());
    if (reason !== 'best') {
      this.#savedStep = trainer.step;
      this.#savedAt = this.#now();
    }
    emit({ event: 'checkpoint', time: this.#time(), step: trainer.step, path, bytes, reason });
    await record({ loop: this.#state });
  }

  async #pause(): Promise<void> {
    const { control, trainer, record } = this.#o;
    if (trainer.step !== this.#savedStep) await this.#checkpoint('pause');
    this.#setState('paused');
    await record({ state: 'paused', loop: this.#state });
    control.fulfil(trainer.step);
    while (control.wish === 'pause') await control.changed();
    if (control.ending) return;
    this.#savedAt = this.#now();
    this.#setState('running');
    await record({ state: 'running', loop: this.#state });
    control.fulfil(trainer.step);
  }

  /** Ends early: what has not been evaluated is, so that the best weights are really chosen. */
  async #stop(): Promise<Outcome> {
    const { trainer, control, record } = this.#o;
    this.#setState('stopping');
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
      this.#note('The run was stopped while the prompt was pre-trained: no row was learnt yet, and there is no model.');
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
          this.#note('How much of the base model is forgotten was not measured because the run was stopped.');
        if (trainer.numTestRows > 0) this.#note('The test rows were not evaluated because the run was stopped.');
      }
    }
    this.#state.elapsed_s = (this.#now() - this.#started) / 1000;
    const metrics = best?.metrics ?? {};
    return { end, loop: this.#state, saved, stoppedEarly, metrics, ...(forgetting && { forgetting }) };
  }

  async #test(): Promise<void> {
    const report = await this.#evaluate('test');
    await this.#o.report(report);
    this.#emitEvaluation(report, this.#state.best?.step ?? this.#o.trainer.step, false);
  }

  #note(message: string): void {
    this.#o.emit({ event: 'note', time: this.#time(), level: 'warning', message });
  }

  #setState(state: RunState): void {
    this.#o.emit({ event: 'state', time: this.#time(), state });
  }

  #time(): number {
    return this.#now() / 1000;
  }
}
