/** Messages between the extension host and the page in which a prompt template is tried and compared; page.ts says how such wires work. */
import {
  anything,
  isBoolean,
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
import type { ErrorData } from './errors.ts';
import type { ChatMessage, FinishReason } from './generation.ts';
import { isErrorData, type PageRequest, pageRequests } from './page.ts';
import type { CodeLanguage } from './prompt.ts';

export type PromptMode = 'try' | 'compare';

/** A variable of a template. */
export interface PromptVariable {
  name: string;
  kind: 'string' | 'number' | 'boolean' | 'array' | 'object';
  description: string | null;
}

export type PromptValues = Record<string, unknown>;

/** What answers: a model, and where it is another than the file shows a version of the template. */
export interface PromptColumn {
  id: string;
  name: string;
  /** Which of several of that name it is: “base model”, “best checkpoint so far, step 40”, “as of 3 May”. */
  detail: string | null;
  /** The host that prompts are sent to; null where nothing leaves the machine. */
  remote: string | null;
  /** Why it cannot be asked now. */
  problem: string | null;
}

export interface PromptRow {
  id: string;
  /** Where it is from: “tickets.csv, line 12”, “sample”. */
  title: string;
  values: PromptValues;
}

export interface PromptSnapshot {
  mode: PromptMode;
  /** URI of the template; the page keeps it, so that a reloaded window finds the file again. */
  template: string;
  name: string;
  /** Why nothing can be run; null where something can. */
  blocked: string | null;
  variables: PromptVariable[];
  /** The sample, where the template has one, else what its inputs are without a value. */
  sample: PromptValues;
  hasSample: boolean;
  /** The template's own errors, a sentence each. */
  problems: string[];
  /** The dataset that rows are picked from. */
  dataset: string | null;
  columns: PromptColumn[];
  /** What answers are compared of: the columns with the text of the template that each has. A vote on another is none on this. */
  subject: string;
  /** Why this model is offered where the template names none; null where a model is bound. */
  offered: string | null;
  /** What the template says of how answers are written: “at most 64 tokens, temperature 0.7”. */
  options: string;
}

export interface LabelScore {
  label: string;
  score: number;
}

export interface ShownPrompt {
  messages: ChatMessage[];
  /** The text that a model continues, where the template is not for a chat or a local model's chat template is known. */
  prompt: string | null;
  tokens: number | null;
  warnings: string[];
}

/** Which answer to a row is the better one. */
export interface PromptVote {
  row: string;
  /** What was compared: the snapshot's. */
  subject: string;
  /** Fingerprint of the row's values and of all answers to it: another answer is another question. */
  on: string;
  /** A column; empty where none is better. */
  choice: string;
}

/** A place in the table of answers. */
interface Cell {
  /** The run's id, from the page's `run`. */
  id: number;
  row: string;
  column: string;
}

/** An answer as the page shows it. */
export interface GivenAnswer {
  text: string;
  tokens: number | null;
  ms: number;
  reason: FinishReason;
  notes: string[];
  labels: LabelScore[];
}

/** A way on from a failure, as a button. */
export interface WayOn {
  way: string;
  label: string;
  /** Number of the failure that it leads on from. */
  of: number;
}

export type PromptPageMessage =
  | ({ type: 'snapshot' } & PromptSnapshot)
  | ({ type: 'rendered'; id: number } & ShownPrompt)
  /** The template cannot be rendered with these values. */
  | { type: 'notRendered'; id: number; error: ErrorData }
  /** What would be sent to remote models. */
  | { type: 'estimated'; id: number; calls: number; tokens: number; hosts: string[] }
  /** All votes on this template, also on other models and texts of it. */
  | { type: 'votes'; votes: PromptVote[] }
  /** Rows that the person picked. */
  | { type: 'rows'; rows: PromptRow[] }
  /** What is being done before the answer begins. */
  | ({ type: 'waiting'; message: string } & Cell)
  | ({ type: 'part'; text: string } & Cell)
  | ({ type: 'answer' } & GivenAnswer & Cell)
  | ({ type: 'cellFailed'; error: ErrorData; ways: WayOn[] } & Cell)
  /** No more comes of this run. */
  | { type: 'ended'; id: number; cancelled: boolean }
  /** The example stands in this file, on this line. */
  | { type: 'kept'; file: string; line: number }
  | { type: 'unkept'; file: string }
  | { type: 'failed'; request: string; error: ErrorData; ways: WayOn[] };

export type PromptPageRequest =
  | { type: 'ready' }
  | { type: 'render'; id: number; values: PromptValues }
  | { type: 'estimate'; id: number; rows: PromptRow[] }
  /** Asks these columns for answers to these rows; a later run replaces an earlier one. */
  | { type: 'run'; id: number; rows: PromptRow[]; columns: string[] }
  | { type: 'cancel' }
  /** Let the person pick a row of the dataset (several where answers are compared); answered by `rows`, or by nothing. */
  | { type: 'pickRows' }
  /** Let the person choose the model that the template is tried with; answered by a snapshot. */
  | { type: 'chooseModel' }
  | { type: 'addColumn' }
  | { type: 'removeColumn'; column: string }
  /** These are the votes now: all of the template's. */
  | { type: 'vote'; votes: PromptVote[] }
  /** Take all of them out once the person has said so; answered by `votes`, or by nothing. */
  | { type: 'clearVotes' }
  /** Write an expected example beside the template; answered by `kept`. */
  | { type: 'keep'; values: PromptValues; answer: string }
  | { type: 'undoKeep' }
  | { type: 'openKept'; line: number }
  | { type: 'openTemplate' }
  /** `of` is a failure's number. */
  | { type: 'follow'; way: string; of?: number }
  | { type: 'copyText'; text: string }
  /** Put a program that asks the model the same into the clipboard. */
  | { type: 'copyCode'; language: CodeLanguage; values: PromptValues }
  | PageRequest;

const isValues = recordOf(anything);
const isColumn = shape({
  id: isString,
  name: isString,
  detail: nullOr(isString),
  remote: nullOr(isString),
  problem: nullOr(isString),
});
const isRow = shape({ id: isString, title: isString, values: isValues });
const areWays = listOf(shape({ way: isString, label: isString, of: isCount }));
const areVotes = listOf(shape({ row: isString, subject: isString, on: isString, choice: isString }));
const cell = { id: isCount, row: isString, column: isString };

const messages: Rules<PromptPageMessage, 'type'> = {
  snapshot: {
    mode: oneOf('try', 'compare'),
    template: isString,
    name: isString,
    blocked: nullOr(isString),
    variables: listOf(
      shape({
        name: isString,
        kind: oneOf('string', 'number', 'boolean', 'array', 'object'),
        description: nullOr(isString),
      }),
    ),
    sample: isValues,
    hasSample: isBoolean,
    problems: listOf(isString),
    dataset: nullOr(isString),
    columns: listOf(isColumn),
    subject: isString,
    offered: nullOr(isString),
    options: isString,
  },
  rendered: {
    id: isCount,
    messages: listOf(shape({ role: isString, content: isString })),
    prompt: nullOr(isString),
    tokens: nullOr(isCount),
    warnings: listOf(isString),
  },
  notRendered: { id: isCount, error: isErrorData },
  estimated: { id: isCount, calls: isCount, tokens: isCount, hosts: listOf(isString) },
  votes: { votes: areVotes },
  rows: { rows: listOf(isRow) },
  waiting: { ...cell, message: isString },
  part: { ...cell, text: isString },
  answer: {
    ...cell,
    text: isString,
    tokens: nullOr(isCount),
    ms: isNumber,
    reason: oneOf('end', 'stop', 'length', 'positions', 'cancelled'),
    notes: listOf(isString),
    labels: listOf(shape({ label: isString, score: isNumber })),
  },
  cellFailed: { ...cell, error: isErrorData, ways: areWays },
  ended: { id: isCount, cancelled: isBoolean },
  kept: { file: isString, line: isCount },
  unkept: { file: isString },
  failed: { request: isString, error: isErrorData, ways: areWays },
};

const requests: Rules<PromptPageRequest, 'type'> = {
  ...pageRequests,
  ready: {},
  render: { id: isCount, values: isValues },
  estimate: { id: isCount, rows: listOf(isRow) },
  run: { id: isCount, rows: listOf(isRow), columns: listOf(isString) },
  cancel: {},
  pickRows: {},
  chooseModel: {},
  addColumn: {},
  removeColumn: { column: isString },
  vote: { votes: areVotes },
  clearVotes: {},
  keep: { values: isValues, answer: isString },
  undoKeep: {},
  openKept: { line: isCount },
  openTemplate: {},
  follow: { way: isString, of: optional(isCount) },
  copyText: { text: isString },
  copyCode: { language: oneOf('python', 'javascript'), values: isValues },
};

export const parsePromptPageMessage = parser<PromptPageMessage>(union('type', messages));
export const parsePromptPageRequest = parser<PromptPageRequest>(union('type', requests));
