import {
  anything,
  type Check,
  checked,
  isBoolean,
  isCount,
  isKey,
  isNumber,
  isString,
  listOf,
  nullOr,
  oneOf,
  optional,
  recordOf,
  shape,
} from './check.ts';
import { saysInFewerBits, saysInFloat } from './fewer-bits.ts';
import { recipeNumber } from './figures.ts';
import type { MetricKey } from './metrics.ts';
import type { Columns, RecipeInput } from './recipe.ts';
import type { TaskName } from './tasks.ts';

/** Version of a comparison's file. */
export const COMPARISON_FORMAT = 1;

/** What is tried on the same rows: ways to fine-tune one model, models, or values of a recipe. */
export const COMPARED = ['ways', 'models', 'search'] as const;
export type Compared = (typeof COMPARED)[number];

export const CANDIDATE_STATES = ['waiting', 'running', 'done', 'left-out', 'failed'] as const;
export type CandidateState = (typeof CANDIDATE_STATES)[number];

export const COMPARISON_STATES = ['running', 'done', 'interrupted', 'failed'] as const;
export type ComparisonState = (typeof COMPARISON_STATES)[number];

/**
 * `.luthier/comparisons/ID.json`: several trainings on the same split, or the same folds, within a budget of time, and
 * which of them to choose. Each candidate is an ordinary run. Rewritten atomically when something changes.
 */
export interface Comparison {
  format: number;
  id: string;
  compared: Compared;
  /** Hash of what was asked, the rows included: the same question goes on where it stopped. */
  question: string;
  state: ComparisonState;
  created_at: string;
  /** The dataset as it was named, and the folder that relative names are looked up from. */
  data: string;
  base: string;
  task: TaskName;
  /** By which candidates are compared. */
  metric: MetricKey;
  /** Training and validation rows together; `validation_rows` is what each is measured on without folds. */
  rows: number;
  validation_rows: number;
  /** Where too few rows would be held out: every row is answered by a model that did not learn it. */
  folds: number | null;
  /** Seconds for all candidates together; null for as long as it takes. */
  budget_s: number | null;
  /** Seconds of it that are used. */
  used_s: number;
  /** What to know about the rows. */
  notes: string[];
  /** In the order in which they are tried: the fastest first, of successive halving a rung after the other. */
  candidates: Candidate[];
  /** Null until all are done, or where none could be measured. */
  choice: Choice | null;
}

export interface Choice {
  /** Which of the candidates. */
  candidate: number;
  reason: string;
}

export interface Candidate {
  /** `type` of its strategy. */
  strategy: string;
  /** As the strategy is offered. */
  title: string;
  model: string;
  /** Null where its model could not be read. */
  about: ModelFacts | null;
  /** What is written for whoever chooses it. */
  recipe: RecipeInput;
  /** Of a search: what it sets in the recipe, by dotted key. */
  values?: Record<string, unknown>;
  /** Of successive halving: its rung, and how long those of it train in the place of what the recipe says. */
  rung?: Rung;
  /** Seconds that it was expected to take, of all folds. */
  estimate_s: number | null;
  state: CandidateState;
  /** Id of its run, which stands among the others of the `.luthier` folder. */
  run: string | null;
  /**
   * Why it failed, was stopped early, or was left out: before it began, or since it came to no result in its share of
   * the time (it has a run then).
   */
  reason: string | null;
  result: CandidateResult | null;
}

export interface Rung {
  /** From 1 on, of so many. */
  rung: number;
  rungs: number;
  key: 'num_train_epochs' | 'max_steps';
  value: number;
}

/** What a model's folder says of it. */
export interface ModelFacts {
  languages: string[] | null;
  license: string | null;
  bytes: number;
  parameters: number;
  /** Tokens that it reads at most. */
  positions: number;
}

export interface CandidateResult {
  value: number;
  /** 95 % interval; null where there are too few rows. */
  low: number | null;
  high: number | null;
  /** Rows that it was measured on. */
  n: number;
  /** What always answering the most frequent class comes to, where that can be said. */
  majority: number | null;
  wall_s: number;
  peak_rss_bytes: number;
  /** Bytes of the model's weights; without a model (folds) those that it would have. */
  model_bytes: number;
  /** What LoRA and its like would be stored as beside the base model; null for a whole model. */
  adapter_bytes: number | null;
  /** It ended before its last step, since its share of the time was over. */
  stopped: boolean;
  /** Bits of the frozen layers that it was measured with, where a graphics card had them in fewer than float. */
  frozen_bits?: number;
}

const isFacts = shape({
  languages: nullOr(listOf(isString)),
  license: nullOr(isString),
  bytes: isCount,
  parameters: isCount,
  positions: isCount,
});

const isResult = shape({
  value: isNumber,
  low: nullOr(isNumber),
  high: nullOr(isNumber),
  n: isCount,
  majority: nullOr(isNumber),
  wall_s: isNumber,
  peak_rss_bytes: isCount,
  model_bytes: isCount,
  adapter_bytes: nullOr(isCount),
  stopped: isBoolean,
  frozen_bits: optional(isCount),
});

/** The name of a folder: anything else would lead out of the one that it is looked up in. */
const isId: Check = (value, at) =>
  typeof value === 'string' && /^[\p{L}\p{M}\p{N}-]+$/u.test(value) ? null : `${at} is not an id`;

const isRung = shape({
  rung: isCount,
  rungs: isCount,
  key: oneOf('num_train_epochs', 'max_steps'),
  value: isNumber,
});

const isCandidate = shape({
  strategy: isString,
  title: isString,
  model: isString,
  about: nullOr(isFacts),
  recipe: shape({ model: isString, task: optional(isString) }),
  values: optional(recordOf(anything, isKey)),
  rung: optional(isRung),
  estimate_s: nullOr(isNumber),
  state: oneOf(...CANDIDATE_STATES),
  run: nullOr(isId),
  reason: nullOr(isString),
  result: nullOr(isResult),
});

/** A comparison as a file or a message has it. */
export const isComparison: Check = shape({
  format: isCount,
  id: isId,
  compared: oneOf(...COMPARED),
  question: isString,
  state: oneOf(...COMPARISON_STATES),
  created_at: isString,
  data: isString,
  base: isString,
  task: isString,
  metric: isKey,
  rows: isCount,
  validation_rows: isCount,
  folds: nullOr(isCount),
  budget_s: nullOr(isNumber),
  used_s: isNumber,
  notes: listOf(isString),
  candidates: listOf(isCandidate),
  choice: nullOr(shape({ candidate: isCount, reason: isString })),
});

/** Reads a comparison's file. */
export const parseComparison = (value: unknown) => checked<Comparison>(isComparison, value);

/** What tells a candidate from the others of its comparison. */
export function candidateName(
  compared: Compared,
  { strategy, model, values, rung }: Pick<Candidate, 'strategy' | 'model' | 'values' | 'rung'>,
): string {
  if (compared !== 'search') return compared === 'ways' ? strategy : model;
  return [valuesText(values ?? {}), ...(rung ? [rungText(rung)] : [])].join(' · ');
}

/**
 * What is said of figures that a graphics card computed with frozen layers in fewer bits, and of candidates that ask for
 * 4 bits and were computed in float all the same; nothing where there are none.
 */
export function saysOfFewerBits({
  compared,
  candidates,
}: {
  compared: Compared;
  candidates: readonly Pick<Candidate, 'strategy' | 'model' | 'values' | 'rung' | 'recipe' | 'result'>[];
}): string[] {
  const measured = candidates.filter(({ result }) => result !== null);
  const namesOf = (those: typeof measured) =>
    new Intl.ListFormat('en-GB').format(those.map((candidate) => candidateName(compared, candidate)));
  const bits = new Set(measured.flatMap(({ result }) => result?.frozen_bits ?? []));
  const says = [...bits].map((few) => {
    const those = measured.filter(({ result }) => result?.frozen_bits === few);
    return saysInFewerBits(
      few,
      `The figures of ${those.length === measured.length ? 'this comparison' : namesOf(those)}`,
    );
  });
  const inFloat = measured.filter(({ recipe, result }) => {
    const { load_in_4bit } = (recipe.strategy ?? {}) as { load_in_4bit?: boolean };
    return load_in_4bit === true && result?.frozen_bits === undefined;
  });
  return inFloat.length === 0 ? says : [...says, saysInFloat(namesOf(inFloat))];
}

/** `0.333 epochs`, `40 steps`. */
const rungText = ({ key, value }: Rung): string => {
  const what = key === 'max_steps' ? 'step' : 'epoch';
  return `${Number(value.toPrecision(3))} ${what}${value === 1 ? '' : 's'}`;
};

/** `learning_rate 1e-4, strategy.r 8`. */
export const valuesText = (values: Readonly<Record<string, unknown>>): string =>
  Object.entries(values)
    .map(([key, value]) => `${key} ${valueText(value)}`)
    .join(', ');

/** A strategy by its type, with what else is said of it. */
function valueText(value: unknown): string {
  if (typeof value === 'number') return recipeNumber(value);
  if (typeof value !== 'object' || value === null || !('type' in value))
    return typeof value === 'string' ? value : JSON.stringify(value);
  const { type, ...rest } = value;
  const more = Object.entries(rest).map(
    ([key, one]) => `${key} ${typeof one === 'number' ? recipeNumber(one) : JSON.stringify(one)}`,
  );
  return more.length === 0 ? String(type) : `${String(type)} (${more.join(', ')})`;
}

/** What a comparison is asked for in the editor. */
export interface ComparisonAsked {
  compared: Compared;
  /** The dataset as a recipe names it, and the folder that relative names are looked up from. */
  data: string;
  base: string;
  /** The `.luthier` folder that runs and comparisons go to. */
  home: string;
  task: TaskName;
  columns: Columns;
  encoding?: string;
  rows: number;
  /** Classes among the rows; absent in what an older version asked. */
  classes?: number;
  /** Whether these can be learnt by their names (areNamed). */
  named?: boolean;
  /** Base models: of ways one. */
  models: string[];
  /** 0: as long as it takes. */
  minutes: number;
  /** `key=value` for the recipe of every candidate that can take it. */
  sets: string[];
  /** Of a search: the path of the recipe that it is in. */
  recipe?: string;
}

/** The same as a page keeps it. */
export const isComparisonAsked = shape({
  compared: oneOf(...COMPARED),
  data: isString,
  base: isString,
  home: isString,
  task: isString,
  columns: recordOf(isString),
  encoding: optional(isString),
  rows: isCount,
  classes: optional(isCount),
  named: optional(isBoolean),
  models: listOf(isString),
  minutes: isNumber,
  sets: listOf(isString),
  recipe: optional(isString),
});
