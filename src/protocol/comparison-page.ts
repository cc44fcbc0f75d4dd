/** Messages between the extension host and a comparison's page; page.ts says how such wires work. */
import {
  firstVersion,
  isBoolean,
  isCount,
  isNumber,
  isString,
  nullOr,
  optional,
  parser,
  type Rules,
  shape,
  union,
} from './check.ts';
import { type Comparison, type ComparisonAsked, isComparison, isComparisonAsked } from './comparison.ts';
import type { ErrorData } from './errors.ts';
import { type PageRequest, pageRequests } from './page.ts';

export type ComparisonMessage =
  /** The answer to `ready`, and whenever something changes; null before it is known what fits. */
  | { type: 'snapshot'; asked: ComparisonAsked; comparison: Comparison | null; isWorking: boolean }
  /** How much of its steps the candidate at work has done. */
  | { type: 'progress'; share: number }
  | { type: 'failed'; request: string; error: ErrorData };

export type ComparisonRequest =
  | { type: 'ready' }
  /** Write a checkpoint and end; what is done is kept. */
  | { type: 'interrupt' }
  /** Go on where it was interrupted, or once more where it failed. */
  | { type: 'resume' }
  /** Write a candidate's recipe, and start it or only open it. */
  | { type: 'train'; candidate: number; start: boolean }
  | { type: 'openRun'; run: string }
  | PageRequest;

/** What `vscode.setState` holds, and the panel's serializer gets. */
export interface ComparisonPageState {
  version: 1;
  asked: ComparisonAsked;
  /** Of the comparison, once it is known. */
  id: string | null;
}

const messages: Rules<ComparisonMessage, 'type'> = {
  snapshot: { asked: isComparisonAsked, comparison: nullOr(isComparison), isWorking: isBoolean },
  progress: { share: isNumber },
  failed: { request: isString, error: shape({ code: isString, message: isString, hint: optional(isString) }) },
};

const requests: Rules<ComparisonRequest, 'type'> = {
  ...pageRequests,
  ready: {},
  interrupt: {},
  resume: {},
  train: { candidate: isCount, start: isBoolean },
  openRun: { run: isString },
};

export const parseComparisonMessage = parser<ComparisonMessage>(union('type', messages));
export const parseComparisonRequest = parser<ComparisonRequest>(union('type', requests));
export const parseComparisonPageState = parser<ComparisonPageState>(
  firstVersion({ asked: isComparisonAsked, id: nullOr(isString) }),
);
