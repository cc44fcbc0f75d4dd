import { lstatSync } from 'node:fs';
import { lstat, rm } from 'node:fs/promises';
import { cpus, platform, release } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../files/errno.ts';
import { diskUse } from '../../files/folders.ts';
import { readOwnFile } from '../../files/regular-file.ts';
import { sweepAside, writeJson } from '../../files/write-file.ts';
import { runFolderProblem } from '../../guard/index.ts';
import {
  type EvaluationReport,
  formatBytes,
  type NoteEvent,
  type Recipe,
  type RunEvent,
  type RunRecord,
  type RunState,
  type Split,
  STATE_WORDS,
} from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { readEvents } from '../../runs/metrics.ts';
import { readRecord, writeRecord } from '../../runs/record.ts';
import { LuthierError, toErrorData } from '../errors.ts';
import { kindOf } from '../strategies/index.ts';
import { Control, type Wish } from '../train/control.ts';
import type { LoopState, Outcome } from '../train/loop.ts';
import type { Trainer } from '../train/types.ts';
import { VERSION } from '../version.ts';
import { type Checkpoint, Checkpoints } from './checkpoints.ts';
import type { CrossValidation, Stage } from './cross-validation.ts';
import { Endpoint } from './endpoint.ts';
import { EventLog } from './event-log.ts';
import { requireNone } from './folder.ts';
import { lockRun } from './lock.ts';
import { Reserve } from './reserve.ts';
import { requireSameRows } from './same-rows.ts';

export interface RunProcessOptions {
  folder: string;
  resume: boolean;
  /** Milliseconds since the epoch at which the person's command began. */
  since: number;
  /** Told when the socket is open, or why the run could not begin. */
  ready: (error?: unknown) => void;
}

/** Exit codes: 0 the run has ended as it was asked to, 1 it failed, 130 it was interrupted and can be resumed. */
export async function runProcess(options: RunProcessOptions): Promise<number> {
  let process: RunProcess;
  try {
    process = await RunProcess.open(options);
  } catch (error) {
    options.ready(error);
    throw error;
  }
  options.ready();
  return process.run();
}

/** What makes a folder the same one, whatever its name. */
interface Place {
  dev: number;
  ino: number;
}

/** How often a run that trains looks whether its folder is still there. */
const LOOK_MS = 1_000;
/** A command that began longer before its process is a clock that was set meanwhile. */
const MAX_BEFORE_MS = 600_000;

type Reports = Partial<Record<Split, EvaluationReport>>;

/** Far above any evaluation's; that of 1,000 classes has 12 MB. */
const MAX_REPORT_BYTES = 64 << 20;

interface Prepared {
  recipe: Recipe;
  trainer: Trainer;
  checkpoints: Checkpoints;
  checkpoint: Checkpoint | null;
}

/** One run: its folder, its socket and its loop. */
class RunProcess {
  readonly #options: RunProcessOptions;
  readonly #folder: string;
  readonly #log: EventLog;
  readonly #unlock: () => Promise<void>;
  readonly #place: Place;
  readonly #control = new Control();
  #reserve: Reserve | null = null;
  /** When the folder was last looked for, on the process's clock. */
  #lookedAt = 0;
  #record: RunRecord;
  #endpoint: Endpoint | null = null;
  /** Writes of the record, one after the other. */
  #writing: Promise<void> = Promise.resolve();
  #firstStepS: number | null = null;
  #dataHash = '';
  /** Steps of the folds before the one at work. */
  #before = 0;
  readonly #told = new Set<string>();
  #reports: Reports = {};

  private constructor(
    options: RunProcessOptions,
    record: RunRecord,
    log: EventLog,
    unlock: () => Promise<void>,
    place: Place,
  ) {
    this.#options = options;
    this.#place = place;
    this.#folder = options.folder;
    this.#record = record;
    this.#log = log;
    this.#unlock = unlock;
  }

  static async open(options: RunProcessOptions): Promise<RunProcess> {
    const { folder, resume } = options;
    requireNone(await runFolderProblem(folder));
    const { dev, ino } = await lstat(folder);
    const unlock = await lockRun(folder);
    let endpoint: Endpoint | null = null;
    try {
      const record = await readRecord(folder);
      if (record.state === 'done' || record.state === 'stopped' || record.state === 'cancelled') {
        throw new LuthierError(
          'usage',
          `The run ${record.id} has already ended (${STATE_WORDS[record.state]}).`,
          'Start a new run.',
        );
      }
      if (!resume && record.started_at !== null) {
        throw new LuthierError('usage', `The run ${record.id} was already started.`, 'Resume it with --resume.');
      }
      const log = EventLog.open(join(folder, FILES.metrics));
      const run = new RunProcess(options, record, log, unlock, { dev, ino });
      run.#reserve = await Reserve.make(folder);
      run.#record = { ...record, state: 'starting', started_at: record.started_at ?? now(), error: null };
      endpoint = await Endpoint.open(folder, log, () => ({ record: run.#record, pid: process.pid }), run.#answers());
      run.#endpoint = endpoint;
      await run.#writeRecord();
      return run;
    } catch (error) {
      // An open socket would keep the process alive.
      await endpoint?.close();
      await unlock();
      throw error;
    }
  }

  #answers() {
    const ask = (wish: Wish) => async () => ({ step: await this.#control.ask(wish) });
    return {
      pause: ask('pause'),
      resume: ask('run'),
      stop: ask('stop'),
      interrupt: ask('interrupt'),
      cancel: ask('cancel'),
      describe: async ({ name, note }: { name?: string; note?: string }) => {
        if (name !== undefined) this.#record.name = described('name', name);
        if (note !== undefined) this.#record.note = described('note', note);
        await this.#writeRecord();
        return { record: this.#record };
      },
      ping: () => ({ state: this.#record.state, step: this.#record.step }),
    };
  }

  /** Asks as a client would: a signal to the process means the same as the request. */
  interrupt(): void {
    void this.#control.ask('interrupt');
  }

  async run(): Promise<number> {
    process.on('SIGTERM', () => this.interrupt());
    process.on('SIGINT', () => this.interrupt());
    // Its terminal is gone; a run outlives that.
    process.on('SIGHUP', () => undefined);
    let code: number;
    try {
      code = await this.#work();
    } catch (error) {
      code = await this.#fail(error);
    }
    await this.#writing.catch(() => undefined);
    await this.#reserve?.release();
    this.#control.finish(this.#record.step);
    await this.#unlock();
    await this.#endpoint?.close();
    this.#log.close();
    return code;
  }

  async #work(): Promise<number> {
    this.#emit({ event: 'state', time: seconds(), state: 'starting' });
    if (this.#record.folds !== undefined) return this.#crossValidate();
    const preparing = this.#prepare();
    preparing.catch(() => undefined);
    // Loading blocks in long pieces, but between them a wish to end is heard.
    const prepared = await Promise.race([preparing, this.#control.ended().then(() => null)]);
    if (prepared === null) return this.#endBeforeStart();
    const { recipe, trainer, checkpoints, checkpoint } = prepared;
    this.#start(trainer);
    const { runTraining } = await import('../train/loop.ts');
    const outcome = await runTraining({
      trainer,
      recipe,
      control: this.#control,
      checkpoints,
      emit: (event) => this.#emit(event),
      record: (change) => this.#change(change.loop, change.state),
      report: (report) => this.#keep(report),
      modelFolder: join(this.#folder, FILES.model),
      // Near the system's time, but it never jumps.
      now: () => performance.timeOrigin + performance.now(),
      ...(checkpoint === null ? {} : { state: checkpoint.loop }),
    });
    const exit = await this.#end(outcome, trainer, checkpoints);
    trainer.dispose();
    return exit;
  }

  /** Trains each fold, then the model of all rows, one after the other; steered, interrupted and resumed as one run. */
  async #crossValidate(): Promise<number> {
    const { CrossValidation } = await import('./cross-validation.ts');
    const { runTraining } = await import('../train/loop.ts');
    const validation = new CrossValidation(this.#folder, () => this.#record);
    let isFinalDone = false;
    const earlier = await validation.pooled();
    if (earlier !== null) this.#reports.validation = earlier;
    for (;;) {
      const stage = await validation.next(isFinalDone);
      if (stage === null) break;
      const preparing = this.#prepare(stage);
      preparing.catch(() => undefined);
      const prepared = await Promise.race([preparing, this.#control.ended().then(() => null)]);
      if (prepared === null) return this.#endCrossValidation(validation, this.#control.wish);
      const { recipe, trainer, checkpoints, checkpoint } = prepared;
      const { before, total } = validation.steps(stage, trainer);
      this.#before = before;
      let kept: EvaluationReport | null = null;
      validation.begin(stage);
      this.#start(trainer, total, (event) => validation.tell(stage, event));
      const outcome = await runTraining({
        trainer,
        // Nothing is chosen by the rows that it is measured on.
        recipe: { ...recipe, early_stopping_patience: 0 },
        measureOnly: stage.fold !== null,
        control: this.#control,
        checkpoints,
        emit: (event) => this.#emit(validation.tell(stage, withTimeOfAll(event, trainer, before, total))),
        record: ({ loop, state }) => this.#change({ ...loop, best: this.#record.best }, state),
        report: async (report) => {
          if (report.split === 'validation') kept = report;
          else await this.#keep(report);
        },
        modelFolder: join(this.#folder, FILES.model),
        now: () => performance.timeOrigin + performance.now(),
        ...(checkpoint === null ? {} : { state: checkpoint.loop }),
      });
      validation.end();
      this.#record.step = before + trainer.step;
      // A resumed run may come to the end of a fold that was evaluated before it was ended.
      if (outcome.end === 'done' && stage.fold !== null) {
        kept ??= await trainer.evaluate('validation');
        await validation.finish({ ...stage, fold: stage.fold }, kept, trainer);
        const pooled = await validation.pooled();
        if (pooled !== null) await this.#keep(pooled);
        await this.#writeRecord();
      }
      if (stage.fold === null && (outcome.end === 'done' || outcome.end === 'stopped')) {
        isFinalDone = true;
        this.#record.model = outcome.saved ? FILES.model : null;
        if (outcome.saved) await this.#describeModel({ ...outcome.loop, best: this.#record.best }, trainer);
        if (!recipe.keep_checkpoints) await checkpoints.removeAll();
      }
      trainer.dispose();
      if (outcome.end !== 'done') return this.#endCrossValidation(validation, wishOf(outcome.end));
    }
    return this.#endCrossValidation(validation, 'run');
  }

  async #endCrossValidation(validation: CrossValidation, wish: Wish): Promise<number> {
    if (wish === 'interrupt') return 130;
    if (wish === 'cancel') {
      await validation.removeAll();
      for (const name of [FILES.checkpoints, FILES.model, FILES.adapter, FILES.evaluation]) {
        await rm(join(this.#folder, name), { recursive: true, force: true });
      }
      this.#record.best = null;
      this.#record.folds = { ...this.#record.folds!, results: [], deviations: {} };
      await this.#close('cancelled');
      return 0;
    }
    const { best, folds, model, step } = this.#record;
    const tell = () => {
      if (best === null) return;
      this.#emit({
        event: 'done',
        time: seconds(),
        run: this.#folder,
        model: model === null ? '' : join(this.#folder, model),
        metrics: best.metrics,
        folds: folds!.results,
        best_step: step,
        step,
        stopped_early: false,
        wall_s: this.#elapsed(),
        time_to_first_step_s: this.#firstStepS ?? this.#elapsed(),
        peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
      });
    };
    await this.#close(wish === 'stop' ? 'stopped' : 'done', tell);
    return 0;
  }

  async #prepare(stage?: Stage): Promise<Prepared> {
    const { recipe_path, data_rules } = this.#record;
    const base = recipe_path === null ? this.#folder : dirname(recipe_path);
    const [{ createTrainer }, { hashDataset }, { parseRecipe }] = await Promise.all([
      import('../train/trainer.ts'),
      import('./data-hash.ts'),
      import('../train/recipe.ts'),
    ]);
    // The record is a file like any other: what it says is checked as a recipe's file is.
    const recipe = parseRecipe(this.#record.recipe, () => join(this.#folder, FILES.record));
    // What a process that was killed left half-written: as large as a model.
    for (const part of ['.', FILES.model, join(FILES.model, 'onnx'), FILES.adapter]) {
      await sweepAside(join(this.#folder, part));
    }
    const hashing = hashDataset(recipe.dataset);
    hashing.catch(() => undefined);
    const trainer = await createTrainer({
      recipe,
      base,
      rules: data_rules ?? 1,
      part: stage?.part,
      note: (level, message) => {
        // Each fold finds the same in the same rows.
        if (stage === undefined || !this.#told.has(message)) this.#note(level, message);
        this.#told.add(message);
      },
    });
    await this.#requireDisk(trainer);
    this.#dataHash = await hashing;
    const checkpoints = new Checkpoints(
      join(stage?.folder ?? this.#folder, FILES.checkpoints),
      recipe.save_total_limit,
      this.#dataHash,
    );
    const checkpoint = this.#options.resume ? await checkpoints.readLatest() : null;
    if (checkpoint !== null) {
      if (stage === undefined) await this.#requireSameRows(trainer);
      trainer.restore({ ...checkpoint, step: checkpoint.loop.step });
      this.#compare(checkpoint, trainer);
      if (stage === undefined && checkpoint.loop.best !== null) this.#reports = await this.#earlierReports();
    } else if (this.#options.resume && stage === undefined) {
      this.#note('info', 'No checkpoint yet: the run starts from the beginning.');
    }
    return { recipe, trainer, checkpoints, checkpoint };
  }

  /** @throws LuthierError `run-invalid` */
  async #requireSameRows(trainer: Trainer): Promise<void> {
    const events = await readEvents(join(this.#folder, FILES.metrics));
    const start = events.find(({ event }) => event.event === 'start')?.event;
    if (start?.event === 'start') requireSameRows(start, trainer);
  }

  /** @throws LuthierError `disk-full`, naming the smaller setting that would fit */
  async #requireDisk(trainer: Trainer): Promise<void> {
    const { recipe } = this.#record;
    const [{ estimateDisk }, { freeDiskBytes }] = await Promise.all([
      import('../train/estimate.ts'),
      import('../hub/disk.ts'),
    ]);
    const sizes = { parameters: trainer.numParameters, trained: trainer.numTrainableParameters };
    // What the run holds from before is replaced, or need not be written again.
    const held = await Promise.all(
      [FILES.checkpoints, FILES.model, FILES.adapter].map((name) => diskUse(join(this.#folder, name))),
    );
    const left = (recipe: Recipe) => Math.max(0, estimateDisk(sizes, recipe) - held.reduce((a, b) => a + b));
    const need = left(recipe);
    const free = await freeDiskBytes(this.#folder);
    if (need <= free) return;
    const least = left({ ...recipe, save_total_limit: 1 });
    const smaller = recipe.save_total_limit > 1 && least <= free ? 'It would fit with save_total_limit 1. ' : '';
    throw new LuthierError(
      'disk-full',
      `The run would write up to ${formatBytes(need)}, but only ${formatBytes(free)} are free at ${this.#folder}.`,
      `${smaller}Free some space, train fewer parameters (strategy), or choose a folder on another disk with --out.`,
    );
  }

  /** Says so when what the figures depend on is not what it was. */
  #compare(checkpoint: Checkpoint, trainer: Trainer): void {
    const before: Record<string, unknown> = checkpoint.fingerprint;
    const names: Record<string, string> = { cpu: 'processor', num_threads: 'number of threads' };
    const changed = Object.entries(trainer.state().fingerprint).filter(([key, value]) => before[key] !== value);
    if (changed.length === 0) return;
    const list = changed.map(([key, value]) => `${names[key] ?? key} is ${value}, was ${before[key]}`).join('; ');
    this.#note(
      'warning',
      `Resuming from step ${checkpoint.loop.step} in a different environment (${list}); losses may differ in the last digits from those of an uninterrupted run.`,
    );
  }

  #start(trainer: Trainer, total = trainer.totalSteps, tell = (event: RunEvent): RunEvent => event): void {
    this.#record = {
      ...this.#record,
      state: 'running',
      step: this.#before + trainer.step,
      total_steps: total,
      labels: trainer.labels,
      environment: {
        luthier: VERSION,
        node: process.version,
        cpu: cpus()[0]?.model ?? process.arch,
        platform: `${platform()} ${release()}`,
        executor: trainer.executor,
        num_threads: trainer.numThreads,
      },
    };
    const start: RunEvent = {
      event: 'start',
      time: seconds(),
      run: this.#folder,
      total_steps: trainer.totalSteps,
      step: trainer.step,
      num_train_rows: trainer.numTrainRows,
      num_validation_rows: trainer.numValidationRows,
      labels: trainer.labels,
      num_parameters: trainer.numParameters,
      num_trainable_parameters: trainer.numTrainableParameters,
      executor: trainer.executor,
      num_threads: trainer.numThreads,
    };
    this.#emit(tell(start));
    this.#emit({ event: 'state', time: seconds(), state: 'running' });
    // The first step need not wait for the disk.
    this.#writeRecord().catch(() => undefined);
  }

  async #endBeforeStart(): Promise<number> {
    const wish = this.#control.wish;
    if (wish === 'interrupt') return 130;
    await this.#close(wish === 'cancel' ? 'cancelled' : 'stopped');
    return 0;
  }

  async #end(outcome: Outcome, trainer: Trainer, checkpoints: Checkpoints): Promise<number> {
    this.#record.step = trainer.step;
    // The state stays as it is: a reader finds that no process answers, and calls it interrupted.
    if (outcome.end === 'interrupted') return 130;
    if (outcome.end === 'cancelled') {
      await checkpoints.removeAll();
      for (const name of [FILES.model, FILES.adapter, FILES.evaluation]) {
        await rm(join(this.#folder, name), { recursive: true, force: true });
      }
      this.#record.best = null;
      await this.#close('cancelled');
      return 0;
    }
    const { loop, saved, metrics, stoppedEarly } = outcome;
    if (saved) await this.#describeModel(loop, trainer);
    this.#record.best = loop.best;
    this.#record.model = saved ? FILES.model : null;
    // After the record: a run killed in between is done, and never one that starts over because they are gone.
    const tidy = async () => {
      if (saved && !this.#record.recipe.keep_checkpoints) await checkpoints.removeAll();
    };
    const tell = () => {
      if (!saved) return;
      this.#emit({
        event: 'done',
        time: seconds(),
        run: this.#folder,
        model: join(this.#folder, FILES.model),
        metrics,
        best_step: loop.best?.step ?? trainer.step,
        step: trainer.step,
        stopped_early: stoppedEarly,
        wall_s: this.#elapsed() + this.#workedBefore(loop),
        time_to_first_step_s: this.#firstStepS ?? this.#elapsed(),
        peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
      });
    };
    await this.#close(outcome.end, tell, tidy);
    return 0;
  }

  /** Writes the model's card. A model is whole without one, so that what goes wrong with it is only told. */
  async #describeModel({ best }: LoopState, trainer: Trainer): Promise<void> {
    const { recipe_path, recipe } = this.#record;
    const { writeModelCards } = await import('./card.ts');
    const at = (name: string) => join(this.#folder, name);
    try {
      await writeModelCards(
        { model: at(FILES.model), adapter: kindOf(recipe.strategy).peftConfig ? at(FILES.adapter) : null },
        recipe_path === null ? this.#folder : dirname(recipe_path),
        {
          record: { ...this.#record, best },
          dataHash: this.#dataHash,
          rows: { train: trainer.numTrainRows, validation: trainer.numValidationRows, test: trainer.numTestRows },
          reports: this.#reports,
        },
      );
    } catch (error) {
      this.#note('warning', `The model card could not be written: ${toErrorData(error).message}`);
    }
  }

  /** Seconds of work in earlier processes: the loop counts from the checkpoint, we from the command. */
  #workedBefore(loop: LoopState): number {
    return this.#options.resume ? Math.max(0, loop.elapsed_s - this.#elapsed()) : 0;
  }

  /** Writes the last state before it is told, so that whoever hears of it reads the same in the folder. */
  async #close(
    state: RunState,
    tell: () => void = () => undefined,
    tidy: () => Promise<void> = async () => undefined,
  ): Promise<void> {
    this.#record.state = state;
    this.#record.finished_at = now();
    await this.#writeRecord();
    await tidy();
    this.#emit({ event: 'state', time: seconds(), state });
    tell();
  }

  async #fail(error: unknown): Promise<number> {
    // Whatever failed then failed for want of its folder.
    const data = toErrorData((await this.#goneByNow(error)) ?? error);
    // The log holds what a person does not want to see.
    console.error(error);
    this.#record.state = 'failed';
    this.#record.error = data;
    this.#record.finished_at = now();
    await this.#writing.catch(() => undefined);
    // Where neither can be written, the clients are told all the same.
    await this.#keepReason().catch((problem: unknown) => console.error(problem));
    const events: RunEvent[] = [
      { event: 'state', time: seconds(), state: 'failed' },
      { event: 'error', time: seconds(), ...data },
    ];
    try {
      for (const event of events) this.#emit(event);
    } catch {
      await this.#endpoint?.tellUnwritten(events, this.#log.lines);
    }
    return 1;
  }

  /**
   * A run whose folder was deleted or moved has nowhere to write, and must not make the folder again.
   * @throws LuthierError `run-not-found`
   */
  #requirePlace(): void {
    const gone = this.#gone();
    if (gone !== null) throw gone;
  }

  #gone(): LuthierError | null {
    this.#lookedAt = performance.now();
    const found = lstatSync(this.#folder, { throwIfNoEntry: false });
    if (found?.dev === this.#place.dev && found.ino === this.#place.ino) return null;
    return new LuthierError(
      'run-not-found',
      `The run's folder ${this.#folder} was deleted or moved during training, so the run has ended.`,
      'If you moved it, resume the run from its last checkpoint in its new place.',
    );
  }

  /** The same once more after a file was missed: deleting a folder takes a while, and what it holds goes first. */
  async #goneByNow(error: unknown): Promise<LuthierError | null> {
    const isMissed = [error, (error as Error | undefined)?.cause].some((of) => errnoOf(of) === 'ENOENT');
    for (let left = isMissed ? 40 : 0; left > 0 && this.#gone() === null; left--) await sleep(50);
    return this.#gone();
  }

  async #keepReason(): Promise<void> {
    this.#requirePlace();
    await (this.#reserve ?? (await Reserve.make(this.#folder))).writeRecord(this.#record);
    // Room for the log's last lines.
    await this.#reserve?.release();
  }

  #emit(event: RunEvent): void {
    if (event.event === 'step') {
      if (performance.now() - this.#lookedAt > LOOK_MS) this.#requirePlace();
      this.#firstStepS ??= this.#elapsed();
      this.#record.step = this.#before + event.step;
    }
    if (event.event === 'state') this.#record.state = event.state;
    const line = this.#log.append(event);
    this.#endpoint?.broadcast({ line, event });
  }

  #note(level: NoteEvent['level'], message: string): void {
    this.#emit({ event: 'note', time: seconds(), level, message });
  }

  /** What an earlier process reported of the best weights: it is kept beside what this one will say. */
  async #earlierReports(): Promise<Reports> {
    try {
      const bytes = await readOwnFile(join(this.#folder, FILES.evaluation), MAX_REPORT_BYTES);
      const { validation } = JSON.parse(bytes.toString('utf8')) as Reports;
      return validation === undefined ? {} : { validation };
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') this.#note('warning', `The earlier evaluation cannot be read: ${String(error)}`);
      return {};
    }
  }

  async #keep(report: EvaluationReport): Promise<void> {
    this.#reports[report.split] = report;
    await writeJson(join(this.#folder, FILES.evaluation), this.#reports);
  }

  async #change(loop: LoopState, state: RunState | undefined): Promise<void> {
    this.#record.step = this.#before + loop.step;
    this.#record.best = loop.best;
    if (state !== undefined) this.#record.state = state;
    await this.#writeRecord();
  }

  #writeRecord(): Promise<void> {
    const write = async () => {
      this.#requirePlace();
      await writeRecord(this.#folder, this.#record);
    };
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }

  /** Seconds since the person's command, by a clock that nobody sets: the system's counts only up to our start. */
  #elapsed(): number {
    const before = Math.min(Math.max(0, performance.timeOrigin - this.#options.since), MAX_BEFORE_MS);
    return (before + performance.now()) / 1000;
  }
}

const MAX_DESCRIPTION = 10_000;

/** What a client calls a run: the record must stay one that can be read. */
function described(what: string, text: unknown): string {
  if (typeof text === 'string' && text.length <= MAX_DESCRIPTION) return text;
  throw new LuthierError('usage', `A run's ${what} must be a text of at most ${MAX_DESCRIPTION} characters.`);
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

const now = () => new Date().toISOString();
const seconds = () => Date.now() / 1000;
