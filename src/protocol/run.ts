import {
  anything,
  type Check,
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
import { COMPARED, type Compared } from './comparison.ts';
import type { FoldResult, Forgetting, Incident, Metrics, PretrainingFacts, RunEvent, SeedResult } from './events.ts';
import type { Finding } from './findings.ts';
import type { Recipe } from './recipe.ts';
import { RUN_STATES, type RunState } from './states.ts';
import { areTags } from './tags.ts';

/** Version of the run folder's layout. A reader shows a newer one read-only. */
export const RUN_FORMAT = 1;

/** run.json in a run's folder: who the run is and how far it came. Rewritten atomically when its state changes. */
export interface RunRecord {
  format: number;
  id: string;
  /** Shown to people; renamed at will. */
  name: string;
  note: string;
  /** What a person groups runs by; absent in older runs. */
  tags?: string[];
  state: RunState;
  /** The recipe with every default filled in, its paths made absolute. */
  recipe: Recipe;
  /** How rows of data are understood (DataRules in engine/data/checks.ts); absent in runs that 0.1.0 made. */
  data_rules?: 1 | 2;
  /**
   * The recipe's template as it was when the run was made: its absolute path, and its exact text, with the files that it
   * takes in and the examples that were drawn for it; `drawn_from` is the text before that.
   */
  template?: { path: string; text: string; drawn_from?: string };
  /** Absolute path of the recipe's file, or null for one that was never a file. */
  recipe_path: string | null;
  /** What a command put in the place of the file's keys, as `key=value`; absent where it did not. */
  sets?: string[];
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  step: number;
  total_steps: number;
  /** What the first steps are for, where the strategy pre-trains a prompt; of several trainings that of the one at work. */
  pretraining?: PretrainingFacts;
  labels: string[];
  /** In a cross-validation the folds' means, with several seeds theirs. `n`: rows that it was measured on; absent in older runs. */
  best: { step: number; metrics: Metrics; n?: number } | null;
  /** A cross-validation's plan and what came of it so far; steps count over all folds and the last model. */
  folds?: CrossValidation;
  /** The comparison that it was trained for, as a candidate. */
  comparison?: { id: string; compared: Compared };
  /** A fold's place; its folder is `folds/<fold>` in that of its run. */
  fold_of?: { run: string; fold: number; count: number };
  /** The same recipe with several seeds, and what came of it so far; the model is that of the first, the recipe's own. */
  seeds?: SeedRuns;
  /** The place of one of them; its folder is `seeds/<seed>` in that of its run. */
  seed_of?: { run: string; seed: number; count: number };
  /** Of the written model, where it writes. */
  forgetting?: Forgetting;
  /** Bits of the frozen layers that its figures were computed with, where a graphics card had them in fewer than float. */
  frozen_bits?: number;
  /** What the run says about itself, most of it once it has ended, the most important first (read them by `findingsOf`); absent in older runs. */
  findings?: Finding[];
  /** What went wrong on the graphics card, in order; absent where nothing did. */
  incidents?: Incident[];
  /** Folder of the written model, relative to the run's; null until there is one. */
  model: string | null;
  error: { code: string; message: string; hint?: string } | null;
  /** What the figures depend on beside recipe and data. */
  environment: {
    luthier: string;
    node: string;
    cpu: string;
    platform: string;
    executor: string;
    num_threads: number;
  } | null;
}

export interface CrossValidation {
  count: number;
  /** Whether a model is trained on all rows afterwards. */
  final: boolean;
  /** Those that are finished, in order. */
  results: FoldResult[];
  /** Sample standard deviation of each metric over the finished folds; empty before there are two. */
  deviations: Metrics;
}

export interface SeedRuns {
  /** The recipe's own first. */
  values: number[];
  /** Those that are finished, in order. */
  results: SeedResult[];
  /** Sample standard deviation of each metric over them; empty before there are two. */
  deviations: Metrics;
}

const isTime: Check = (value, at) =>
  typeof value === 'string' && value.length < 100 && Number.isFinite(Date.parse(value)) ? null : `${at} is not a time`;

/** The name of a folder in the run's own: anything else would lead out of it. */
const isName: Check = (value, at) =>
  typeof value === 'string' && /^[^\\/:]+$/.test(value) && value !== '.' && value !== '..'
    ? null
    : `${at} is not a folder's name`;

const dataset: Check = (value, at) =>
  typeof value === 'string'
    ? null
    : shape({ train: isString, validation: optional(isString), test: optional(isString) })(value, at);

export const isForgetting = shape({ tokens: isCount, before: isNumber, after: isNumber });

// A metric that was no number stands in JSON as null.
const areMetrics = recordOf(nullOr(isNumber), isKey);

const FIELDS: { [K in keyof RunRecord]-?: Check } = {
  format: isNumber,
  id: isString,
  name: isString,
  note: isString,
  tags: optional(areTags),
  state: oneOf(...RUN_STATES),
  // What is shown of it; the whole of it is checked as a recipe before the run starts.
  recipe: shape({
    model: isString,
    dataset,
    strategy: optional(shape({ type: isString })),
    learning_rate: optional(isNumber),
    num_train_epochs: optional(isNumber),
    metric_for_best_model: optional(isKey),
  }),
  data_rules: (value, at) => (value === undefined || value === 1 || value === 2 ? null : `${at} is not 1 or 2`),
  template: optional(shape({ path: isString, text: isString, drawn_from: optional(isString) })),
  recipe_path: nullOr(isString),
  sets: optional(listOf(isString)),
  created_at: isTime,
  started_at: nullOr(isTime),
  finished_at: nullOr(isTime),
  step: isCount,
  total_steps: isCount,
  pretraining: optional(shape({ steps: isCount, rows: isCount, held_out: isCount })),
  labels: listOf(isString),
  best: nullOr(shape({ step: isCount, metrics: areMetrics })),
  folds: optional(
    shape({
      count: isCount,
      final: isBoolean,
      results: listOf(shape({ fold: isCount, metrics: areMetrics, n: isCount, steps: optional(isCount) })),
      deviations: areMetrics,
    }),
  ),
  comparison: optional(shape({ id: isString, compared: oneOf(...COMPARED) })),
  fold_of: optional(shape({ run: isString, fold: isCount, count: isCount })),
  seeds: optional(
    shape({
      values: listOf(isCount),
      results: listOf(shape({ seed: isCount, metrics: areMetrics, n: isCount, steps: optional(isCount) })),
      deviations: areMetrics,
    }),
  ),
  seed_of: optional(shape({ run: isString, seed: isCount, count: isCount })),
  forgetting: optional(isForgetting),
  frozen_bits: optional(isCount),
  // Those that fit are shown: a newer version may know more of them.
  findings: optional(listOf(anything)),
  incidents: optional(listOf(shape({ kind: isString, step: isCount, message: isString }))),
  model: nullOr(isName),
  error: nullOr(shape({ code: isString, message: isString, hint: optional(isString) })),
  environment: nullOr(
    shape({
      luthier: isString,
      node: isString,
      cpu: isString,
      platform: isString,
      executor: isString,
      num_threads: isCount,
    }),
  ),
};

/**
 * A run.json's content with the kind of every field checked, or what does not fit in words.
 */
export function parseRunRecord(value: unknown): { record: RunRecord } | { problem: string } {
  const problem = shape(FIELDS)(value, 'run.json');
  if (problem !== null) return { problem };
  const record = { ...(value as RunRecord) };
  const { best, folds, seeds } = record;
  if (best !== null) record.best = { ...best, metrics: numbersOf(best.metrics) };
  if (folds !== undefined) {
    const results = folds.results.map((result) => ({ ...result, metrics: numbersOf(result.metrics) }));
    record.folds = { ...folds, results, deviations: numbersOf(folds.deviations) };
  }
  if (seeds !== undefined) {
    const results = seeds.results.map((result) => ({ ...result, metrics: numbersOf(result.metrics) }));
    record.seeds = { ...seeds, results, deviations: numbersOf(seeds.deviations) };
  }
  return { record };
}

const numbersOf = (metrics: Metrics): Metrics =>
  Object.fromEntries(Object.entries(metrics).filter(([, metric]) => metric !== null));

/** The fields of a record that fit, for a run that is shown though its record is damaged. */
export function fittingFields(value: unknown): Partial<RunRecord> {
  if (typeof value !== 'object' || value === null) return {};
  const given = Object.entries(value);
  const fits = (key: string, field: unknown) =>
    Object.hasOwn(FIELDS, key) && FIELDS[key as keyof RunRecord](field, key) === null;
  return Object.fromEntries(given.filter(([key, field]) => fits(key, field)));
}

/** endpoint.json (0600) in the folder of a run whose process lives: where its socket is, and the token that opens it. */
export interface RunEndpoint {
  pid: number;
  /** Path of the Unix socket or name of the Windows pipe. */
  address: string;
  token: string;
}

/** What a person says of a run. */
export type RunDescription = Partial<Pick<RunRecord, 'name' | 'note' | 'tags'>>;

/** Requests on a run's socket. The first must be `hello`; every other answer before it is an error. */
export interface RunRequests {
  hello: { params: { token: string; client: string }; result: { record: RunRecord; pid: number } };
  /** Replays metrics.jsonl's events from this line on (0: all), then keeps sending new ones as `event` notifications. */
  subscribe: { params: { from_line: number }; result: { next_line: number } };
  /** Ends the step in progress, writes a checkpoint, then waits. */
  pause: { params: Record<string, never>; result: { step: number } };
  /** Goes on after `pause`. */
  resume: { params: Record<string, never>; result: { step: number } };
  /** Ends the step in progress, writes the best weights as the model, ends with state `stopped`. */
  stop: { params: Record<string, never>; result: { step: number } };
  /** Ends the step in progress, writes a checkpoint and ends; the run reads as interrupted and can be resumed. */
  interrupt: { params: Record<string, never>; result: { step: number } };
  /** Ends and keeps nothing but the record and the metrics. */
  cancel: { params: Record<string, never>; result: { step: number } };
  /** Renames the run, or changes its note or tags; a run that works owns its run.json, so nobody else may write it. */
  describe: { params: RunDescription; result: { record: RunRecord } };
  /** Liveness. */
  ping: { params: Record<string, never>; result: { state: RunState; step: number } };
}

export interface RunNotifications {
  event: { line: number; event: RunEvent };
}
