import type { FoldResult, Metrics, RunEvent, RunState } from './events.ts';
import type { Recipe } from './recipe.ts';

/** Version of the run folder's layout. A reader shows a newer one read-only. */
export const RUN_FORMAT = 1;

/** run.json in a run's folder: who the run is and how far it came. Rewritten atomically when its state changes. */
export interface RunRecord {
  format: number;
  id: string;
  /** Shown to people; renamed at will. */
  name: string;
  note: string;
  state: RunState;
  /** The recipe with every default filled in, its paths made absolute. */
  recipe: Recipe;
  /** How rows of data are understood (DataRules in engine/data/checks.ts); absent in runs that 0.1.0 made. */
  data_rules?: 1 | 2;
  /** Absolute path of the recipe's file, or null for one that was never a file. */
  recipe_path: string | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  step: number;
  total_steps: number;
  labels: string[];
  /** In a cross-validation: the folds' means. */
  best: { step: number; metrics: Metrics } | null;
  /** A cross-validation's plan and what came of it so far; steps count over all folds and the last model. */
  folds?: CrossValidation;
  /** A fold's place; its folder is `folds/<fold>` in that of its run. */
  fold_of?: { run: string; fold: number; count: number };
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

/** endpoint.json (0600) in the folder of a run whose process lives: where its socket is, and the token that opens it. */
export interface RunEndpoint {
  pid: number;
  /** Path of the Unix socket or name of the Windows pipe. */
  address: string;
  token: string;
}

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
  /** Renames the run or changes its note; a run that works owns its run.json, so nobody else may write it. */
  describe: { params: { name?: string; note?: string }; result: { record: RunRecord } };
  /** Liveness. */
  ping: { params: Record<string, never>; result: { state: RunState; step: number } };
}

export interface RunNotifications {
  event: { line: number; event: RunEvent };
}
