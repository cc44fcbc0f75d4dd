import type { Finding } from './findings.ts';
import type { MetricKey } from './metrics.ts';
import type { RunState } from './states.ts';

/**
 * What a run says while it works: the lines of metrics.jsonl, the lines of `train --json`,
 * and the `event` notification on its socket are the same objects.
 */
export type RunEvent = AnyEvent & {
  /** In a cross-validation: the fold, from 1 on, whose training says this; left out by the run itself and its last model. */
  fold?: number;
  /** In a run with several seeds: the one whose training says this; left out by the run itself. */
  seed?: number;
};

type AnyEvent =
  | StartEvent
  | StepEvent
  | EvalEvent
  | SamplesEvent
  | SolvedEvent
  | CheckpointEvent
  | NoteEvent
  | StateEvent
  | DoneEvent
  | ErrorEvent;

export type Metrics = Partial<Record<MetricKey, number>>;

/** Said once before the first step, and again after a resume. */
export interface StartEvent {
  event: 'start';
  /** Seconds since the epoch, as in every event. */
  time: number;
  run: string;
  total_steps: number;
  /** Steps already done (0, or the checkpoint's when resumed). */
  step: number;
  /** Of one of several trainings: steps of those before it, and of the whole run as far as they can be foreseen. */
  of_run?: StepsOfRun;
  num_train_rows: number;
  num_validation_rows: number;
  labels: string[];
  num_parameters: number;
  num_trainable_parameters: number;
  executor: string;
  num_threads: number;
  /** What the steps' losses are of, where not of rows: of pairs of them (few-shot). */
  loss_of?: 'pairs';
  /** What the first steps are for, where a prompt is pre-trained. */
  pretraining?: PretrainingFacts;
  /** Bits of the frozen layers that its figures are computed with, where a graphics card has them in fewer than float. */
  frozen_bits?: number;
}

export interface StepsOfRun {
  before: number;
  total: number;
}

/** Of a prompt that is pre-trained on texts without labels, before the rows are learnt. */
export interface PretrainingFacts {
  /** The first ones of the run; their loss is another one than the rows'. */
  steps: number;
  /** Texts that are learnt from. */
  rows: number;
  /** Texts that are not, being held out for validation or test. */
  held_out: number;
}

export interface StepEvent {
  event: 'step';
  time: number;
  /** 1-based optimiser step. */
  step: number;
  /** Fraction of epochs done. */
  epoch: number;
  loss: number;
  learning_rate: number;
  grad_norm: number;
  /** Real tokens, padding not counted. */
  tokens_per_second: number;
  step_ms: number;
  rss_bytes: number;
  /** Seconds left, by the mean of the recent steps and evaluations; null until known, and after a training's last step. */
  eta_s: number | null;
}

export interface EvalEvent {
  event: 'eval';
  time: number;
  step: number;
  epoch: number;
  split: 'train' | 'validation' | 'test';
  metrics: Metrics;
  n: number;
  /** Whether these are the best by metric_for_best_model so far. */
  best: boolean;
}

/**
 * A classifier was solved to its end on the features of the training rows: the one step of a solved head's run, and
 * before each evaluation where pairs are learnt.
 */
export interface SolvedEvent extends SolvedHead {
  event: 'solved';
  time: number;
  step: number;
  epoch: number;
}

export interface SolvedHead {
  /** Inverse strength of the regularisation. */
  C: number;
  /** What cross-validation on the training rows came to for each C; empty where there were too few of them. */
  choices: { C: number; accuracy?: number; loss: number }[];
  /** Of that cross-validation, and the rows that it was done on. */
  folds: number;
  validated_rows: number;
  /** Rows that it is solved on, and numbers that each of them is known by. */
  rows: number;
  features: number;
  /** Rows made of the labels' names that it is solved on, too (label_templates); absent where there are none. */
  label_rows?: number;
  iterations: number;
  converged: boolean;
  /** Mean of all of those rows, without the regularisation. */
  loss: number;
  /** For choosing C and solving; without computing the features. */
  seconds: number;
}

/** What a model that writes answers to a few validation rows, always the same; at step 0 the untouched base does. */
export interface SamplesEvent {
  event: 'samples';
  time: number;
  step: number;
  epoch: number;
  samples: Sample[];
}

export interface Sample {
  file: string;
  line: number;
  /** What was asked last, or the beginning of a text. */
  prompt: string;
  /** What the row has. */
  reference: string;
  answer: string;
}

/**
 * How much of the base model is forgotten: perplexity of a fixed English text that is no part of the dataset, with the
 * untouched base and with the weights that were written.
 */
export interface Forgetting {
  /** Of the text that were measured. */
  tokens: number;
  before: number;
  after: number;
}

export interface CheckpointEvent {
  event: 'checkpoint';
  time: number;
  step: number;
  path: string;
  bytes: number;
  reason: 'epoch' | 'save_steps' | 'interval' | 'pause' | 'interrupt' | 'best';
}

/** A line worth reading: a guess that was made, a truncation, a fall-back. */
export interface NoteEvent {
  event: 'note';
  time: number;
  level: 'info' | 'warning';
  message: string;
  /** Of a note that is told at its place in the run, as where a strategy begins to train more: the step it is of. */
  step?: number;
  /** Where it tells of one. */
  incident?: Incident['kind'];
}

/** What went wrong on the graphics card in a run that went on all the same. */
export interface Incident {
  kind: 'out-of-memory' | 'device-lost';
  /** Steps that counted as done afterwards. */
  step: number;
  /** What happened, and how the run went on. */
  message: string;
}

/** Takes what a person should know of work that goes on. */
export type Note = (level: NoteEvent['level'], message: string) => void;

export interface StateEvent {
  event: 'state';
  time: number;
  state: RunState;
}

export interface DoneEvent {
  event: 'done';
  time: number;
  run: string;
  /** Folder of the written model; empty where none was to be written (a fold's, or `--no-final`). */
  model: string;
  /** Validation metrics of the weights that were written; in a cross-validation the folds' means, with several seeds theirs. */
  metrics: Metrics;
  /** In a cross-validation: what each fold came to. */
  folds?: FoldResult[];
  /** With several seeds: what each came to. */
  seeds?: SeedResult[];
  /** Of folds or seeds: the sample standard deviation of each metric; empty where there are fewer than two. */
  deviations?: Metrics;
  /** Of a model that writes; left out where it was not measured before the first step and at the end. */
  forgetting?: Forgetting;
  /** What the run says about itself; none where it says nothing. */
  findings?: Finding[];
  /** Step that the written weights are from. */
  best_step: number;
  step: number;
  stopped_early: boolean;
  wall_s: number;
  time_to_first_step_s: number;
  peak_rss_bytes: number;
}

/** What one fold of a cross-validation came to. */
export interface FoldResult {
  /** From 1 on. */
  fold: number;
  metrics: Metrics;
  /** Rows that it was measured on. */
  n: number;
  /** Optimiser steps that it took. */
  steps?: number;
}

/** What a recipe came to with one of several seeds. */
export interface SeedResult {
  seed: number;
  /** Of its best weights. */
  metrics: Metrics;
  /** Rows that they were measured on; 0 where there are no validation rows. */
  n: number;
  /** Optimiser steps that it took. */
  steps?: number;
}

export interface ErrorEvent {
  event: 'error';
  time: number;
  code: string;
  message: string;
  hint?: string;
}
