import type { Recipe } from '../../protocol/index.ts';
import type { ParameterStore } from './parameter-store.ts';

type AdamWSettings = Pick<Recipe, 'adam_beta1' | 'adam_beta2' | 'adam_epsilon' | 'weight_decay' | 'max_grad_norm'>;

/**
 * Global L2 norm of all gradients; NaN or infinite when one is. torch.nn.utils.clip_grad_norm_ returns the same.
 */
export function gradientNorm(store: ParameterStore): number {
  return Math.sqrt(store.memory.kernels.sumOfSquares(store.trained.gradient));
}

/**
 * Clips by the global norm (when max_grad_norm is above 0), then does AdamW's step in place.
 * @param step 1 for the first
 */
export function adamWStep(
  store: ParameterStore,
  settings: AdamWSettings,
  lr: number,
  step: number,
  norm: number,
): void {
  const { weight, gradient, expAvg, expAvgSq, decayEnd } = store.trained;
  const max = settings.max_grad_norm;
  // The 1e-6 is PyTorch's, in clip_grad_norm_.
  const gradScale = max > 0 ? Math.min(1, max / (norm + 1e-6)) : 1;
  const options = {
    lr,
    beta1: settings.adam_beta1,
    beta2: settings.adam_beta2,
    epsilon: settings.adam_epsilon,
    step,
    gradScale,
  };
  const group = (from: number, to: number, weight_decay: number) => {
    for (const { start, end, idle } of store.spans(from, to)) {
      const [w, g, m, v] = [weight, gradient, expAvg, expAvgSq].map((x) => x.subarray(start, end));
      // Without gradient and moments a step is the decay alone: the same numbers for a quarter of the traffic.
      if (idle) store.memory.kernels.scale(w!, Math.fround(1 - lr * weight_decay));
      else store.memory.kernels.adamw(w!, g!, m!, v!, { ...options, weight_decay });
    }
  };
  group(0, decayEnd, settings.weight_decay);
  group(decayEnd, weight.length, 0);
}
