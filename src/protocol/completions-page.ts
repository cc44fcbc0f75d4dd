/** Messages between the extension host and the page of completions' counts; page.ts says how such wires work. */
import { firstVersion, isCount, isString, listOf, oneOf, optional, parser, type Rules, shape, union } from './check.ts';
import type { ErrorData } from './errors.ts';
import { type PageRequest, pageRequests } from './page.ts';

/** What became of suggestions; never what they said. */
export interface CompletionCounts {
  shown: number;
  /** All of it taken, and some words of it. */
  accepted: number;
  partly: number;
  rejected: number;
  /** Of those that were taken, changed within a minute. */
  edited: number;
  /** Characters that were put in rather than typed. */
  characters: number;
}

/** Counts of a day, a model and a language. */
export interface CountedDay extends CompletionCounts {
  /** `2026-11-27`, where the person is. */
  day: string;
  /** As it was chosen: a folder, or a starter's name. */
  model: string;
  /** As a person knows it. */
  name: string;
  /** By its name, as VS Code shows it. */
  language: string;
}

export type CompletionsMessage =
  /** The answer to `ready`, and whenever there is more; `today` is the person's. */
  { type: 'snapshot'; days: CountedDay[]; today: string } | { type: 'failed'; request: string; error: ErrorData };

export type CompletionsRequest =
  | { type: 'ready' }
  /** Delete all that was counted; the person confirms it. */
  | { type: 'delete' }
  | { type: 'choose' }
  | PageRequest;

/** Spans of time that can be looked at, in days. */
export const COMPLETION_SPANS = ['7', '30', 'all'] as const;
export type CompletionSpan = (typeof COMPLETION_SPANS)[number];

/** What `vscode.setState` holds, and the panel's serializer gets. */
export interface CompletionsState {
  version: 1;
  span: CompletionSpan;
}

const messages: Rules<CompletionsMessage, 'type'> = {
  snapshot: {
    days: listOf(
      shape({
        ...{ day: isString, model: isString, name: isString, language: isString },
        ...{ shown: isCount, accepted: isCount, partly: isCount, rejected: isCount, edited: isCount },
        characters: isCount,
      }),
    ),
    today: isString,
  },
  failed: { request: isString, error: shape({ code: isString, message: isString, hint: optional(isString) }) },
};

const requests: Rules<CompletionsRequest, 'type'> = { ...pageRequests, ready: {}, delete: {}, choose: {} };

export const parseCompletionsMessage = parser<CompletionsMessage>(union('type', messages));
export const parseCompletionsRequest = parser<CompletionsRequest>(union('type', requests));
export const parseCompletionsState = parser<CompletionsState>(firstVersion({ span: oneOf(...COMPLETION_SPANS) }));
