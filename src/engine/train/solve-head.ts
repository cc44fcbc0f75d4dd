import { invertedFactor } from './head-preconditioner.ts';
import { type HeadProblem, HeadProducts } from './head-products.ts';
import { largestOf, minimize } from './lbfgs.ts';

export interface Head {
  /** `[outputs, D]` */
  weight: Float64Array;
  /** `[outputs]`; zero without a bias. */
  bias: Float64Array;
}

export interface SolvedHead extends Head {
  /** Inverse strength of the regularisation. */
  C: number;
  /** Mean loss of the rows, without the regularisation. */
  loss: number;
  iterations: number;
  /** Largest slope that is left, of `C · Σ losses + ½‖W‖²`. */
  gradient: number;
  converged: boolean;
  /** How a row's loss curves there by one of the logits. */
  curvature: number;
}

export interface SolveOptions {
  /** That of a problem like it, which it begins with. */
  start?: SolvedHead | undefined;
  /** How flat it is at its end: the largest slope of C times the mean loss. */
  tolerance?: number;
  maxIterations?: number;
  /** Memory that was made for this problem or a larger one. */
  products?: HeadProducts;
  /** What it is preconditioned by; made for this problem where none is given. */
  preconditioner?: Float64Array | null | undefined;
  /** Called after each piece of the rows; what it throws ends the work. */
  between?: (() => Promise<void>) | undefined;
}

/**
 * Solves scikit-learn's LogisticRegression to its end: the least of `C · Σ losses + ½‖W‖²`, the bias not penalised, by
 * L-BFGS in float64. Labels are one-vs-rest; numbers are a ridge regression (½ of the squared error). It goes along
 * `Tᵀ(W − start)` in the place of W, by which the loss curves alike in all directions (`preconditioner`).
 */
export async function solveHead(problem: HeadProblem, C: number, options: SolveOptions = {}): Promise<SolvedHead> {
  const { start, tolerance = 1e-8, maxIterations = 1000, between = async () => {} } = options;
  const products = options.products ?? new HeadProducts(problem);
  const { width: D, outputs: K } = problem;
  const { columns, inputs, length } = products;
  const N = problem.features.length / D;
  const strength = strengthOf(problem, C);
  products.triangle =
    options.preconditioner === undefined
      ? preconditioner(products, problem, products.gram(problem), C, start)
      : options.preconditioner;
  const first = new Float64Array(length);
  if (start)
    for (let k = 0; k < K; k++) {
      for (let j = 0; j < D; j++) first[j * columns + k] = start.weight[k * D + j]!;
      if (inputs > D) first[D * columns + k] = start.bias[k]!;
    }
  const headAt = (x: Float64Array): Float64Array => {
    const head = first.slice();
    products.addTriangular(head, x, true);
    return head;
  };
  const penalised = D * columns;
  let curvature = 0;
  const objective = async (x: Float64Array, gradient: Float64Array) => {
    const head = headAt(x);
    const plain = new Float64Array(length);
    const sums = await products.losses(problem, head, plain, between);
    curvature = sums.curvature / N;
    let squares = 0;
    for (let i = 0; i < length; i++) plain[i]! *= strength;
    for (let i = 0; i < penalised; i++) {
      squares += head[i]! * head[i]!;
      plain[i]! += head[i]!;
    }
    gradient.fill(0);
    products.addTriangular(gradient, plain, false);
    return { value: strength * sums.loss + squares / 2, slope: largestOf(plain) };
  };
  const found = await minimize(objective, new Float64Array(length), {
    tolerance: tolerance * Math.max(1, strength * N),
    maxIterations,
  });
  const head = headAt(found.x);
  const weight = new Float64Array(K * D);
  let squares = 0;
  for (let k = 0; k < K; k++)
    for (let j = 0; j < D; j++) {
      const w = head[j * columns + k]!;
      weight[k * D + j] = w;
      squares += w * w;
    }
  const bias = Float64Array.from({ length: K }, (_, k) => (inputs > D ? head[D * columns + k]! : 0));
  const loss = (found.value - squares / 2) / strength / N;
  const { iterations, slope: gradient, converged } = found;
  return { weight, bias, C, loss, iterations, gradient, converged, curvature };
}

/** Two classes are two outputs here, and one in scikit-learn: half of its penalty falls on each. */
const strengthOf = ({ loss, outputs }: HeadProblem, C: number): number =>
  loss === 'class' && outputs === 2 ? C / 2 : C;

/**
 * What a problem is preconditioned by: the inverse T of the Cholesky factor of `C · h · XᵀX + 1`. That is the Hessian for
 * each output where h is how the losses curve in the mean, as Böhning & Lindsay's bound (1988) has it for their most.
 * @param gram `XᵀX` of its rows, or of rows like them
 * @param start where it begins; without it at zero
 * @returns null without a gram, where it would cost more than it saves
 */
export function preconditioner(
  { inputs, stride }: HeadProducts,
  problem: HeadProblem,
  gram: Float64Array | null,
  C: number,
  start?: Pick<SolvedHead, 'curvature'>,
): Float64Array | null {
  if (gram === null) return null;
  const { loss, outputs: K, width: D } = problem;
  const atZero = loss === 'class' ? (1 - 1 / K) / K : loss === 'labels' ? 1 / 4 : 1;
  const by = strengthOf(problem, C) * Math.max(start?.curvature ?? atZero, 1e-6);
  const matrix = gram.map((sum) => by * sum);
  for (let i = 0; i < D; i++) matrix[i * stride + i]! += 1;
  invertedFactor(matrix, inputs, stride);
  return matrix;
}

/** Rows' logits by a head, `[N, outputs]`. */
export function headLogits(features: Float32Array | Float64Array, width: number, { weight, bias }: Head): Float64Array {
  const K = bias.length;
  const logits = new Float64Array((features.length / width) * K);
  for (let row = 0, from = 0; from < features.length; row++, from += width) {
    for (let k = 0; k < K; k++) {
      let sum = bias[k]!;
      for (let j = 0; j < width; j++) sum += weight[k * width + j]! * features[from + j]!;
      logits[row * K + k] = sum;
    }
  }
  return logits;
}
