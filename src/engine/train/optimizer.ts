import type { ParameterGroup, ParameterStore } from '../runtime/parameter-store.ts';
import type { AdamWSettings, Scaled } from '../runtime/update-program.ts';

/**
 * Global L2 norm of all gradients; NaN or infinite when one is. torch.nn.utils.clip_grad_norm_ returns the same. Rows of
 * tables that no step has read are not looked at: they are most of a vocabulary.
 */
export function gradientNorm(store: ParameterStore): number {
  const { gradient } = store.trained;
  const { kernels } = store.memory;
  let [sum, at] = [0, 0];
  for (const { start, end, touched } of tablesOf(store)) {
    sum += kernels.sumOfSquares(gradient.subarray(at, start));
    sum += kernels.sumOfSquaresInRows(gradient.subarray(start, end), touched);
    at = end;
  }
  return Math.sqrt(sum + kernels.sumOfSquares(gradient.subarray(at)));
}

/** In the order in which they lie in memory. */
const tablesOf = ({ tables }: ParameterStore) => [...tables.values()].sort((a, b) => a.start - b.start);

/**
 * Clips by the global norm (when max_grad_norm is above 0), then does AdamW's step in place, group by group.
 * @param step 1 for the first
 * @param norm of the gradients, without a scale
 * @param scaled of gradients that are scaled
 */
export function adamWStep(
  store: ParameterStore,
  settings: AdamWSettings,
  lr: number,
  step: number,
  norm: number,
  scaled?: Scaled,
): void {
  const { weight, gradient, expAvg, expAvgSq, groups } = store.trained;
  const max = settings.max_grad_norm;
  // The 1e-6 is PyTorch's, in clip_grad_norm_.
  const gradScale = (max > 0 ? Math.min(1, max / (norm + 1e-6)) : 1) / (scaled?.lossScale ?? 1);
  const kernels = store.memory.kernels;
  const part = (from: number, to: number) =>
    [weight, gradient, expAvg, expAvgSq].map((x) => x.subarray(from, to)) as Four;
  const tables = tablesOf(store);
  const update = (group: ParameterGroup) => {
    const options = {
      lr: lr * group.rate,
      beta1: settings.adam_beta1,
      beta2: settings.adam_beta2,
      epsilon: settings.adam_epsilon,
      weight_decay: group.decay ? settings.weight_decay : 0,
      step: store.phases.stepsIn(group.phases, step) - (scaled?.skippedIn(group.phases) ?? 0),
      gradScale,
    };
    let at = group.start;
    const upTo = (end: number) => {
      if (at < end) kernels.adamw(...part(at, end), options);
      at = end;
    };
    for (const { start, end, touched } of tables) {
      if (start < group.start || end > group.end) continue;
      upTo(start);
      kernels.adamwRows(...part(start, end), touched, options);
      at = end;
    }
    upTo(group.end);
  };
  for (const group of groups) if (group.phases.includes(store.phase)) update(group);
}

type Four = [Float32Array, Float32Array, Float32Array, Float32Array];
