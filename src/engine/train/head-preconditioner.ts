/**
 * The inverse of a Cholesky factor: T, lower triangular, with `T · P · Tᵀ = 1`.
 * @param matrix P, symmetric and positive definite, `[n, stride]` of which the first n columns count; becomes T
 */
export function invertedFactor(matrix: Float64Array, n: number, stride: number): void {
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      const given = matrix[i * stride + j]!;
      const rest = given - dotOfRows(matrix, i * stride, j * stride, j);
      // Where an input is nearly a sum of others, rounding may leave nothing.
      matrix[i * stride + j] = i === j ? Math.sqrt(Math.max(rest, 1e-12 * given)) : rest / matrix[j * stride + j]!;
    }
  const row = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const at = i * stride;
    row.fill(0);
    for (let k = 0; k < i; k++) {
      const by = matrix[at + k]!;
      const from = k * stride;
      for (let j = 0; j <= k; j++) row[j]! -= by * matrix[from + j]!;
    }
    row[i] = 1;
    const factor = 1 / matrix[at + i]!;
    for (let j = 0; j < stride; j++) matrix[at + j] = j <= i ? factor * row[j]! : 0;
  }
}

function dotOfRows(m: Float64Array, a: number, b: number, n: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < n; k += 4) {
    s0 += m[a + k]! * m[b + k]!;
    s1 += m[a + k + 1]! * m[b + k + 1]!;
    s2 += m[a + k + 2]! * m[b + k + 2]!;
    s3 += m[a + k + 3]! * m[b + k + 3]!;
  }
  for (; k < n; k++) s0 += m[a + k]! * m[b + k]!;
  return s0 + s1 + (s2 + s3);
}
