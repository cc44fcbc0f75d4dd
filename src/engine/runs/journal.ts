import { cpus, platform, release } from 'node:os';
import { dirname, join } from 'node:path';
import { writeJson } from '../../files/write-file.ts';
import {
  cleanTags,
  type DoneEvent,
  type EvaluationReport,
  type Incident,
  inFewerBits,
  LuthierError,
  type NoteEvent,
  type RunDescription,
  type RunEvent,
  type RunRecord,
  type RunState,
  type Split,
  type StartEvent,
  type StepsOfRun,
  tagsProblem,
  toErrorData,
} from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { readMetrics, START_OF_METRICS } from '../../runs/metrics.ts';
import { writeRecord } from '../../runs/record.ts';
import { readReports } from '../../runs/reports.ts';
import { runLogLine } from '../../runs/run-log.ts';
import type { LoopState } from '../train/loop-state.ts';
import type { Trainer } from '../train/types.ts';
import { VERSION } from '../version.ts';
import type { Endpoint } from './endpoint.ts';
import type { EventLog } from './event-log.ts';
import type { Place } from './place.ts';
import type { Reserve } from './reserve.ts';

/** A command that began longer before its process is a clock that was set meanwhile. */
const MAX_BEFORE_MS = 600_000;
const MAX_DESCRIPTION = 10_000;

type Reports = Partial<Record<Split, EvaluationReport>>;

export interface JournalOptions {
  folder: string;
  record: RunRecord;
  log: EventLog;
  place: Place;
  reserve: Reserve;
  /** Milliseconds since the epoch at which the person's command began. */
  since: number;
}

/** Of a trainer: its training rows by their labels. */
export type Labelled = Pick<Trainer, 'labels' | 'labelCounts' | 'classCounts' | 'numTrainRows'>;

function labelCountsOf({ labels, labelCounts: counts, classCounts: classes, numTrainRows: rows }: Labelled) {
  return counts === undefined ? null : { labels, counts, rows, ...(classes && { classes }) };
}

/** What a run writes down and tells: its record, its events, its reports, and why it ended. */
export class Journal {
  readonly folder: string;
  record: RunRecord;
  /** Steps of the trainings before the one at work. */
  before = 0;
  reports: Reports = {};
  /** There once the socket is open. */
  endpoint: Endpoint | null = null;
  readonly #log: EventLog;
  readonly #place: Place;
  readonly #reserve: Reserve;
  readonly #since: number;
  readonly #noted = new Set<string>();
  /** Writes of the record, one after the other. */
  #writing: Promise<void> = Promise.resolve();
  #firstStepS: number | null = null;

  constructor({ folder, record, log, place, reserve, since }: JournalOptions) {
    this.folder = folder;
    this.record = record;
    this.#log = log;
    this.#place = place;
    this.#reserve = reserve;
    this.#since = since;
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  /** Folder that relative names in the recipe are looked up from. */
  get base(): string {
    return this.record.recipe_path === null ? this.folder : dirname(this.record.recipe_path);
  }

  /** Seconds since the person's command, by a clock that nobody sets: the system's counts only up to our start. */
  get elapsed(): number {
    const before = Math.min(Math.max(0, performance.timeOrigin - this.#since), MAX_BEFORE_MS);
    return (before + performance.now()) / 1000;
  }

  emit(event: RunEvent): void {
    if (event.event === 'step') {
      this.#place.requireNowAndThen();
      this.#firstStepS ??= this.elapsed;
      this.record.step = this.before + event.step;
    }
    if (event.event === 'state') this.record.state = event.state;
    const line = this.#log.append(event);
    this.endpoint?.broadcast({ line, event });
    // Standard output is the run's log; a full disk keeps back its lines, and was told where metrics.jsonl was written.
    const logged = runLogLine(event);
    if (logged !== null) console.log(logged);
  }

  tellState(state: RunState): void {
    this.emit({ event: 'state', time: seconds(), state });
  }

  note(level: NoteEvent['level'], message: string): void {
    this.#noted.add(message);
    this.emit({ event: 'note', time: seconds(), level, message });
  }

  /** For what each training finds again in the same rows. */
  noteOnce(level: NoteEvent['level'], message: string): void {
    if (!this.#noted.has(message)) this.note(level, message);
  }

  /** Takes what the run's earlier processes have noted for noted. */
  async recallNotes(): Promise<void> {
    await readMetrics(this.at(FILES.metrics), START_OF_METRICS, (lines) => {
      for (const { event } of lines) if (event.event === 'note') this.#noted.add(event.message);
    });
  }

  /** Tells what went wrong on the graphics card, and keeps it with the run. */
  incident({ kind, step, message }: Incident): void {
    const { incidents = [] } = this.record;
    this.record = { ...this.record, incidents: [...incidents, { kind, step: this.before + step, message }] };
    this.emit({ event: 'note', time: seconds(), level: 'warning', step: this.before + step, incident: kind, message });
    this.write().catch(() => undefined);
  }

  /** A training begins: the run's only one, or the next of several, as `tell` says its events. */
  start(trainer: Trainer, several?: { of_run: StepsOfRun; tell: (event: RunEvent) => RunEvent }): void {
    // Once some figures are, those of the run are, though it goes on without its card.
    const bits = trainer.frozenBits ?? this.record.frozen_bits;
    this.record = {
      ...this.record,
      ...(bits !== undefined && { frozen_bits: bits, findings: [inFewerBits(bits)] }),
      state: 'running',
      step: this.before + trainer.step,
      total_steps: several?.of_run.total ?? trainer.totalSteps,
      ...(trainer.pretraining && { pretraining: trainer.pretraining }),
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
    const start: StartEvent = {
      event: 'start',
      time: seconds(),
      run: this.folder,
      total_steps: trainer.totalSteps,
      step: trainer.step,
      num_train_rows: trainer.numTrainRows,
      num_validation_rows: trainer.numValidationRows,
      labels: trainer.labels,
      num_parameters: trainer.numParameters,
      num_trainable_parameters: trainer.numTrainableParameters,
      executor: trainer.executor,
      num_threads: trainer.numThreads,
      ...(trainer.lossOf && { loss_of: trainer.lossOf }),
      ...(trainer.pretraining && { pretraining: trainer.pretraining }),
      ...(trainer.frozenBits && { frozen_bits: trainer.frozenBits }),
    };
    // Its place among the others is told to those who follow the run; the training's own folder knows of no others.
    this.emit(several ? { ...several.tell(start), ...{ of_run: several.of_run } } : start);
    this.tellState('running');
    // The first step need not wait for the disk.
    this.write().catch(() => undefined);
  }

  tellDone(
    done: Omit<DoneEvent, 'event' | 'time' | 'run' | 'step' | 'wall_s' | 'time_to_first_step_s' | 'peak_rss_bytes'>,
    workedBefore = 0,
  ): void {
    const { findings } = this.record;
    this.emit({
      event: 'done',
      time: seconds(),
      run: this.folder,
      ...done,
      ...(findings && { findings }),
      step: this.record.step,
      wall_s: this.elapsed + workedBefore,
      time_to_first_step_s: this.#firstStepS ?? this.elapsed,
      peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
    });
  }

  async change(loop: LoopState, state: RunState | undefined): Promise<void> {
    this.record.step = this.before + loop.step;
    this.record.best = loop.best;
    if (state !== undefined) this.record.state = state;
    await this.write();
  }

  /** What a client calls the run. @throws LuthierError `usage`: the record must stay one that can be read */
  async describe(change: RunDescription): Promise<void> {
    for (const key of ['name', 'note'] as const) {
      const text: unknown = change[key];
      if (text === undefined) continue;
      if (typeof text !== 'string' || text.length > MAX_DESCRIPTION) {
        throw new LuthierError('usage', `A run's ${key} must be a text of at most ${MAX_DESCRIPTION} characters.`);
      }
      this.record[key] = text;
    }
    if (change.tags !== undefined) {
      const problem = tagsProblem(change.tags);
      if (problem !== null) throw new LuthierError('usage', problem);
      this.record.tags = cleanTags(change.tags);
    }
    await this.write();
  }

  async keep(report: EvaluationReport): Promise<void> {
    this.reports[report.split] = report;
    await this.#place.during(() => writeJson(this.at(FILES.evaluation), this.reports));
  }

  /** Takes up what an earlier process reported of the best weights: it is kept beside what this one will say. */
  async recallReports(): Promise<void> {
    const { reports, problems } = await readReports(this.folder);
    for (const problem of problems) this.note('warning', problem);
    const validation = reports.find(({ split }) => split === 'validation');
    this.reports = validation === undefined ? {} : { validation };
  }

  /**
   * Puts what the run says about itself into its record. `state` is what it ends with.
   * @param trainer of the last training, whose rows are at hand
   */
  async diagnose(state: RunState, trainer: Labelled | null): Promise<void> {
    const { findingsIn } = await import('./diagnosis/read.ts');
    const labels = trainer && labelCountsOf(trainer);
    const reports = Object.values(this.reports);
    this.record.findings = await findingsIn(this.folder, { ...this.record, state }, reports, labels);
  }

  write(): Promise<void> {
    const write = () =>
      this.#place.during(async () => {
        this.#place.require();
        await writeRecord(this.folder, this.record);
      });
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }

  /** Writes the last state before it is told, so that whoever hears of it reads the same in the folder. */
  async end(
    state: RunState,
    tell: () => void = () => undefined,
    tidy: () => Promise<void> = async () => undefined,
  ): Promise<void> {
    this.record.state = state;
    this.record.finished_at = now();
    await this.write();
    await tidy();
    this.tellState(state);
    tell();
  }

  async fail(error: unknown): Promise<void> {
    const data = toErrorData(error);
    // The log holds what a person does not want to see.
    console.error(error);
    Object.assign(this.record, { state: 'failed', error: data, finished_at: now() });
    if (data.code === 'loss-not-finite') await this.diagnose('failed', null);
    await this.#writing.catch(() => undefined);
    // Where neither can be written, the clients are told all the same.
    await this.#keepReason().catch((problem: unknown) => console.error(problem));
    const events: RunEvent[] = [
      { event: 'state', time: seconds(), state: 'failed' },
      { event: 'error', time: seconds(), ...data },
    ];
    try {
      for (const event of events) this.emit(event);
    } catch {
      await this.endpoint?.tellUnwritten(events, this.#log.lines);
    }
  }

  async #keepReason(): Promise<void> {
    this.#place.require();
    await this.#reserve.writeRecord(this.record);
    // Room for the log's last lines.
    await this.#reserve.release();
  }

  /** Waits for what is still being written, and gives up what was kept for a full disk. */
  async settle(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#reserve.release();
  }

  async close(): Promise<void> {
    await this.endpoint?.close();
    this.#log.close();
  }
}

const now = () => new Date().toISOString();
const seconds = () => Date.now() / 1000;
