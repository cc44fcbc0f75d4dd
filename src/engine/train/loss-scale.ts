import { LuthierError } from '../../protocol/index.ts';
import type { Scaled } from '../runtime/update-program.ts';
import type { Phases } from '../strategies/phases.ts';
import type { Executor } from '../tensor/executors/executor.ts';

/** The defaults of PyTorch's GradScaler (torch/amp/grad_scaler.py). */
const INITIAL = 2 ** 16;
const GROWTH = 2;
const BACKOFF = 0.5;
const GROWTH_INTERVAL = 2000;
/** Below it a run has diverged (fairseq's --min-loss-scale). */
const LEAST = 1e-4;

/** What a checkpoint keeps of it. */
export interface LossScaleState {
  scale: number;
  /** Steps since it last changed. */
  good_steps: number;
  /** Which steps were skipped: so many had been done before each. */
  skipped: readonly number[];
}

/**
 * What the loss is multiplied by, so that gradients are not too small for float16 (Micikevicius et al. 2018, "Mixed
 * Precision Training"). Where they become too large for it a step is skipped, and the factor halved; after 2,000 good steps
 * in a row it is doubled.
 */
export class LossScale {
  #state: LossScaleState = { scale: INITIAL, good_steps: 0, skipped: [] };

  /**
   * @param isUsed false for a run that goes on in float32: gradients are those of the loss itself then, and what was
   *   skipped before still is no step of the optimiser's
   */
  constructor(readonly isUsed = true) {}

  get value(): number {
    return this.isUsed ? this.#state.scale : 1;
  }

  get state(): LossScaleState {
    return this.#state;
  }

  restore(state: LossScaleState): void {
    this.#state = state;
  }

  /** A step was good. */
  keep(): void {
    if (!this.isUsed) return;
    const good = this.#state.good_steps + 1;
    const grows = good === GROWTH_INTERVAL;
    this.#state = { ...this.#state, scale: this.value * (grows ? GROWTH : 1), good_steps: grows ? 0 : good };
  }

  /** A step was skipped. @param step how many had been done before it */
  backOff(step: number): void {
    this.#state = { scale: this.value * BACKOFF, good_steps: 0, skipped: [...this.#state.skipped, step] };
  }

  /** Whether it is so small that float16's range cannot be why gradients overflow. */
  get isUsedUp(): boolean {
    return this.value < LEAST;
  }

  /** How many were skipped of the steps from this one on. */
  skippedSince(step: number): number {
    return this.#state.skipped.filter((skipped) => skipped >= step).length;
  }

  /**
   * For the optimiser, which counts its own steps alone, as torch's does.
   * @param begin how many steps had been done before the first that it counts
   */
  scaledSince(begin: number, phases: Phases): Scaled {
    const own = this.#state.skipped.filter((skipped) => skipped >= begin).map((skipped) => phases.at(skipped - begin));
    return {
      lossScale: this.value,
      skippedIn: (of) => own.filter((phase) => of.includes(phase)).length,
    };
  }
}

/** The gradients of a step are too large for float16; nothing has changed. */
export class Overflow extends Error {}

/** A recipe with fp16 where nothing computes in float16. */
export class WithoutFloat16 extends LuthierError {}

/** @throws WithoutFloat16 where an executor has no float16 */
export async function requireFloat16(executor: Executor): Promise<void> {
  if (await executor.computesInFloat16?.()) return;
  const isCard = executor.name === 'webgpu';
  throw new WithoutFloat16(
    'recipe-invalid',
    isCard
      ? 'fp16: this graphics card does not compute in float16 (it lacks WebGPU’s shader-f16).'
      : `fp16: ${executor.name} computes on the processor, in float32.`,
    isCard
      ? 'Remove fp16 from the recipe.'
      : 'Remove fp16 from the recipe, or use --backend webgpu with a graphics card for which `luthier backends` shows float16.',
  );
}

/** Where the head alone is trained, on what the layers below give once. */
export const withoutLayers = (): LuthierError =>
  new LuthierError(
    'recipe-invalid',
    'fp16: this strategy trains the classifier alone, and float16 is for steps that compute gradients of layers.',
    'Remove fp16 from the recipe, or choose another strategy.',
  );
