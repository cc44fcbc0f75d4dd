import type { Metrics } from '../../protocol/index.ts';
import type { GeneralText, TrainerState } from './types.ts';

/** What the loop itself must remember over an interruption; it is part of every checkpoint. */
export interface LoopState {
  step: number;
  /** Step that was last evaluated: an evaluation that was cut short is done again. */
  evaluated_step: number;
  best: { step: number; metrics: Metrics; n?: number } | null;
  evaluations_without_improvement: number;
  /** Steps since the last logged one. */
  unlogged: { steps: number; loss_sum: number };
  /** How the untouched base foretold the text that tells what is forgotten; of a model that writes. */
  general?: GeneralText;
  /** Seconds of work before this process. */
  elapsed_s: number;
}

export const INITIAL_STATE: LoopState = {
  step: 0,
  evaluated_step: 0,
  best: null,
  evaluations_without_improvement: 0,
  unlogged: { steps: 0, loss_sum: 0 },
  elapsed_s: 0,
};

/** Where the loop leaves its work; runs/checkpoints.ts is the one on disk. */
export interface CheckpointStore {
  /** Writes all that is needed to go on. The trainer does nothing meanwhile, so its live memory may be read. */
  save(loop: LoopState, trainer: TrainerState): Promise<{ path: string; bytes: number }>;
  /** Writes the trained parameters alone: those of the best step, when no whole checkpoint is due. */
  saveWeights(loop: LoopState, trainer: TrainerState): Promise<{ path: string; bytes: number }>;
  /** Trained parameters of a step that was saved. */
  readWeights(step: number): Promise<Map<string, Float32Array>>;
  /** Newest step that can be gone on from, or null. */
  latest(): Promise<{ step: number; path: string } | null>;
}
