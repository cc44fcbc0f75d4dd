/**
 * Two-sided p of McNemar's exact test: how likely two models that are equally good differ on the same rows at least as
 * much as these two do. Only rows that one gets right and the other wrong count; each is a fair coin then (McNemar
 * 1947; Dietterich 1998, section 3.1; statsmodels' mcnemar(exact=True), R's binom.test).
 * @param onlyA rows that the first alone got right, a whole number from 0 on
 * @param onlyB rows that the second alone got right
 * @returns 0 to 1; 1 where no row tells them apart
 */
export function mcnemar(onlyA: number, onlyB: number): number {
  const n = onlyA + onlyB;
  const k = Math.min(onlyA, onlyB);
  if (2 * k === n) return 1;
  // The largest term of the tail, C(n, k) / 2^n, in logarithms; the others follow from it, ever smaller.
  let log = -n * Math.LN2;
  for (let i = 1; i <= k; i++) log += Math.log((n - k + i) / i);
  let ratio = 1;
  let sum = 1;
  for (let i = k; i > 0 && ratio > Number.EPSILON * sum; i--) {
    ratio *= i / (n - i + 1);
    sum += ratio;
  }
  return Math.min(1, 2 * Math.exp(log) * sum);
}
