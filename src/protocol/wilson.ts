/** 95 % of a normal distribution lie within so many of its deviations. */
const Z = 1.959963984540054;

/**
 * Wilson's 95 % interval of a share: where the true one may lie, seen `hits` of `n` times (Wilson 1927, "Probable
 * inference, the law of succession, and statistical inference").
 * @param n at least 1
 */
export function wilson(hits: number, n: number): { low: number; high: number } {
  const share = hits / n;
  const centre = share + Z ** 2 / (2 * n);
  const spread = Z * Math.sqrt((share * (1 - share)) / n + Z ** 2 / (4 * n ** 2));
  const scale = 1 + Z ** 2 / n;
  // Rounding must not leave the ends a hair beyond what a share can be.
  return { low: Math.max(0, (centre - spread) / scale), high: Math.min(1, (centre + spread) / scale) };
}
