import type { CompletionReport } from '../../protocol/completion-report.ts';
import type { DashboardMessage, RunAction, RunSnapshot } from '../../protocol/dashboard-page.ts';
import type {
  EvaluatedRow,
  EvaluationReport,
  FileEvaluation,
  RunComparison,
  Split,
} from '../../protocol/evaluation.ts';
import { parseRunEvent } from '../../protocol/event-checks.ts';
import type {
  CheckpointEvent,
  DoneEvent,
  EvalEvent,
  NoteEvent,
  RunEvent,
  SamplesEvent,
  SolvedEvent,
  StartEvent,
} from '../../protocol/events.ts';
import type { RunRecord } from '../../protocol/run.ts';
import { FINISHED_STATES, type RunState, WORKING_STATES } from '../../protocol/states.ts';
import { StepBuffer } from '../../protocol/steps.ts';
import { taskOf } from '../../protocol/tasks.ts';
import { trainingAt, trainingsOf } from '../../protocol/trainings.ts';
import { type LogLine, logLine } from './log-lines.ts';

/** A note that says the step that it is of. */
export type StepNote = NoteEvent & { step: number };

/** What is known of one run. Replaced fields are new objects, so that a view can compare them by identity. */
export interface RunView {
  readonly id: string;
  record: RunRecord;
  /** Of several trainings those of the one at work, as `start`, `evals` and `checkpoints`. */
  steps: StepBuffer;
  /** Of several trainings the one at work, from 1 on; undefined for a model of all rows, and for any other run. */
  fold: number | undefined;
  /** Steps of those before it. */
  before: number;
  start: StartEvent | null;
  evals: EvalEvent[];
  /** Answers to a few validation rows, by step. */
  samples: SamplesEvent[];
  checkpoints: CheckpointEvent[];
  /** How the classifier was solved last, where it is. */
  solved: SolvedEvent | null;
  /** What was told at a step, such as that a strategy trains more from then on. */
  marks: StepNote[];
  log: LogLine[];
  done: DoneEvent | null;
  reports: EvaluationReport[];
  /** What its model was measured on besides, the latest first. */
  evaluations: FileEvaluation[];
  /** Why evaluations that are there cannot be read. */
  reportProblems: string[];
  /** What suggestions of its model are worth; null where that was not measured. */
  completions: CompletionReport | null;
  /** It learned files, some of which are held out: then it can be measured. */
  learnedFiles: boolean;
  /** Absolute path of its model's folder; null until there is one. */
  modelFolder: string | null;
  /** Whether the model is there as ONNX, too. */
  hasOnnx: boolean;
  eta_s: number | null;
  readOnly: string | null;
  queuePosition: number | null;
  /** Its folder was deleted while it was shown. */
  gone: boolean;
  /** Asked for and not yet answered: by a change of state, or by what became of it. */
  pending: RunAction | null;
  /** Of `pending`, what its button may say is under way: discarding asks first, and may become stopping. */
  underWay: RunAction | null;
}

/** Rows of one cell of the confusion matrix; null rows while they are on their way. */
export interface CellRows {
  run: string;
  split: Split;
  /** Name of an evaluation on a file. */
  evaluation?: string | undefined;
  actual: string;
  predicted: string;
  rows: EvaluatedRow[] | null;
  total: number;
}

/** Two runs' answers side by side; both null while they are being made. */
export interface Comparison {
  comparison: RunComparison | null;
  problem: string | null;
}

/** Steps done, those of earlier folds included. */
export const stepOf = ({ record, before, steps }: RunView): number => Math.max(record.step, before + steps.lastStep);

export const hasEnded = (state: RunState): boolean => FINISHED_STATES.has(state) || state === 'interrupted';
export const isWorking = (state: RunState): boolean => WORKING_STATES.has(state) && state !== 'paused';

/** The runs on show. `apply` is the only thing that changes them; there is no DOM in here. */
export class RunStore {
  readonly runs = new Map<string, RunView>();
  focus = '';
  cell: CellRows | null = null;
  /** By `first\nsecond`, ids of runs. */
  comparisons = new Map<string, Comparison>();
  /** The last request that failed, shown until dismissed or answered. */
  failure: Extract<DashboardMessage, { type: 'failed' }> | null = null;
  /** False until the first snapshot. */
  loaded = false;

  constructor(private readonly dropped: (reason: string) => void) {}

  get focused(): RunView | undefined {
    return this.runs.get(this.focus);
  }

  apply(message: DashboardMessage): void {
    if (message.type === 'snapshot') {
      this.#snapshot(message.runs, message.focus);
      return;
    }
    if (message.type === 'failed') {
      this.failure = message;
      const run = message.run === null ? undefined : this.runs.get(message.run);
      if (run) run.pending = null;
      if (message.request === 'cell') this.cell = null;
      return;
    }
    if (message.type === 'calledOff') {
      if (message.request === 'cell') this.cell = null;
      return;
    }
    if (message.type === 'comparison') {
      const { first, second, comparison, problem } = message;
      this.#compared(first, second, { comparison, problem });
      return;
    }
    const id = message.type === 'record' ? message.record.id : message.run;
    const run = this.runs.get(id);
    // A message may cross the request that took its run out of the comparison.
    if (!run) return;
    switch (message.type) {
      case 'steps':
        run.steps.appendColumns(message.steps);
        return;
      case 'events':
        this.#events(run, message.events);
        return;
      case 'record':
        if (message.record.state !== run.record.state) run.pending = null;
        run.record = message.record;
        run.modelFolder = message.model_folder;
        run.hasOnnx = message.has_onnx;
        run.queuePosition = message.queue_position;
        return;
      case 'reports':
        run.reports = message.reports;
        run.evaluations = message.evaluations;
        run.reportProblems = message.report_problems;
        run.completions = message.completions;
        return;
      case 'showEvaluation':
        this.focus = run.id;
        this.cell = null;
        return;
      case 'acted':
        if (run.pending === message.action) run.pending = null;
        return;
      case 'ending':
        if (run.pending !== null) run.underWay = message.action;
        return;
      case 'gone':
        run.gone = true;
        return;
      case 'cell':
        if (
          this.cell?.run === id &&
          this.cell.evaluation === message.evaluation &&
          this.cell.actual === message.actual &&
          this.cell.predicted === message.predicted
        )
          this.cell = { ...this.cell, rows: message.rows, total: message.total };
        return;
    }
  }

  /** Notes that an action was asked for, so that its button shows it. */
  asked(id: string, action: RunAction): void {
    const run = this.runs.get(id);
    if (run && ['pause', 'resume', 'stop', 'cancel', 'exportOnnx'].includes(action)) {
      run.pending = action;
      run.underWay = action === 'cancel' ? null : action;
    }
    this.failure = null;
  }

  comparison(first: string, second: string): Comparison | undefined {
    return this.comparisons.get(`${first}\n${second}`);
  }

  /** Notes that two runs are being compared; false where that was asked before. */
  comparing(first: string, second: string): boolean {
    if (this.comparison(first, second)) return false;
    this.#compared(first, second, { comparison: null, problem: null });
    return true;
  }

  #compared(first: string, second: string, comparison: Comparison): void {
    // A new map, so that a view can compare it by identity.
    this.comparisons = new Map(this.comparisons).set(`${first}\n${second}`, comparison);
  }

  #snapshot(snapshots: RunSnapshot[], focus: string): void {
    this.runs.clear();
    // What was being compared when the page was loaded is not answered any more.
    this.comparisons = new Map();
    for (const snapshot of snapshots) {
      const { record } = snapshot;
      const steps = new StepBuffer(Math.max(1024, snapshot.steps.step.length));
      const run: RunView = {
        id: record.id,
        record,
        steps,
        fold: undefined,
        before: 0,
        start: null,
        evals: [],
        samples: [],
        checkpoints: [],
        solved: null,
        marks: [],
        log: [],
        done: null,
        reports: snapshot.reports,
        evaluations: snapshot.evaluations,
        reportProblems: snapshot.report_problems,
        completions: snapshot.completions,
        learnedFiles: snapshot.learned_files,
        modelFolder: snapshot.model_folder,
        hasOnnx: snapshot.has_onnx,
        eta_s: null,
        readOnly: snapshot.read_only,
        queuePosition: snapshot.queue_position,
        gone: false,
        ...{ pending: null, underWay: null },
      };
      this.#events(run, snapshot.events);
      // After the events: the steps are those of the last training that they tell of.
      steps.appendColumns(snapshot.steps);
      // The record is newer than any event in it: a reader may know that the run was interrupted.
      run.record = record;
      this.runs.set(record.id, run);
    }
    this.focus = this.runs.has(focus) ? focus : (this.runs.keys().next().value ?? '');
    if (this.cell && !this.runs.has(this.cell.run)) this.cell = null;
    this.loaded = true;
  }

  #events(run: RunView, events: readonly unknown[]): void {
    run.log = [...run.log];
    run.evals = [...run.evals];
    run.checkpoints = [...run.checkpoints];
    run.marks = [...run.marks];
    for (const event of events) this.#event(run, event);
  }

  /** A training begins or goes on: of several it may be the next one, which is shown in the last one's place. */
  #stage(run: RunView, start: RunEvent & StartEvent): void {
    const at = trainingAt(run.record, start);
    const { before, total } = start.of_run ?? { before: 0, total: start.total_steps };
    run.before = before;
    run.record = { ...run.record, total_steps: total };
    if (at === run.fold) return;
    run.fold = at;
    run.steps.clear();
    run.evals = [];
    run.samples = [];
    run.checkpoints = [];
    run.solved = null;
    run.marks = [];
  }

  #event(run: RunView, value: unknown): void {
    const result = parseRunEvent(value);
    if (!result.ok) {
      this.dropped(result.reason);
      return;
    }
    const event: RunEvent = result.message;
    const line = logLine(event, taskOf(run.record.recipe.task).row);
    if (line) run.log.push(line);
    switch (event.event) {
      case 'step':
        run.steps.append(event);
        run.eta_s = event.eta_s;
        run.record = { ...run.record, step: run.before + event.step };
        return;
      case 'start':
        run.start = event;
        run.done = null;
        this.#stage(run, event);
        // A resumed run says again what came after its checkpoint.
        run.evals = run.evals.filter((e) => e.step <= event.step);
        run.samples = run.samples.filter((e) => e.step <= event.step);
        run.marks = run.marks.filter((e) => e.step <= event.step);
        if (run.solved && run.solved.step > event.step) run.solved = null;
        run.record = { ...run.record, labels: event.labels };
        return;
      case 'eval':
        run.evals.push(event);
        // The best of one training is not the run's, which is the mean of all.
        if (event.best && !trainingsOf(run.record))
          run.record = { ...run.record, best: { step: event.step, metrics: event.metrics } };
        return;
      case 'samples':
        run.samples.push(event);
        return;
      case 'solved':
        run.solved = event;
        return;
      case 'checkpoint':
        run.checkpoints.push(event);
        return;
      case 'state':
        run.pending = null;
        run.record = { ...run.record, state: event.state };
        return;
      case 'done':
        run.done = event;
        if (event.findings) run.record = { ...run.record, findings: event.findings };
        run.eta_s = null;
        return;
      case 'error':
        run.record = {
          ...run.record,
          error: {
            code: event.code,
            message: event.message,
            ...(event.hint === undefined ? {} : { hint: event.hint }),
          },
        };
        return;
      case 'note':
        if (event.step !== undefined) run.marks.push({ ...event, step: event.step });
        return;
    }
  }
}
