import type { Executor } from '../../src/engine/tensor/executors/executor.ts';

interface Tested {
  title: string;
  isThere: boolean;
  create(): Promise<Executor>;
  /** Largest relative distance from PyTorch's losses over 200 steps. */
  lossTolerance: number;
  /** Too slow for wide models where tests run. */
  isSlow?: boolean;
  /** Tolerance of an op that is looser than everyone's. */
  toleranceOf?: (op: string) => number | undefined;
}
/** Every executor that the parity cases run on; one that is not there on this machine says so in its title. */
export declare const EXECUTORS: readonly Tested[];
/** Reads a file of test/parity/figures. */
export declare const figures: (name: string) => URL;
