/** Messages between the extension host and the page of Inspect Dataset; page.ts says how such wires work. */
import {
  anything,
  firstVersion,
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
import type { DataPreview, DataSummary, OtherLearning, RowLengths } from './data.ts';
import type { RowFields } from './dataset.ts';
import type { ErrorData } from './errors.ts';
import { isErrorData, type PageRequest, pageRequests } from './page.ts';
import { TASKS } from './tasks.ts';

/** A row, with its place in the person's file. */
export type DatasetRow = RowFields & { file: string; line: number };

export interface DatasetSnapshot {
  /** Of the file or folder; the page keeps it, so that a reloaded window finds the dataset again. */
  path: string;
  name: string;
  /** What is below the name: where it is, or which file its rows were taken from. */
  place: string;
  summary: DataSummary;
  /** Whether rows can be listed: there is a column for each field that the task needs. */
  readable: boolean;
  /** Whether fine-tuning may be started here. */
  trusted: boolean;
  /** Whether rows are read otherwise than they look, as the person wished. */
  otherwise: boolean;
}

export type DatasetMessage =
  | ({ type: 'snapshot' } & DatasetSnapshot)
  /** The answer to `rows` with this id; `total` and `lengths` are of all that match. */
  | { type: 'rows'; id: number; offset: number; rows: DatasetRow[]; total: number; lengths: RowLengths }
  /** What a model that writes would learn of the first rows; null where that cannot be said, for the reason in `problem`. */
  | { type: 'preview'; preview: DataPreview | null; problem: string | null }
  /** A request did not come through; `id` is that of `rows`, null for another one. */
  | { type: 'failed'; request: string; id: number | null; error: ErrorData };

export type DatasetRequest =
  /** The page is up, or wants to know whether the file has changed: answered by a snapshot. */
  | { type: 'ready' }
  /** A page of the rows that match; a later request replaces an earlier one. */
  | { type: 'rows'; id: number; offset: number; limit: number; search: string; label: string | null }
  /** Answered by a preview; `choose`: the person picks the model first, and none is answered when that is dismissed. */
  | { type: 'preview'; choose: boolean }
  | { type: 'openRow'; file: string; line: number }
  /** Open the line of a problem. */
  | { type: 'openLine'; line: number }
  | { type: 'openFile' }
  | { type: 'fineTune' }
  /** Read the rows as a problem's `other` has it, or, with null, as they look; answered by a snapshot. */
  | { type: 'readAs'; other: OtherLearning | null }
  | PageRequest;

/** What `vscode.setState` holds, and the panel's serializer gets. */
export interface DatasetState {
  version: 1;
  path: string;
  view: { search: string; label: string | null; offset: number };
}

const isRow = shape({
  file: isString,
  line: isCount,
  text: optional(isString),
  text_pair: optional(isString),
  label: optional(isString),
  tokens: optional(listOf(isString)),
  tags: optional(listOf(isString)),
  messages: optional(listOf(shape({ role: isString, content: isString }))),
  tools: optional(listOf(anything)),
  prompt: optional(isString),
  completion: optional(isString),
});
const isOther = shape({
  problem_type: oneOf('multi_label_classification', 'regression'),
  label_separator: optional(isString),
  label_columns: optional(listOf(isString)),
});
const isProblem = shape({
  severity: oneOf('error', 'warning', 'info'),
  code: isString,
  message: isString,
  line: optional(isCount),
  other: optional(isOther),
});
const isColumn = shape({
  name: isString,
  distinct: isCount,
  empty: isCount,
  mean_length: isNumber,
  examples: listOf(isString),
});
const isSummary = shape({
  task: oneOf(...TASKS.map(({ name }) => name)),
  format: isString,
  encoding: isString,
  rows: isCount,
  columns: listOf(isColumn),
  guess: recordOf(isString),
  guess_reason: isString,
  classes: listOf(shape({ label: isString, count: isCount })),
  problems: listOf(isProblem),
});
const isLengths = shape({
  min: isCount,
  median: isCount,
  p95: isCount,
  max: isCount,
  step: isCount,
  counts: listOf(isCount),
});

const isPreview = shape({
  model: isString,
  max_length: isCount,
  read: isCount,
  truncated: isCount,
  notes: listOf(isString),
  rows: listOf(
    shape({
      ...{ file: isString, line: isCount, tokens: isCount, learnt: isCount, windows: isCount },
      parts: listOf(shape({ text: isString, kind: oneOf('learnt', 'read', 'cut') })),
    }),
  ),
});

const messages: Rules<DatasetMessage, 'type'> = {
  snapshot: {
    path: isString,
    name: isString,
    place: isString,
    summary: isSummary,
    readable: isBoolean,
    trusted: isBoolean,
    otherwise: isBoolean,
  },
  rows: { id: isCount, offset: isCount, rows: listOf(isRow), total: isCount, lengths: isLengths },
  preview: { preview: nullOr(isPreview), problem: nullOr(isString) },
  failed: { request: isString, id: nullOr(isCount), error: isErrorData },
};

const requests: Rules<DatasetRequest, 'type'> = {
  ...pageRequests,
  ready: {},
  rows: { id: isCount, offset: isCount, limit: isCount, search: isString, label: nullOr(isString) },
  preview: { choose: isBoolean },
  openRow: { file: isString, line: isCount },
  openLine: { line: isCount },
  openFile: {},
  fineTune: {},
  readAs: { other: nullOr(isOther) },
};

export const parseDatasetMessage = parser<DatasetMessage>(union('type', messages));
export const parseDatasetRequest = parser<DatasetRequest>(union('type', requests));
export const parseDatasetState = parser<DatasetState>(
  firstVersion({ path: isString, view: shape({ search: isString, label: nullOr(isString), offset: isCount }) }),
);
