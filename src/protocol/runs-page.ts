/** Messages between the extension host and the runs table; page.ts says how such wires work. */
import {
  type Check,
  firstVersion,
  isBoolean,
  isCount,
  isKey,
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
import { type PageRequest, pageRequests } from './page.ts';
import { isMetrics } from './reports.ts';
import type { RunRow } from './run-row.ts';
import { RUN_STATES } from './states.ts';
import { areTags } from './tags.ts';
import { TASKS } from './tasks.ts';

/** A folder among the runs that is none, and why. */
export interface BrokenRun {
  path: string;
  problem: string;
}

export type RunsMessage =
  /** The answer to `ready`. `changeable`: whether the workspace is trusted, so that tags can be written. */
  | { type: 'snapshot'; rows: RunRow[]; broken: BrokenRun[]; changeable: boolean }
  /** Runs that are new or other than they were, and folders of those that are gone. */
  | { type: 'changed'; rows: RunRow[]; removed: string[] }
  | { type: 'broken'; broken: BrokenRun[] }
  | { type: 'failed'; request: string; error: ErrorData };

export type RunsRequest =
  | { type: 'ready' }
  /** Runs by their folders: one to look at, several to compare, or to change the tags of. */
  | { type: 'open'; run: string }
  | { type: 'compare'; runs: string[] }
  | { type: 'tag'; runs: string[] }
  /** A CSV file, where the person says. */
  | { type: 'save'; csv: string }
  | { type: 'reveal'; path: string }
  | { type: 'start' }
  | PageRequest;

/** What `vscode.setState` holds, and the panel's serializer gets. */
export interface RunsState {
  version: 1;
  columns: string[];
  sort: { column: string; descending: boolean };
  text: string;
  state: string;
  task: string;
  tag: string;
  plot: { shown: boolean; axes: string[] | null; metric: string | null };
}

const isCell: Check = (value, at) =>
  typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number'
    ? null
    : `${at} is not a value of a recipe`;

const isInterval = nullOr(shape({ low: isNumber, high: isNumber }));

const isRow = shape({
  ...{ run: isString, name: isString, note: isString, tags: areTags },
  ...{ state: oneOf(...RUN_STATES), silent: isBoolean, problem: nullOr(isString), error: nullOr(isString) },
  task: oneOf(...TASKS.map(({ name }) => name)),
  ...{ model: isString, dataset: isString, data: isString, strategy: isString, created_at: isString },
  ...{
    seconds: nullOr(isNumber),
    progress: nullOr(isNumber),
    folds: nullOr(isCount),
    seeds: nullOr(isCount),
    rows: nullOr(isCount),
  },
  ...{ metrics: isMetrics, main: nullOr(isKey) },
  measured: nullOr(shape({ n: isCount, intervals: recordOf(isInterval, isKey) })),
  recipe: recordOf(isCell),
});

const areBroken = listOf(shape({ path: isString, problem: isString }));

const messages: Rules<RunsMessage, 'type'> = {
  snapshot: { rows: listOf(isRow), broken: areBroken, changeable: isBoolean },
  changed: { rows: listOf(isRow), removed: listOf(isString) },
  broken: { broken: areBroken },
  failed: { request: isString, error: shape({ code: isString, message: isString, hint: optional(isString) }) },
};

const requests: Rules<RunsRequest, 'type'> = {
  ...pageRequests,
  ready: {},
  start: {},
  open: { run: isString },
  compare: { runs: listOf(isString) },
  tag: { runs: listOf(isString) },
  save: { csv: isString },
  reveal: { path: isString },
};

const isState = firstVersion({
  columns: listOf(isString),
  sort: shape({ column: isString, descending: isBoolean }),
  ...{ text: isString, state: isString, task: isString, tag: isString },
  plot: shape({ shown: isBoolean, axes: nullOr(listOf(isString)), metric: nullOr(isString) }),
});

export const parseRunsMessage = parser<RunsMessage>(union('type', messages));
export const parseRunsRequest = parser<RunsRequest>(union('type', requests));
export const parseRunsState = parser<RunsState>(isState);
