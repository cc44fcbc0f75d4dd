/**
 * Largest difference of a logit that passes for the same answer, over the largest logit (at least 1): what is rounded otherwise,
 * such as adapters that are merged into their weights, is off in proportion to what is summed. SmolLM2-135M's logits reach 44.
 */
export const LOGIT_TOLERANCE = 1e-4;

/** How far the logits of a model that was written are from those that it should give. */
export interface Difference {
  /** The largest; NaN when either side has one. */
  max_difference: number;
  /** What passes for the same answers. */
  tolerance: number;
}

export function differenceOf(actual: Float32Array, expected: Float32Array): Difference {
  let max_difference = 0;
  let size = 1;
  for (let i = 0; i < expected.length; i++) {
    // Which stays NaN.
    max_difference = Math.max(max_difference, Math.abs(actual[i]! - expected[i]!));
    size = Math.max(size, Math.abs(expected[i]!));
  }
  return { max_difference, tolerance: LOGIT_TOLERANCE * size };
}

/** Whether it is within what passes; what is no number is not. */
export const isSame = ({ max_difference, tolerance }: Difference): boolean =>
  Number.isFinite(tolerance) && max_difference <= tolerance;

/** “differ by 1.20e-2 from the trained model's; at most 3.0e-3 is expected” */
export const saysDifference = ({ max_difference, tolerance }: Difference): string =>
  `differ by ${max_difference.toExponential(2)} from the trained model's; at most ${tolerance.toExponential(1)} is expected`;
