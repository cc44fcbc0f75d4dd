/**
 * Messages between the extension host and its webviews, one discriminated union in each direction.
 * "Message" goes to the webview, "request" comes from it; a request that fails is answered by `failed`.
 * Both ends check what arrives: what does not fit is dropped and logged.
 */
import {
  anything,
  type Check,
  firstVersion,
  isBoolean,
  isBytes,
  isColumn,
  isCount,
  isNumber,
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
import type { RunEvent } from './events.ts';
import { isEvaluatedRow, isMetrics, isReport, SPLITS } from './reports.ts';
import { isForgetting, type RunRecord } from './run.ts';
import type { Answer, Texts } from './service.ts';
import { STEP_COLUMNS, type StepColumns } from './steps.ts';
import { type AnswerName, FILL_MASK, TASKS } from './tasks.ts';

// ---- every page ----------------------------------------------------------------------------------------------

/** What any page may ask; the host's end of the wire answers it, whatever the page is. */
export type PageRequest =
  /** For the log channel: a dropped message. */
  | { type: 'log'; level: 'info' | 'warning' | 'error'; message: string }
  /** Something in the page threw while it loaded, drew or answered; the page shows the message. */
  | { type: 'pageFailed'; message: string; detail: string }
  /** Load the page again. */
  | { type: 'reload' }
  | { type: 'showLog' };

// ---- dashboard -----------------------------------------------------------------------------------------------

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
  | {
      type: 'cell';
      run: string;
      split: Split;
      evaluation?: string | undefined;
      actual: string;
      predicted: string;
      rows: EvaluatedRow[];
      total: number;
    }
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
  /** Rows of class `actual` predicted as `predicted`, answered by `cell`; of the evaluation on a file where it is named. */
  | {
      type: 'cell';
      run: string;
      split: Split;
      evaluation?: string | undefined;
      actual: string;
      predicted: string;
    }
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

// ---- try model -----------------------------------------------------------------------------------------------

export interface TryoutModel {
  /** What it answers. */
  task: AnswerName;
  /** Shown at the head of its column. */
  name: string;
  labels: string[];
  /** What its data called the two texts, where it was trained on pairs. */
  pair?: { text: string; text_pair: string };
  /** What marks a place that it fills in, as it is written in a text. */
  mask?: string;
}

export interface TryoutSnapshot {
  /** Id of the run, or of the base model, that is tried; the page keeps it, so that a reloaded window finds it again. */
  run: string;
  /** Whether rows that it learned from can be picked. */
  rows: boolean;
  tuned: TryoutModel;
  /** The model that the run started from, when it can classify too. */
  base: TryoutModel | null;
  /** Said in the base's place when there is none, or under its name ("its classifier is not trained"). */
  base_note: string | null;
  /** Name of the file or dataset that corrected rows go to; null when there is none to add to. */
  dataset: string | null;
  /** What becomes of what is typed where the model learned its rows through a prompt template. */
  template_note?: string;
}

/** A row of the data that has the text of a correction. */
export interface StandingRow {
  file: string;
  line: number;
  label: string;
}

export type TryoutMessage =
  | ({ type: 'snapshot' } & TryoutSnapshot)
  /** The model is being loaded: a first answer takes longer. */
  | { type: 'loading'; message: string }
  /** A prediction ended without an answer, as the person wished. */
  | { type: 'cancelled'; id: number }
  /** In the order of the request's texts. `base` is null when there is no base or comparing is off. */
  | { type: 'predictions'; id: number; tuned: Answer[]; base: Answer[] | null; ms: number }
  /** The row that the person picked; `words` where it is a sentence of them. */
  | ({ type: 'row'; label: string | null; words?: string[]; file: string; line: number } & Texts)
  /** The text stands in the data already, so `addRow` did nothing: where, and as what. */
  | ({ type: 'stands'; label: string; dataset: string; rows: StandingRow[] } & Texts)
  /** The corrected row is in `dataset`, on this line of this file. */
  | ({ type: 'added'; label: string; dataset: string; file: string; line: number } & Texts)
  /** An added row is out again. */
  | ({ type: 'undone' } & Texts)
  /** `id` is the prediction's, null for another request. */
  | { type: 'failed'; request: string; id: number | null; error: ErrorData };

export type TryoutRequest =
  | { type: 'ready' }
  /** A later `predict` replaces an earlier one: the host may cancel it. */
  | { type: 'predict'; id: number; texts: Texts[]; compare: boolean }
  /** End the prediction in progress; answered by `cancelled`. */
  | { type: 'cancel' }
  /** Let the person pick a row of the data; answered by `row`, or by nothing when dismissed. */
  | { type: 'pickRow' }
  /**
   * Add a row to the data; answered by `added`, or unless `anyway` by `stands` where the text is there already. Several
   * labels are a JSON list, as are the tags of `words`.
   */
  | ({ type: 'addRow'; label: string; words?: string[]; anyway: boolean } & Texts)
  /** Take out the row that was added with this text; answered by `undone`. */
  | ({ type: 'undoRow' } & Texts)
  | { type: 'openRow'; file: string; line: number }
  /** Let the person choose another model for the page; answered by a snapshot. */
  | { type: 'chooseModel' }
  | { type: 'copyText'; text: string }
  | PageRequest;

// ---- checks --------------------------------------------------------------------------------------------------

const isLevel = oneOf('info', 'warning', 'error');
const isError = shape({ code: isString, message: isString, hint: optional(isString) });

/** Which of a run's trainings says it. */
const training = { fold: optional(isCount), seed: optional(isCount) };
const isFold = shape({ fold: isCount, metrics: isMetrics, n: isCount });
const isSeed = shape({ seed: isCount, metrics: isMetrics, n: isCount });

const isPretraining = shape({ steps: isCount, rows: isCount, held_out: isCount });

const eventRules: Rules<RunEvent, 'event'> = {
  start: {
    ...training,
    time: isNumber,
    run: isString,
    total_steps: isCount,
    step: isCount,
    num_train_rows: isCount,
    num_validation_rows: isCount,
    labels: listOf(isString),
    num_parameters: isCount,
    num_trainable_parameters: isCount,
    executor: isString,
    num_threads: isCount,
    loss_of: optional(oneOf('pairs')),
    pretraining: optional(isPretraining),
  },
  step: {
    ...training,
    time: isNumber,
    step: isCount,
    epoch: isNumber,
    loss: isNumber,
    learning_rate: isNumber,
    grad_norm: isNumber,
    tokens_per_second: isNumber,
    step_ms: isNumber,
    rss_bytes: isNumber,
    eta_s: nullOr(isNumber),
  },
  eval: {
    ...training,
    time: isNumber,
    step: isCount,
    epoch: isNumber,
    split: oneOf(...SPLITS),
    metrics: isMetrics,
    n: isCount,
    best: isBoolean,
  },
  samples: {
    ...training,
    time: isNumber,
    step: isCount,
    epoch: isNumber,
    samples: listOf(shape({ file: isString, line: isCount, prompt: isString, reference: isString, answer: isString })),
  },
  solved: {
    ...{ ...training, time: isNumber, step: isCount, epoch: isNumber },
    ...{ C: isNumber, folds: isCount, validated_rows: isCount, rows: isCount, features: isCount },
    label_rows: optional(isCount),
    choices: listOf(shape({ C: isNumber, accuracy: optional(isNumber), loss: isNumber })),
    ...{ iterations: isCount, converged: isBoolean, loss: isNumber, seconds: isNumber },
  },
  checkpoint: { ...training, time: isNumber, step: isCount, path: isString, bytes: isNumber, reason: isString },
  note: {
    ...training,
    time: isNumber,
    level: isLevel,
    message: isString,
    step: optional(isCount),
    incident: optional(isString),
  },
  state: { ...training, time: isNumber, state: isString },
  done: {
    ...training,
    time: isNumber,
    run: isString,
    model: isString,
    metrics: isMetrics,
    folds: optional(listOf(isFold)),
    seeds: optional(listOf(isSeed)),
    deviations: optional(isMetrics),
    forgetting: optional(isForgetting),
    findings: optional(listOf(anything)),
    best_step: isCount,
    step: isCount,
    stopped_early: isBoolean,
    wall_s: isNumber,
    time_to_first_step_s: isNumber,
    peak_rss_bytes: isNumber,
  },
  error: { ...training, time: isNumber, code: isString, message: isString, hint: optional(isString) },
};

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
  folds: optional(shape({ count: isCount, final: isBoolean, results: listOf(isFold), deviations: isMetrics })),
  fold_of: optional(shape({ run: isString, fold: isCount, count: isCount })),
  seeds: optional(shape({ values: listOf(isCount), results: listOf(isSeed), deviations: isMetrics })),
  seed_of: optional(shape({ run: isString, seed: isCount, count: isCount })),
  findings: optional(listOf(anything)),
  error: nullOr(isError),
});

const isFileEvaluation = shape({
  name: isString,
  title: isString,
  file: isString,
  evaluated_at: isString,
  report: isReport,
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
  cell: {
    run: isString,
    split: oneOf(...SPLITS),
    evaluation: optional(isString),
    actual: isString,
    predicted: isString,
    rows: listOf(isEvaluatedRow),
    total: isCount,
  },
  acted: { action: oneOf(...RUN_ACTIONS), run: isString, outcome: oneOf(...ACTION_OUTCOMES) },
  ending: { action: oneOf('stop', 'cancel'), run: isString },
  gone: { run: isString },
  failed: { request: isString, run: nullOr(isString), error: isError },
  calledOff: { request: isString, run: nullOr(isString) },
};

/** Checks of what any page may ask. */
export const pageRequests: Rules<PageRequest, 'type'> = {
  log: { level: isLevel, message: isString },
  pageFailed: { message: isString, detail: isString },
  reload: {},
  showLog: {},
};

const dashboardRequests: Rules<DashboardRequest, 'type'> = {
  ...pageRequests,
  ready: {},
  action: { action: oneOf(...RUN_ACTIONS), run: isString },
  change: { run: isString, finding: isString },
  cell: {
    run: isString,
    split: oneOf(...SPLITS),
    evaluation: optional(isString),
    actual: isString,
    predicted: isString,
  },
  compareRows: { first: isString, second: isString },
  openRow: { run: isString, file: isString, line: isCount },
  chooseRuns: {},
  removeRun: { run: isString },
  copyText: { text: isString },
  savePicture: { name: isString, png: isBytes },
  saveText: { name: isString, text: isString },
};

const isModel = shape({
  task: oneOf(...TASKS.map(({ name }) => name), FILL_MASK),
  name: isString,
  labels: listOf(isString),
  pair: optional(shape({ text: isString, text_pair: isString })),
  mask: optional(isString),
});
const texts = { text: isString, text_pair: optional(isString) };
const answered = { ...texts, unknown_tokens: optional(shape({ count: isCount, of: isCount })) };
const isClass = shape({ ...answered, label: isString, score: isNumber, scores: recordOf(isNumber) });
const areLabels = shape({ ...answered, labels: listOf(isString), scores: recordOf(isNumber) });
const isValue = shape({ ...answered, value: isNumber });
const isTagPrediction = shape({
  text: isString,
  entities: listOf(shape({ entity_group: isString, score: isNumber, word: isString, start: isCount, end: isCount })),
});
const areFills = listOf(shape({ score: isNumber, token: isCount, token_str: isString, sequence: isString }));
/** Of one mask, or of several a list each. */
const isMaskPrediction = shape({
  ...texts,
  predictions: (value, at) => (areFills(value, at) === null ? null : listOf(areFills)(value, at)),
});
/** By what only one kind of answers has. */
const isAnswer: Check = (value, at) => {
  const has = (key: string) => typeof value === 'object' && value !== null && key in value;
  const kinds = { entities: isTagPrediction, predictions: isMaskPrediction, value: isValue, labels: areLabels };
  const check = Object.entries(kinds).find(([key]) => has(key))?.[1] ?? isClass;
  return check(value, at);
};

const tryoutMessages: Rules<TryoutMessage, 'type'> = {
  snapshot: {
    run: isString,
    rows: isBoolean,
    tuned: isModel,
    base: nullOr(isModel),
    base_note: nullOr(isString),
    dataset: nullOr(isString),
    template_note: optional(isString),
  },
  loading: { message: isString },
  cancelled: { id: isCount },
  predictions: { id: isCount, tuned: listOf(isAnswer), base: nullOr(listOf(isAnswer)), ms: isNumber },
  row: { ...texts, label: nullOr(isString), words: optional(listOf(isString)), file: isString, line: isCount },
  stands: {
    ...texts,
    label: isString,
    dataset: isString,
    rows: listOf(shape({ file: isString, line: isCount, label: isString })),
  },
  added: { ...texts, label: isString, dataset: isString, file: isString, line: isCount },
  undone: texts,
  failed: { request: isString, id: nullOr(isCount), error: isError },
};

const tryoutRequests: Rules<TryoutRequest, 'type'> = {
  ...pageRequests,
  ready: {},
  predict: { id: isCount, texts: listOf(shape(texts)), compare: isBoolean },
  cancel: {},
  pickRow: {},
  addRow: { ...texts, label: isString, words: optional(listOf(isString)), anyway: isBoolean },
  undoRow: texts,
  openRow: { file: isString, line: isCount },
  chooseModel: {},
  copyText: { text: isString },
};

/** Each takes what arrived and gives the typed message, or the reason to drop it. */
export const parseFileEvaluation = parser<FileEvaluation>(isFileEvaluation);
export const parseRunEvent = parser<RunEvent>(union('event', eventRules));
export const parseDashboardMessage = parser<DashboardMessage>(union('type', dashboardMessages));
export const parseDashboardRequest = parser<DashboardRequest>(union('type', dashboardRequests));
export const parseTryoutMessage = parser<TryoutMessage>(union('type', tryoutMessages));
export const parseTryoutRequest = parser<TryoutRequest>(union('type', tryoutRequests));
export const parseDashboardState = parser<DashboardState>(firstVersion({ runs: listOf(isString), view: anything }));
