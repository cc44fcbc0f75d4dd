/** Messages between the extension host and the page of Try Model; page.ts says how such wires work. */
import type { Answer, Texts } from './answers.ts';
import {
  type Check,
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
import { isErrorData, type PageRequest, pageRequests } from './page.ts';
import { type AnswerName, FILL_MASK, TASKS } from './tasks.ts';

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

const isModel = shape({
  task: oneOf(...TASKS.map(({ name }) => name), FILL_MASK),
  name: isString,
  labels: listOf(isString),
  pair: optional(shape({ text: isString, text_pair: isString })),
  mask: optional(isString),
});
const texts = { text: isString, text_pair: optional(isString) };
const answered = {
  ...texts,
  unknown_tokens: optional(shape({ count: isCount, of: isCount })),
  truncated: optional(isBoolean),
};
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
  failed: { request: isString, id: nullOr(isCount), error: isErrorData },
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

export const parseTryoutMessage = parser<TryoutMessage>(union('type', tryoutMessages));
export const parseTryoutRequest = parser<TryoutRequest>(union('type', tryoutRequests));
