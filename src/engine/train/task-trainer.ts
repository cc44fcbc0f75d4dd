import { counted, type EvaluationReport, LuthierError, largest, type Recipe } from '../../protocol/index.ts';
import { embeddingPart } from '../models/architecture.ts';
import { PROMPT_EMBEDDINGS } from '../models/prompt.ts';
import { countSteps, learningRate } from '../recipes/schedule.ts';
import { keepsParameters } from '../runtime/device-parameters.ts';
import { FittingBatch } from '../runtime/fitting-batch.ts';
import { TaskModel } from '../runtime/model.ts';
import type { Scaled } from '../runtime/update-program.ts';
import { heldBy, isTrainedIn, phasesOf, rateOf } from '../strategies/apply.ts';
import { kindOf } from '../strategies/index.ts';
import { type PhaseStart, phaseStarts } from '../strategies/phase-starts.ts';
import { Evaluator } from './evaluator.ts';
import { explainFull, microBatches, smallerEvaluations, smallerSteps } from './full-card.ts';
import { HeadFeatures } from './head-features.ts';
import { classCounts, labelCounts } from './label-counts.ts';
import type { Lessons } from './lessons.ts';
import { LossScale, Overflow } from './loss-scale.ts';
import { adamWStep, gradientNorm } from './optimizer.ts';
import { pretrainingStarts } from './pretraining.ts';
import { saveTrained } from './save-trained.ts';
import { SolvedAnswers } from './solved-answers.ts';
import type { TrainerParts } from './trainer-parts.ts';
import { copyWeights, putMoments, putParameters, requirePhase, startOver, stateOf } from './trainer-state.ts';
import type { Between, StepResult, Trainer, TrainerState } from './types.ts';

/** A step of the optimiser. */
interface Update {
  recipe: Recipe;
  learning_rate: number;
  /** 1 for the first. */
  step: number;
  /** Of the gradients' norm; when it throws, nothing has changed. */
  check: (norm: number) => void;
  /** Where the gradients are scaled. */
  scaled: Scaled | undefined;
}

/** A trainer of whatever task, on data and a model that createTrainer (trainer.ts) has made ready. */
export class TaskTrainer implements Trainer {
  readonly model: TaskModel;
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  schedule: typeof learningRate = learningRate;
  #step = 0;
  readonly #parts: TrainerParts;
  readonly #answers: SolvedAnswers;
  readonly #features: HeadFeatures;
  readonly #evaluator: Evaluator;
  /** Rows of a step that are computed at once; their gradients are summed. */
  readonly #micro: FittingBatch;
  /** Where steps compute in float16, or did before the run went on in float32. */
  #scale: LossScale | null;
  #order: { of: Lessons; epoch: number; rows: Uint32Array } | undefined;
  /** Of what is pre-trained along with a prompt and thrown away. */
  #beginning: ReadonlyMap<string, Float32Array> = new Map();

  constructor(parts: TrainerParts) {
    this.#parts = parts;
    const { task, recipe, dataset, encoded, lessons, pretraining, architecture, executor, note } = parts;
    const { labels } = dataset;
    const { rows } = lessons;
    const { per_device_train_batch_size: batch, gradient_accumulation_steps: accumulation } = lessons.recipe;
    const steps = countSteps(lessons.recipe, lessons.items.length);
    this.stepsPerEpoch = steps.perEpoch;
    this.totalSteps = this.#stepsBefore + steps.total;
    const texts = Math.max(batch, pretraining?.lessons.recipe.per_device_train_batch_size ?? 0);
    const items = [...rows, ...(pretraining?.lessons.items ?? [])];
    const model = new TaskModel({
      executor,
      architecture,
      numLabels: architecture.outputs ?? labels.length,
      padId: parts.tokenizer.padId,
      isTrained: isTrainedIn(recipe.strategy, architecture),
      phases: phasesOf(recipe.strategy, architecture, steps),
      rateOf: rateOf(recipe.strategy, architecture),
      held: heldBy(recipe.strategy, architecture),
      recompute: recipe.gradient_checkpointing,
      float16: recipe.fp16,
      accumulate: accumulation > 1 && !keepsParameters(executor),
      loss: lessons.loss,
      learns: lessons.isPaired ? embeddingPart(architecture) : 'all',
      // What is drawn for a later epoch may be longer.
      maxBatch: { texts, tokens: largest(items, (t) => (t.inEpoch ? parts.maxLength : t.ids.length)) },
      seed: recipe.seed,
    });
    this.model = model;
    this.#scale = recipe.fp16 ? new LossScale() : null;
    // A step that compares its texts is computed whole.
    const least = lessons.isPaired ? batch : 1;
    const outOfMemory = (how: string) => this.#outOfMemory(how);
    this.#micro = new FittingBatch(texts, model, (size) => outOfMemory(this.#smallerSteps(size)), least);
    const batchSize = recipe.per_device_eval_batch_size;
    const fitting = new FittingBatch(batchSize, model, (...sizes) => outOfMemory(smallerEvaluations(...sizes)));
    const features = new HeadFeatures(
      { model, executor, note, config: parts.folder.config, batchSize, fitting },
      { ...encoded, train: rows },
    );
    this.#features = features;
    this.#answers = new SolvedAnswers({
      ...{ model, task, recipe, labels, items: rows, own: encoded.train.length, fitting, note },
      collect: () => this.collect(),
    });
    this.#evaluator = new Evaluator({ parts, model, features, fitting, outOfMemory });
  }

  /** What the next step learns from. */
  get #lessonsNow(): Lessons {
    const { pretraining, lessons } = this.#parts;
    return this.#step < this.#stepsBefore ? pretraining!.lessons : lessons;
  }

  /** Steps that pre-train a prompt, before those that learn the rows. */
  get #stepsBefore(): number {
    return this.#parts.pretraining?.steps.total ?? 0;
  }

  get pretraining(): Trainer['pretraining'] {
    const { pretraining: first } = this.#parts;
    return first ? { steps: first.steps.total, rows: first.rows, held_out: first.held_out } : undefined;
  }

  get frozenBits(): Trainer['frozenBits'] {
    return this.model.device?.heldBits;
  }

  /** Notes the weights, as they are loaded, of what a pre-training throws away. */
  keepBeginning(): void {
    if (this.#parts.pretraining) this.#beginning = copyWeights(this.model, (name) => name !== PROMPT_EMBEDDINGS);
  }

  get phaseStarts(): readonly PhaseStart[] {
    const { lessons, pretraining } = this.#parts;
    // Its pairs and what comes behind them are told from the start.
    if (lessons.isPaired) return [];
    const { model } = this;
    if (pretraining) return pretrainingStarts(pretraining, model.architecture.outputs === undefined);
    return phaseStarts(model.architecture, model.declaration().parameters, {
      phases: model.store.phases,
      phasesOf: (name) => model.store.phasesOf(name),
    });
  }

  get template() {
    return this.#parts.template;
  }
  get labels() {
    return this.#parts.dataset.labels;
  }
  get numParameters() {
    return this.model.store.numParameters;
  }
  get numTrainableParameters() {
    return this.model.store.numTrained;
  }
  get numTrainRows() {
    return this.#parts.dataset.train.length;
  }
  get numValidationRows() {
    return this.#parts.dataset.validation.length;
  }
  stepsOn(rows: number): number {
    const { encoded, lessons, stepsOnItems } = this.#parts;
    const own = encoded.train.length;
    const named = lessons.rows.length - own;
    return this.#stepsBefore + stepsOnItems(Math.round((own * rows) / this.numTrainRows), named);
  }
  get numTestRows() {
    return this.#parts.dataset.test.length;
  }
  get executor() {
    return this.#parts.executor.name;
  }
  get numThreads() {
    return this.#parts.executor.numThreads;
  }
  get lossOf(): Trainer['lossOf'] {
    return this.#parts.lessons.isPaired ? 'pairs' : undefined;
  }
  get labelCounts(): Trainer['labelCounts'] {
    return labelCounts(this.#parts);
  }
  get classCounts(): Trainer['classCounts'] {
    return classCounts(this.#parts);
  }
  get solved(): Trainer['solved'] {
    return this.#answers.last;
  }
  get step() {
    return this.#step;
  }

  async trainStep(between?: Between): Promise<StepResult> {
    const { lessons, executor, whatFits } = this.#parts;
    for (;;) {
      try {
        return await this.#tryStep(between);
      } catch (error) {
        await this.#micro.shrink(error, this.#micro.size).catch((final: unknown) => {
          const rows = counted(this.#micro.size, lessons.isPaired ? 'text' : 'row');
          throw explainFull(final, { step: this.#step + 1, rows, peak: executor.memory?.peak, whatFits });
        });
      }
    }
  }

  #outOfMemory(how: string): void {
    const message = `The graphics card ran out of memory at step ${this.#step + 1}. ${how}`;
    this.#parts.incident({ kind: 'out-of-memory', step: this.#step, message });
  }

  #smallerSteps(size: number): string {
    return smallerSteps(this.#lessonsNow.recipe, size);
  }

  async #tryStep(between?: Between): Promise<StepResult> {
    const { model } = this;
    const { pretraining } = this.#parts;
    const isFirst = this.#step < this.#stepsBefore;
    const lessons = this.#lessonsNow;
    const { perEpoch, total } = isFirst
      ? pretraining!.steps
      : { perEpoch: this.stepsPerEpoch, total: this.totalSteps - this.#stepsBefore };
    /** Of these lessons. */
    const step = isFirst ? this.#step : this.#step - this.#stepsBefore;
    if (pretraining && step === 0 && !isFirst) await startOver(this.#beginning, model);
    const { items, loss: learnt, recipe } = lessons;
    if (kindOf(recipe.strategy).isSolved?.(recipe.strategy)) return this.#solve(between);
    const { per_device_train_batch_size: batch, gradient_accumulation_steps: accumulation } = recipe;
    model.enter(model.store.phases.at(this.#step));
    const epoch = Math.floor(step / perEpoch);
    const first = (step % perEpoch) * batch * accumulation;
    const rows = this.#epochOrder(lessons, epoch).subarray(first, first + batch * accumulation);
    const { accumulated, gradient } = model.store.trained;
    const kernels = model.store.memory.kernels;
    const features = model.headOnly ? await this.#features.of('train', between) : undefined;
    // Features are of what the first epoch learns.
    const learning = Array.from(rows, (row) => (features ? undefined : items[row]!.inEpoch?.(epoch)) ?? items[row]!);
    const weight = learnt.weight(learning);
    let loss = 0;
    let tokens = 0;
    accumulated?.fill(0);
    const size = Math.min(this.#micro.size, batch);
    const pieces = microBatches(recipe, size);
    for (let i = 0; i < pieces && i * size < rows.length; i++) {
      const micro = rows.subarray(i * size, (i + 1) * size);
      const done = await model.gradients(learning.slice(i * size, (i + 1) * size), {
        weight,
        microStep: this.#step * pieces + i,
        slots: size,
        otherLoss: isFirst ? learnt : undefined,
        lossScale: this.#scale?.value,
        ...(features ? { features: takeRows(features, micro, model.architecture.hiddenSize) } : {}),
      });
      loss += done.loss;
      tokens += done.tokens;
      if (accumulated) kernels.addScaled(accumulated, gradient, 1);
    }
    // Of these lessons.
    const begin = this.#step - step;
    // The schedule goes on with what the optimiser does, as in transformers.
    const learning_rate = this.schedule(recipe, step - (this.#scale?.skippedSince(begin) ?? 0), total);
    const update: Update = {
      ...{ recipe, learning_rate, step: step + 1, scaled: this.#scale?.scaledSince(begin, model.store.phases) },
      check: (norm) => {
        if (this.#scale?.isUsed && !Number.isFinite(norm)) throw new Overflow(`gradient norm ${norm}`);
        this.#refuseNonFinite(loss, norm);
      },
    };
    const grad_norm = await this.#update(update).catch((error: unknown) => {
      if (!(error instanceof Overflow)) throw error;
      this.#skip(loss);
      return Number.NaN;
    });
    if (!Number.isNaN(grad_norm)) this.#scale?.keep();
    this.#step++;
    this.#forget();
    // Of the rows none is done before the prompt is pre-trained.
    const epochs = isFirst ? 0 : (step + 1) / perEpoch;
    const skipped = Number.isNaN(grad_norm) ? { loss_scale: this.#scale!.value } : undefined;
    return { step: this.#step, epoch: epochs, loss, learning_rate, grad_norm, tokens, ...(skipped && { skipped }) };
  }

  /** The step's gradients are too large for float16: it comes to nothing. */
  #skip(loss: number): void {
    const scale = this.#scale!;
    scale.backOff(this.#step);
    if (scale.isUsedUp) this.#refuseNonFinite(loss, Number.POSITIVE_INFINITY);
  }

  /** The layer that answers, solved to its end: the run's one step. */
  async #solve(between?: Between): Promise<StepResult> {
    const features = await this.#features.of('train', between);
    const solved = await this.#answers.solve(features, async () => between?.(0, 0));
    this.#step++;
    this.#evaluator.forget();
    const tokens = this.#parts.lessons.rows.reduce((n, { ids }) => n + ids.length, 0);
    return { step: this.#step, epoch: 1, loss: solved.loss, learning_rate: 0, grad_norm: solved.gradient, tokens };
  }

  /** Clips and does the optimiser's step. @returns the gradients' norm before */
  async #update({ recipe, learning_rate, step, check, scaled }: Update): Promise<number> {
    const { store, device } = this.model;
    if (device) return device.step(recipe, learning_rate, step, check, scaled);
    const { accumulated, gradient } = store.trained;
    if (accumulated) gradient.set(accumulated);
    try {
      const norm = gradientNorm(store) / (scaled?.lossScale ?? 1);
      check(norm);
      adamWStep(store, recipe, learning_rate, step, norm, scaled);
      return norm;
    } finally {
      // The executor clears only the rows that it wrote itself.
      if (accumulated) gradient.fill(0);
    }
  }

  #refuseNonFinite(loss: number, norm: number): void {
    if (Number.isFinite(loss) && Number.isFinite(norm)) return;
    const what = Number.isFinite(loss) ? `gradient norm is ${norm}` : `loss is ${loss}`;
    throw new LuthierError(
      'loss-not-finite',
      `At step ${this.#step + 1} the ${what}: training has diverged.`,
      this.#parts.lessons.isPaired
        ? `Lower the strategy’s body_learning_rate (now ${this.#parts.lessons.recipe.learning_rate}), or raise its warmup_proportion.`
        : `Lower learning_rate (now ${this.#parts.recipe.learning_rate}), or raise warmup_steps.`,
    );
  }

  #epochOrder(of: Lessons, epoch: number): Uint32Array {
    if (this.#order?.of !== of || this.#order.epoch !== epoch) this.#order = { of, epoch, rows: of.order(epoch) };
    return this.#order.rows;
  }

  async evaluate(split: 'validation' | 'test', between?: Between): Promise<EvaluationReport> {
    if (this.#parts.lessons.isPaired) await this.#answers.bringUp(between);
    return this.#evaluator.report(split, between);
  }

  get samples(): Trainer['samples'] {
    return this.#evaluator.samples;
  }

  get general(): Trainer['general'] {
    return this.#evaluator.general;
  }

  /** Says why a task that writes will show no answers, where that is so. */
  tellSamples(): void {
    this.#evaluator.tellSamples();
  }

  state(): TrainerState {
    const { size } = this.#micro;
    const { lessons, executor } = this.#parts;
    const isSmaller = size < lessons.recipe.per_device_train_batch_size;
    return {
      ...stateOf(this.model, executor, this.#step),
      ...(isSmaller && { micro_batch: size }),
      ...(this.#scale && { loss_scale: this.#scale.state }),
    };
  }

  restore(kept: Parameters<Trainer['restore']>[0]): void {
    requirePhase(kept, this.model);
    this.loadParameters(kept.parameters);
    putMoments(kept.moments, this.model);
    this.#step = kept.step;
    if (kept.loss_scale) {
      this.#scale ??= new LossScale(false);
      this.#scale.restore(kept.loss_scale);
    }
    // The processor’s memory is another.
    if (kept.micro_batch === undefined || !this.model.device) return;
    this.#micro.recall(kept.micro_batch);
    const how = this.#smallerSteps(kept.micro_batch);
    this.#parts.note('info', `The graphics card has run out of memory before. ${how}`);
  }

  loadParameters(parameters: Map<string, Float32Array>): void {
    this.#forget();
    putParameters(parameters, this.model);
  }

  /** What was chosen or solved for the weights as they were. */
  #forget(): void {
    this.#evaluator.forget();
    this.#answers.forget();
  }

  async collect(): Promise<void> {
    await this.model.device?.collect();
  }

  async saveModel(target: string): Promise<void> {
    if (this.#parts.lessons.isPaired) await this.#answers.bringUp();
    await this.collect();
    await saveTrained(target, this.model, this.#parts, await this.#evaluator.settings());
  }

  dispose(): void {
    this.model.dispose();
    this.#parts.executor.dispose();
  }
}

function takeRows(values: Float32Array, rows: Uint32Array, width: number): Float32Array {
  const taken = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) taken.set(values.subarray(row * width, (row + 1) * width), i * width);
  return taken;
}
