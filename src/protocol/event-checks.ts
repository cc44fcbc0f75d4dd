/** Checks of what a run says while it works, which comes from its socket and its files and crosses into the pages. */
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
  shape,
  union,
} from './check.ts';
import type { RunEvent } from './events.ts';
import { isLevel } from './page.ts';
import { isMetrics, SPLITS } from './reports.ts';
import { isForgetting } from './run.ts';

/** Which of a run's trainings says it. */
const training = { fold: optional(isCount), seed: optional(isCount) };
export const isFoldResult = shape({ fold: isCount, metrics: isMetrics, n: isCount, steps: optional(isCount) });
export const isSeedResult = shape({ seed: isCount, metrics: isMetrics, n: isCount, steps: optional(isCount) });

const isPretraining = shape({ steps: isCount, rows: isCount, held_out: isCount });

const eventRules: Rules<RunEvent, 'event'> = {
  start: {
    ...training,
    time: isNumber,
    run: isString,
    total_steps: isCount,
    step: isCount,
    of_run: optional(shape({ before: isCount, total: isCount })),
    num_train_rows: isCount,
    num_validation_rows: isCount,
    labels: listOf(isString),
    num_parameters: isCount,
    num_trainable_parameters: isCount,
    executor: isString,
    num_threads: isCount,
    loss_of: optional(oneOf('pairs')),
    pretraining: optional(isPretraining),
    frozen_bits: optional(isCount),
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
    folds: optional(listOf(isFoldResult)),
    seeds: optional(listOf(isSeedResult)),
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

export const parseRunEvent = parser<RunEvent>(union('event', eventRules));
