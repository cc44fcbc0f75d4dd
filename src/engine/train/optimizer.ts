import type { ParameterStore } from './parameter-store.ts';
import type { AdamWSettings } from './update-program.ts';

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
  const kernels = store.memory.kernels;
  const part = (from: number, to: number) =>
    [weight, gradient, expAvg, expAvgSq].map((x) => x.subarray(from, to)) as Four;
  let at = 0;
  const upTo = (end: number, weight_decay: number) => {
    if (at < end) kernels.adamw(...part(at, end), { ...options, weight_decay });
    at = Math.max(at, end);
  };
  const { weight_decay } = settings;
  for (const { start, end, touched } of [...store.tables.values()].sort((a, b) => a.start - b.start)) {
    upTo(start, weight_decay);
    kernels.adamwRows(...part(start, end), touched, { ...options, weight_decay });
    at = end;
  }
  upTo(decayEnd, weight_decay);
  upTo(weight.length, 0);
}

type Four = [Float32Array, Float32Array, Float32Array, Float32Array];
