/** What of a BERT decides how much there is to compute. */
export interface Shape {
  layers: number;
  hidden: number;
  inner: number;
}

/**
 * Floating-point operations of the matrix products that a classifier's training step, or its forward pass, calls for:
 * two for each multiplication and addition. Counted is what must be computed, not what anyone computes: no padding; of
 * the last layer only the first token's queries, attention, output and feed-forward; products for gradients of weights
 * and of inputs from the lowest trained layer up. Everything that is no matrix product is left out.
 * @param lengths tokens of each text
 * @param frozen lower layers that are not trained; `nothing` is trained at all: the forward pass alone; `weights`: all
 *   but adapters, whose own products are left out, so that of the gradients those of inputs count
 */
export function trainingOperations(
  { layers, hidden: H, inner: F }: Shape,
  lengths: readonly number[],
  frozen: number | 'nothing' | 'weights',
): number {
  const tokens = lengths.reduce((a, b) => a + b, 0);
  const squares = lengths.reduce((a, b) => a + b * b, 0);
  const texts = lengths.length;
  const whole = 2 * tokens * (4 * H * H + 2 * H * F) + 4 * squares * H;
  const last = 2 * tokens * 2 * H * H + 2 * texts * (2 * H * H + 2 * H * F) + 4 * tokens * H;
  const upTo = (count: number) => (count < layers ? count * whole : (layers - 1) * whole + last);
  const forward = upTo(layers);
  if (frozen === 'weights') return 2 * forward;
  return frozen === 'nothing' ? forward : forward + 2 * (forward - upTo(frozen));
}
