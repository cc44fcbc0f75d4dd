import {
  counted,
  type EvaluationReport,
  formatBytes,
  type Incident,
  LuthierError,
  largest,
  type Note,
  type Recipe,
  type Split,
} from '../../protocol/index.ts';
import type { TaskData, TaskRow } from '../data/types.ts';
import type { JsonRecord } from '../hub/json-file.ts';
import type { ModelFolder } from '../hub/model-folder.ts';
import { measure } from '../infer/inference.ts';
import { sayEightBit } from '../model-files/eight-bit.ts';
import { saveTaskModel } from '../model-files/save.ts';
import { adapterFolderOf, type BaseModel } from '../model-files/save-adapter.ts';
import { saveSentenceTransformer, sentenceTransformerFolderOf } from '../model-files/save-sentence-transformer.ts';
import { type Architecture, embeddingPart } from '../models/architecture.ts';
import { PROMPT_EMBEDDINGS } from '../models/prompt.ts';
import { countSteps, learningRate } from '../recipes/schedule.ts';
import type { KeptTemplate } from '../recipes/template.ts';
import { keepsParameters } from '../runtime/device-parameters.ts';
import { FittingBatch } from '../runtime/fitting-batch.ts';
import { TaskModel } from '../runtime/model.ts';
import { isHeldIn8Bit, isTrainedIn, phasesOf, rateOf } from '../strategies/apply.ts';
import { kindOf } from '../strategies/index.ts';
import { type PhaseStart, phaseStarts } from '../strategies/phase-starts.ts';
import { keptSettings } from '../tasks/settings.ts';
import { type AnyTask, IGNORED, type SamplePrompt, type TaskSettings } from '../tasks/task.ts';
import type { Executor } from '../tensor/executors/executor.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { Encoded } from './encode.ts';
import { HeadFeatures } from './head-features.ts';
import type { Lessons } from './lessons.ts';
import { adamWStep, gradientNorm } from './optimizer.ts';
import { type Pretraining, pretrainingStarts } from './pretraining.ts';
import { sampleAnswers, whyNoSamples } from './samples.ts';
import { SolvedAnswers } from './solved-answers.ts';
import { copyWeights, putMoments, putParameters, requirePhase, startOver, stateOf } from './trainer-state.ts';
import type { StepResult, Trainer, TrainerState } from './types.ts';

type Between = (done: number, total: number) => Promise<void>;

const NO_LOSSES = new Float32Array();

/** A trainer of whatever task, on data and a model that createTrainer (trainer.ts) has made ready. */
export class TaskTrainer implements Trainer {
  readonly model: TaskModel;
  readonly labels: string[];
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  schedule: typeof learningRate = learningRate;
  #step = 0;
  /** What was chosen on the validation rows for the weights as they are; null where they have changed since. */
  #tuned: ReturnType<NonNullable<AnyTask['tune']>> | null = null;
  readonly #answers: SolvedAnswers;
  readonly #features: HeadFeatures;
  /** Rows of a step that are computed at once; their gradients are summed. */
  readonly #micro: FittingBatch;
  readonly #evalBatch: FittingBatch;
  #prompts: SamplePrompt[] | undefined;
  #order: { of: Lessons; epoch: number; rows: Uint32Array } | undefined;
  /** Of what is pre-trained along with a prompt and thrown away. */
  #beginning: ReadonlyMap<string, Float32Array> = new Map();

  constructor(
    private readonly task: AnyTask,
    private readonly recipe: Recipe,
    private readonly dataset: TaskData<TaskRow>,
    private readonly encoded: Encoded,
    private readonly lessons: Lessons,
    private readonly first: Pretraining | null,
    architecture: Architecture,
    private readonly engine: Executor,
    private readonly folder: ModelFolder,
    private readonly generation: JsonRecord | undefined,
    private readonly tokenizer: Tokenizer,
    private readonly base: BaseModel,
    readonly template: KeptTemplate | undefined,
    private readonly note: Note,
    private readonly incident: (incident: Incident) => void,
    /** What would fit into so many bytes of a graphics card. */
    private readonly whatFits: (bytes: number) => string,
  ) {
    const { per_device_train_batch_size: batch, gradient_accumulation_steps: accumulation } = lessons.recipe;
    const maxLength = Math.min(recipe.max_length, architecture.maxPositions);
    this.labels = dataset.labels;
    const steps = countSteps(lessons.recipe, lessons.items.length);
    this.stepsPerEpoch = steps.perEpoch;
    this.totalSteps = this.#stepsBefore + steps.total;
    const texts = Math.max(batch, first?.lessons.recipe.per_device_train_batch_size ?? 0);
    const items = [...lessons.rows, ...(first?.lessons.items ?? [])];
    this.model = new TaskModel({
      executor: engine,
      architecture,
      numLabels: architecture.outputs ?? dataset.labels.length,
      padId: tokenizer.padId,
      isTrained: isTrainedIn(recipe.strategy, architecture),
      phases: phasesOf(recipe.strategy, architecture, steps),
      rateOf: rateOf(recipe.strategy, architecture),
      isHeldIn8Bit: isHeldIn8Bit(recipe.strategy, architecture),
      recompute: recipe.gradient_checkpointing,
      accumulate: accumulation > 1 && !keepsParameters(engine),
      loss: lessons.loss,
      learns: lessons.isPaired ? embeddingPart(architecture) : 'all',
      // What is drawn for a later epoch may be longer.
      maxBatch: { texts, tokens: largest(items, (t) => (t.inEpoch ? maxLength : t.ids.length)) },
      seed: recipe.seed,
    });
    const { model } = this;
    const batchSize = recipe.per_device_eval_batch_size;
    // A step that compares its texts is computed whole.
    const least = lessons.isPaired ? batch : 1;
    this.#micro = new FittingBatch(texts, model, (size) => this.#outOfMemory(this.#microBatchNote(size)), least);
    this.#evalBatch = new FittingBatch(batchSize, model, (size, before) =>
      this.#outOfMemory(
        `From now on ${counted(size, 'row')} instead of ${before} ${size === 1 ? 'is' : 'are'} evaluated at a time, which takes longer and gives the same results.`,
      ),
    );
    const fitting = this.#evalBatch;
    const { rows } = lessons;
    this.#features = new HeadFeatures(
      { model, executor: engine, note, config: folder.config, batchSize, fitting },
      { ...encoded, train: rows },
    );
    this.#answers = new SolvedAnswers({
      ...{ model, task, recipe, labels: this.labels, items: rows, own: encoded.train.length, fitting, note },
      collect: () => this.collect(),
    });
  }

  /** What the next step learns from. */
  get #lessonsNow(): Lessons {
    return this.#step < this.#stepsBefore ? this.first!.lessons : this.lessons;
  }

  /** Steps that pre-train a prompt, before those that learn the rows. */
  get #stepsBefore(): number {
    return this.first?.steps.total ?? 0;
  }

  get pretraining(): Trainer['pretraining'] {
    const { first } = this;
    return first ? { steps: first.steps.total, rows: first.rows, held_out: first.held_out } : undefined;
  }

  /** Notes the weights, as they are loaded, of what a pre-training throws away. */
  keepBeginning(): void {
    if (this.first) this.#beginning = copyWeights(this.model, (name) => name !== PROMPT_EMBEDDINGS);
  }

  get phaseStarts(): readonly PhaseStart[] {
    // Its pairs and what comes behind them are told from the start.
    if (this.lessons.isPaired) return [];
    const { model, first } = this;
    if (first) return pretrainingStarts(first, model.architecture.outputs === undefined);
    return phaseStarts(model.architecture, model.declaration().parameters, {
      phases: model.store.phases,
      phasesOf: (name) => model.store.phasesOf(name),
    });
  }

  /** As the rows are encoded. */
  get #maxLength(): number {
    return Math.min(this.recipe.max_length, this.model.architecture.maxPositions);
  }

  get numParameters() {
    return this.model.store.numParameters;
  }
  get numTrainableParameters() {
    return this.model.store.numTrained;
  }
  get numTrainRows() {
    return this.dataset.train.length;
  }
  get numValidationRows() {
    return this.dataset.validation.length;
  }
  get numTestRows() {
    return this.dataset.test.length;
  }
  get executor() {
    return this.engine.name;
  }
  get numThreads() {
    return this.engine.numThreads;
  }
  get lossOf(): Trainer['lossOf'] {
    return this.lessons.isPaired ? 'pairs' : undefined;
  }
  get labelCounts(): Trainer['labelCounts'] {
    const { task, labels, dataset } = this;
    if (labels.length === 0 || task.name === 'regression') return undefined;
    const counts = new Array<number>(labels.length).fill(0);
    for (const row of dataset.train) for (const label of task.outputs(row)) counts[label]!++;
    return counts;
  }
  get classCounts(): Trainer['classCounts'] {
    const { task, labels, dataset } = this;
    if (task.classesIn === undefined) return undefined;
    const counts = new Map<string, number>();
    for (const row of dataset.train)
      for (const name of task.classesIn(row, labels)) counts.set(name, (counts.get(name) ?? 0) + 1);
    return counts;
  }
  get solved(): Trainer['solved'] {
    return this.#answers.last;
  }
  get step() {
    return this.#step;
  }

  async trainStep(between?: Between): Promise<StepResult> {
    for (;;) {
      try {
        return await this.#tryStep(between);
      } catch (error) {
        await this.#micro.shrink(error, this.#micro.size).catch((final: unknown) => {
          throw this.#tooLarge(final);
        });
      }
    }
  }

  /** Of a run that does not fit into the graphics card's memory in the smallest pieces, what would. */
  #tooLarge(error: unknown): unknown {
    const { memory } = this.engine;
    if (!memory || !(error instanceof LuthierError) || error.code !== 'not-enough-memory') return error;
    const rows = counted(this.#micro.size, this.lessons.isPaired ? 'text' : 'row');
    return new LuthierError(
      'not-enough-memory',
      `The graphics card has too little memory for step ${this.#step + 1}, even with ${rows} at a time: ${formatBytes(memory.peak)} is the most that it had room for.`,
      this.whatFits(memory.peak),
      { cause: error },
    );
  }

  #outOfMemory(how: string): void {
    const message = `The graphics card ran out of memory at step ${this.#step + 1}. ${how}`;
    this.incident({ kind: 'out-of-memory', step: this.#step, message });
  }

  /** How many micro-batches a step is made of. */
  #microBatches(size: number): number {
    const { per_device_train_batch_size: batch, gradient_accumulation_steps: accumulation } = this.#lessonsNow.recipe;
    return size === batch ? accumulation : Math.ceil((batch * accumulation) / size);
  }

  /** A step with micro-batches of another size is one of the recipe that has that size. */
  #microBatchNote(size: number): string {
    const pieces = this.#microBatches(size);
    const rows = counted(size, 'row');
    return `From now on a step computes ${rows} at a time and sums the gradients of ${pieces}: the same batch as before, as per_device_train_batch_size ${size} with gradient_accumulation_steps ${pieces} gives it, in more time.`;
  }

  async #tryStep(between?: Between): Promise<StepResult> {
    const { model } = this;
    const isFirst = this.#step < this.#stepsBefore;
    const lessons = this.#lessonsNow;
    const { perEpoch, total } = isFirst
      ? this.first!.steps
      : { perEpoch: this.stepsPerEpoch, total: this.totalSteps - this.#stepsBefore };
    /** Of these lessons. */
    const step = isFirst ? this.#step : this.#step - this.#stepsBefore;
    if (this.first && step === 0 && !isFirst) await startOver(this.#beginning, model);
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
    const pieces = this.#microBatches(size);
    for (let i = 0; i < pieces && i * size < rows.length; i++) {
      const micro = rows.subarray(i * size, (i + 1) * size);
      const done = await model.gradients(learning.slice(i * size, (i + 1) * size), {
        weight,
        microStep: this.#step * pieces + i,
        slots: size,
        otherLoss: isFirst ? learnt : undefined,
        ...(features ? { features: takeRows(features, micro, model.architecture.hiddenSize) } : {}),
      });
      loss += done.loss;
      tokens += done.tokens;
      if (accumulated) kernels.addScaled(accumulated, gradient, 1);
    }
    const learning_rate = this.schedule(recipe, step, total);
    const check = (norm: number) => this.#refuseNonFinite(loss, norm);
    const grad_norm = model.device
      ? await model.device.step(recipe, learning_rate, step + 1, check)
      : this.#updateStore(recipe, learning_rate, step + 1, check);
    this.#step++;
    this.#tuned = null;
    this.#answers.forget();
    // Of the rows none is done before the prompt is pre-trained.
    const epochs = isFirst ? 0 : (step + 1) / perEpoch;
    return { step: this.#step, epoch: epochs, loss, learning_rate, grad_norm, tokens };
  }

  /** The layer that answers, solved to its end: the run's one step. */
  async #solve(between?: Between): Promise<StepResult> {
    const features = await this.#features.of('train', between);
    const solved = await this.#answers.solve(features, async () => between?.(0, 0));
    this.#step++;
    this.#tuned = null;
    const tokens = this.lessons.rows.reduce((n, { ids }) => n + ids.length, 0);
    return { step: this.#step, epoch: 1, loss: solved.loss, learning_rate: 0, grad_norm: solved.gradient, tokens };
  }

  #updateStore(recipe: Recipe, learning_rate: number, step: number, check: (norm: number) => void): number {
    const { store } = this.model;
    const { accumulated, gradient } = store.trained;
    if (accumulated) gradient.set(accumulated);
    const norm = gradientNorm(store);
    check(norm);
    adamWStep(store, recipe, learning_rate, step, norm);
    // The executor clears only the rows that it wrote itself.
    if (accumulated) gradient.fill(0);
    return norm;
  }

  #refuseNonFinite(loss: number, norm: number): void {
    if (Number.isFinite(loss) && Number.isFinite(norm)) return;
    const what = Number.isFinite(loss) ? `gradient norm is ${norm}` : `loss is ${loss}`;
    throw new LuthierError(
      'loss-not-finite',
      `At step ${this.#step + 1} the ${what}: training has diverged.`,
      this.lessons.isPaired
        ? `Lower the strategy’s body_learning_rate (now ${this.lessons.recipe.learning_rate}), or raise its warmup_proportion.`
        : `Lower learning_rate (now ${this.recipe.learning_rate}), or raise warmup_steps.`,
    );
  }

  #epochOrder(of: Lessons, epoch: number): Uint32Array {
    if (this.#order?.of !== of || this.#order.epoch !== epoch) this.#order = { of, epoch, rows: of.order(epoch) };
    return this.#order.rows;
  }

  async evaluate(split: 'validation' | 'test', between?: Between): Promise<EvaluationReport> {
    if (this.lessons.isPaired) await this.#answers.bringUp(between);
    const measured = await this.#measured(split, between);
    return this.task.evaluate({
      split,
      labels: this.labels,
      rows: this.dataset[split],
      items: this.encoded[split],
      ...measured,
      settings: await this.#settings(split === 'validation' ? measured.logits : undefined, between),
      tuned: split === 'validation' && this.task.tune !== undefined,
      trainRows: this.dataset.train,
    });
  }

  /** The same rows each time, answered greedily; left out where the task does not write or there are none. */
  get samples(): Trainer['samples'] {
    const { task, tokenizer, model } = this;
    const rows: readonly TaskRow[] = this.dataset.validation;
    if (!task.samplePrompts || rows.length === 0) return undefined;
    return async (between) => {
      try {
        return await sampleAnswers({ model, tokenizer, rows, prompts: this.#samplePrompts() }, between);
      } catch (error) {
        if (!(error instanceof LuthierError) || error.code !== 'not-enough-memory' || !model.device) throw error;
        await model.vacate();
        this.#outOfMemory('The sample answers of this evaluation are left out.');
        return [];
      }
    };
  }

  get general(): Trainer['general'] {
    const items = this.task.generalText?.(this.tokenizer, this.#maxLength);
    if (!items) return undefined;
    return async (between) => {
      const batchSize = this.recipe.per_device_eval_batch_size;
      const fitting = this.#evalBatch;
      const { losses = NO_LOSSES } = await measure(this.task, this.model, items, { batchSize, fitting, between });
      // A token without a label has no loss, and counts for nothing.
      const tokens = items.reduce((n, { labels }) => n + labels.filter((label) => label !== IGNORED).length, 0);
      return { tokens, perplexity: Math.exp(losses.reduce((sum, loss) => sum + loss, 0) / tokens) };
    };
  }

  #samplePrompts(): SamplePrompt[] {
    this.#prompts ??= this.task.samplePrompts?.(this.dataset.validation, this.tokenizer, this.#maxLength) ?? [];
    return this.#prompts;
  }

  /** Says why a task that writes will show no answers, where that is so. */
  tellSamples(): void {
    if (!this.task.samplePrompts) return;
    const why = whyNoSamples({ prompts: this.#samplePrompts(), rows: this.dataset.validation.length });
    if (why !== null) this.note('info', why);
  }

  /** How the weights as they are answer. @param logits of the validation rows, where they are known */
  async #settings(logits?: Float32Array, between?: Between): Promise<TaskSettings> {
    if (this.task.tune && !this.#tuned) {
      const given = logits ?? (await this.#measured('validation', between)).logits;
      this.#tuned = this.task.tune(this.encoded.validation, given);
    }
    return { ...keptSettings(this.recipe), ...this.#tuned?.settings };
  }

  async #measured(split: Split, between?: Between): ReturnType<typeof measure> {
    if (this.model.headOnly) return { logits: await this.model.headLogits(await this.#features.of(split, between)) };
    const batchSize = this.recipe.per_device_eval_batch_size;
    const fitting = this.#evalBatch;
    return measure(this.task, this.model, this.encoded[split], { batchSize, fitting, between });
  }

  state(): TrainerState {
    const { size } = this.#micro;
    const isSmaller = size < this.lessons.recipe.per_device_train_batch_size;
    return { ...stateOf(this.model, this.engine, this.#step), ...(isSmaller && { micro_batch: size }) };
  }

  restore(kept: Parameters<Trainer['restore']>[0]): void {
    requirePhase(kept, this.model);
    this.loadParameters(kept.parameters);
    putMoments(kept.moments, this.model);
    this.#step = kept.step;
    // The processor’s memory is another.
    if (kept.micro_batch === undefined || !this.model.device) return;
    this.#micro.recall(kept.micro_batch);
    this.note('info', `The graphics card has run out of memory before. ${this.#microBatchNote(kept.micro_batch)}`);
  }

  loadParameters(parameters: Map<string, Float32Array>): void {
    this.#tuned = null;
    this.#answers.forget();
    putParameters(parameters, this.model);
  }

  async collect(): Promise<void> {
    await this.model.device?.collect();
  }

  async saveModel(target: string): Promise<void> {
    if (this.lessons.isPaired) await this.#answers.bringUp();
    await this.collect();
    const settings = await this.#settings();
    if (this.#tuned) this.note('info', this.#tuned.note);
    const found = await saveTaskModel(target, {
      settings,
      task: this.task,
      model: this.model,
      labels: this.labels,
      source: this.folder,
      generation: this.generation,
      tokenizer: this.tokenizer,
      maxLength: this.recipe.max_length,
      inputs: this.task.inputs(this.dataset.columns),
      probes: [...this.encoded.validation, ...this.encoded.train].slice(0, 16),
      eightBit: this.recipe.predict_in_8bit
        ? { compared: this.encoded.validation, seen: this.encoded.train }
        : undefined,
      backend: this.recipe.backend,
      adapter: { folder: adapterFolderOf(target), base: this.base, strategy: this.recipe.strategy },
    });
    if (found !== undefined) this.note(...sayEightBit(found));
    if (!this.lessons.isPaired) return;
    const encoder = sentenceTransformerFolderOf(target);
    const { model, folder, tokenizer } = this;
    await saveSentenceTransformer(encoder, model, folder.config, tokenizer, this.recipe.max_length);
    this.note('info', `The encoder by itself is in ${encoder}, for Python’s sentence-transformers.`);
  }

  dispose(): void {
    this.model.dispose();
    this.engine.dispose();
  }
}

function takeRows(values: Float32Array, rows: Uint32Array, width: number): Float32Array {
  const taken = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) taken.set(values.subarray(row * width, (row + 1) * width), i * width);
  return taken;
}
