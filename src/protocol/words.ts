import type { RunState } from './events.ts';
import type { MetricKey } from './recipe.ts';

/** What people read for a run's state, in terminal and editor; a sentence's first word is given its capital there. */
export const STATE_WORDS: Readonly<Record<RunState, string>> = {
  queued: 'queued',
  starting: 'starting',
  running: 'training',
  paused: 'paused',
  stopping: 'stopping',
  done: 'done',
  stopped: 'stopped early',
  cancelled: 'discarded',
  failed: 'failed',
  interrupted: 'interrupted',
};

/** What people read for a metric, within a sentence. */
export const METRIC_WORDS: Readonly<Record<MetricKey, string>> = {
  loss: 'loss',
  accuracy: 'accuracy',
  f1_macro: 'macro F1',
  f1_weighted: 'weighted F1',
  mcc: 'MCC',
  ece: 'calibration error',
};

/** Metrics that are shares of one and shown as percentages; loss and MCC are figures. */
export const SHARES: ReadonlySet<string> = new Set<MetricKey>(['accuracy', 'f1_macro', 'f1_weighted', 'ece']);
