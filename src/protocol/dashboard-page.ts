/** Messages between the extension host and the dashboard; page.ts says how such wires work. */
import {
  anything,
  firstVersion,
  isBoolean,
  isBytes,
  isColumn,
  isCount,
  isString,
  listOf,
  nullOr,
  oneOf,
  optional,
  parser,
  type Rules,
  recordOf,
  shape,
  union,
} from './check.ts';
import { type CompletionReport, isCompletionReport } from './completion-report.ts';
import type { ErrorData } from './errors.ts';
import type { EvaluatedRow, EvaluationReport, FileEvaluation, RunComparison, Split } from './evaluation.ts';
import { isFoldResult, isSeedResult } from './event-checks.ts';
import type { RunEvent } from './events.ts';
import { isErrorData, type PageRequest, pageRequests } from './page.ts';
import { isEvaluatedRow, isFileEvaluation, isMetrics, isReport, SPLITS } from './reports.ts';
import type { RunRecord } from './run.ts';
import { STEP_COLUMNS, type StepColumns } from './steps.ts';

/** All that the dashboard shows of a run; the run's folder alone is enough to make one. */
export interface RunSnapshot {
  record: RunRecord;
  steps: StepColumns;
  /** metrics.jsonl's other events, in order. `step` events may stand here too, but columns are cheaper. */
  events: RunEvent[];
  /** evaluation.json's reports; empty until there are any. */
  reports: EvaluationReport[];
  /** What the run's model was measured on besides, the latest first. */
  evaluations: FileEvaluation[];
  /** Evaluations that are there and cannot be read, each with its reason. */
  report_problems: string[];
  /** What suggestions of its model are worth on files that are held out; null where that was not measured. */
  completions: CompletionReport | null;
  /** Whether it learned files, some of which are held out: then it can be measured. */
  learned_files: boolean;
  /** Absolute path of the model's folder; null until there is one. */
  model_folder: string | null;
  /** Whether the model is there as ONNX, too, which transformers.js needs. */
  has_onnx: boolean;
  /** Why this window cannot change the run (newer format, untrusted workspace, read-only folder); null when it can. */
  read_only: string | null;
  /** Place in the queue, 1 for the next; null when the run does not wait. */
  queue_position: number | null;
}

/** Rows of class `actual` predicted as `predicted`; of the evaluation on a file where it is named. */
export interface ConfusionCell {
  run: string;
  split: Split;
  evaluation?: string | undefined;
  actual: string;
  predicted: string;
}

export type DashboardMessage =
  /** The answer to `ready`, and whenever the set of shown runs changes: replaces everything. */
  | { type: 'snapshot'; runs: RunSnapshot[]; focus: string }
  /** Further steps of a long run, so that the first picture need not wait for the whole file. */
  | { type: 'steps'; run: string; steps: StepColumns }
  /** New events, in order, as they arrive. */
  | { type: 'events'; run: string; events: RunEvent[] }
  /** run.json changed: state, name, note, best metric. */
  | {
      type: 'record';
      record: RunRecord;
      queue_position: number | null;
      model_folder: string | null;
      has_onnx: boolean;
    }
  | {
      type: 'reports';
      run: string;
      reports: EvaluationReport[];
      evaluations: FileEvaluation[];
      report_problems: string[];
      completions: CompletionReport | null;
    }
  /** Show the run's evaluation on this file, which was just made. */
  | { type: 'showEvaluation'; run: string; name: string }
  /** The answer to `compareRows`; `problem` says why there is no comparison. */
  | { type: 'comparison'; first: string; second: string; comparison: RunComparison | null; problem: string | null }
  /** The answer to `cell`: rows of one cell of the confusion matrix (at most 200), and how many there are. */
  | ({ type: 'cell'; rows: EvaluatedRow[]; total: number } & ConfusionCell)
  /**
   * Every action ends in one: `done` when what was asked for has happened or is under way, `cancelled` when the person
   * called it off, `failed` when the host has told them why.
   */
  | { type: 'acted'; action: RunAction; run: string; outcome: ActionOutcome }
  /** How a run is ended, once the person has said so: the dialog that `cancel` opens offers both. */
  | { type: 'ending'; action: 'stop' | 'cancel'; run: string }
  /** The run's folder is no more. */
  | { type: 'gone'; run: string }
  /** A request did not come through; `request` is its type. */
  | { type: 'failed'; request: string; run: string | null; error: ErrorData }
  /** A request was called off: by the person, or because the engine ended. */
  | { type: 'calledOff'; request: string; run: string | null };

const ACTION_OUTCOMES = ['done', 'cancelled', 'failed'] as const;
export type ActionOutcome = (typeof ACTION_OUTCOMES)[number];

/** What is done to a run; the host asks for confirmation where something would be lost. */
export const RUN_ACTIONS = [
  'pause',
  'resume',
  'stop',
  'cancel',
  'openRecipe',
  'duplicate',
  'openLog',
  'reveal',
  'try',
  'evaluate',
  /** What its suggestions are worth on files that are held out. */
  'measureCompletions',
  'export',
  /** As ONNX, beside the run's own model. */
  'exportOnnx',
  'crossValidate',
] as const;
export type RunAction = (typeof RUN_ACTIONS)[number];

export type DashboardRequest =
  /** The page is up (again): send a snapshot. */
  | { type: 'ready' }
  | { type: 'action'; action: RunAction; run: string }
  /** Try what a finding of the run's suggests: the host asks or opens what it takes, and starts nothing. */
  | { type: 'change'; run: string; finding: string }
  /** The rows of a cell, answered by `cell`. */
  | ({ type: 'cell' } & ConfusionCell)
  /** Two runs' answers to their validation rows, one by one; answered by `comparison`. */
  | { type: 'compareRows'; first: string; second: string }
  /** Open the data file at this 1-based line. `file` is as in the row. */
  | { type: 'openRow'; run: string; file: string; line: number }
  /** Let the person choose runs to lay over these; answered by a new snapshot. */
  | { type: 'chooseRuns' }
  /** Take a run out of the comparison (never the last one); answered by a new snapshot. */
  | { type: 'removeRun'; run: string }
  /** The page could not write to the clipboard itself. */
  | { type: 'copyText'; text: string }
  | { type: 'savePicture'; name: string; png: Uint8Array }
  | { type: 'saveText'; name: string; text: string }
  | PageRequest;

/** What `vscode.setState` holds, and a WebviewPanelSerializer gets: the runs to show, and the page's own view of them. */
export interface DashboardState {
  version: 1;
  runs: string[];
  view: unknown;
}

const isRecord = shape({
  id: isString,
  name: isString,
  note: isString,
  state: isString,
  recipe: recordOf(anything),
  step: isCount,
  total_steps: isCount,
  labels: listOf(isString),
  best: nullOr(shape({ step: isCount, metrics: isMetrics })),
  folds: optional(shape({ count: isCount, final: isBoolean, results: listOf(isFoldResult), deviations: isMetrics })),
  fold_of: optional(shape({ run: isString, fold: isCount, count: isCount })),
  seeds: optional(shape({ values: listOf(isCount), results: listOf(isSeedResult), deviations: isMetrics })),
  seed_of: optional(shape({ run: isString, seed: isCount, count: isCount })),
  findings: optional(listOf(anything)),
  error: nullOr(isErrorData),
});

const isComparedRow = shape({
  line: isCount,
  file: isString,
  text: isString,
  label: isString,
  first: isString,
  second: isString,
});
const isComparison = shape({
  n: listOf(isCount),
  shared: isCount,
  outcome: nullOr(
    shape({
      both: isCount,
      neither: isCount,
      only_first: isCount,
      only_second: isCount,
      rows: listOf(isComparedRow),
    }),
  ),
});

const isSteps = shape(Object.fromEntries(STEP_COLUMNS.map((name) => [name, isColumn])));
/** Events are checked one by one where they are used: one odd line must not cost the others. */
const isEvents = listOf(anything);

const cell = {
  run: isString,
  split: oneOf(...SPLITS),
  evaluation: optional(isString),
  actual: isString,
  predicted: isString,
};

const dashboardMessages: Rules<DashboardMessage, 'type'> = {
  snapshot: {
    runs: listOf(
      shape({
        record: isRecord,
        steps: isSteps,
        events: isEvents,
        reports: listOf(isReport),
        evaluations: listOf(isFileEvaluation),
        report_problems: listOf(isString),
        completions: nullOr(isCompletionReport),
        learned_files: isBoolean,
        model_folder: nullOr(isString),
        has_onnx: isBoolean,
        read_only: nullOr(isString),
        queue_position: nullOr(isCount),
      }),
    ),
    focus: isString,
  },
  steps: { run: isString, steps: isSteps },
  events: { run: isString, events: isEvents },
  record: {
    record: isRecord,
    queue_position: nullOr(isCount),
    model_folder: nullOr(isString),
    has_onnx: isBoolean,
  },
  reports: {
    run: isString,
    reports: listOf(isReport),
    evaluations: listOf(isFileEvaluation),
    report_problems: listOf(isString),
    completions: nullOr(isCompletionReport),
  },
  showEvaluation: { run: isString, name: isString },
  comparison: { first: isString, second: isString, comparison: nullOr(isComparison), problem: nullOr(isString) },
  cell: { ...cell, rows: listOf(isEvaluatedRow), total: isCount },
  acted: { action: oneOf(...RUN_ACTIONS), run: isString, outcome: oneOf(...ACTION_OUTCOMES) },
  ending: { action: oneOf('stop', 'cancel'), run: isString },
  gone: { run: isString },
  failed: { request: isString, run: nullOr(isString), error: isErrorData },
  calledOff: { request: isString, run: nullOr(isString) },
};

const dashboardRequests: Rules<DashboardRequest, 'type'> = {
  ...pageRequests,
  ready: {},
  action: { action: oneOf(...RUN_ACTIONS), run: isString },
  change: { run: isString, finding: isString },
  cell,
  compareRows: { first: isString, second: isString },
  openRow: { run: isString, file: isString, line: isCount },
  chooseRuns: {},
  removeRun: { run: isString },
  copyText: { text: isString },
  savePicture: { name: isString, png: isBytes },
  saveText: { name: isString, text: isString },
};

export const parseDashboardMessage = parser<DashboardMessage>(union('type', dashboardMessages));
export const parseDashboardRequest = parser<DashboardRequest>(union('type', dashboardRequests));

export const parseDashboardState = parser<DashboardState>(firstVersion({ runs: listOf(isString), view: anything }));
