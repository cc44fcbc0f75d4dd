import { minimize } from './lbfgs.ts';

/** What a head learns: one class of several, each label by itself, or a number. */
export type HeadLoss = 'class' | 'labels' | 'value';

export interface HeadProblem {
  /** What the answers are computed of, `[N, D]`. */
  features: Float32Array | Float64Array;
  width: number;
  /** A class's number for each row; or `[N, outputs]` of 0 and 1, or of numbers. */
  labels: ArrayLike<number>;
  outputs: number;
  loss: HeadLoss;
  /** What a row counts, by its class; 1 without it. */
  classWeights?: ArrayLike<number> | null;
  /** Share of a target that is spread over all classes. */
  smoothing?: number;
  /** Whether the answers have a bias, which is not penalised. */
  bias?: boolean;
}

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
  gradient: number;
  converged: boolean;
}

/**
 * Solves scikit-learn's LogisticRegression to its end: the least of `C · Σ losses + ½‖W‖²`, the bias not penalised, by
 * L-BFGS in float64. Labels are one-vs-rest; numbers are a ridge regression (½ of the squared error).
 * @param start weights that it begins with
 */
export function solveHead(
  problem: HeadProblem,
  C: number,
  start?: Head,
  { tolerance = 1e-5, maxIterations = 1000 } = {},
): SolvedHead {
  const { width: D, outputs: K, bias: hasBias = true, loss: kind } = problem;
  const { features } = problem;
  const N = features.length / D;
  // Two classes are two outputs here, and one in scikit-learn: half of its penalty falls on each.
  const strength = kind === 'class' && K === 2 ? C / 2 : C;
  const targets = targetsOf(problem);
  const logits = new Float64Array(N * K);
  let total = 0;
  const objective = (x: Float64Array, gradient: Float64Array): number => {
    gradient.fill(0);
    logitsOf(features, D, K, x, logits);
    total = losses(kind, K, targets, logits);
    let penalty = 0;
    for (let i = 0; i < K * D; i++) penalty += x[i]! * x[i]!;
    for (let row = 0; row < N; row++) {
      for (let k = 0; k < K; k++) {
        const d = strength * logits[row * K + k]!;
        if (d === 0) continue;
        const to = k * D;
        const from = row * D;
        for (let j = 0; j < D; j++) gradient[to + j]! += d * features[from + j]!;
        if (hasBias) gradient[K * D + k]! += d;
      }
    }
    for (let i = 0; i < K * D; i++) gradient[i]! += x[i]!;
    return strength * total + penalty / 2;
  };
  const first = new Float64Array(K * D + K);
  if (start) {
    first.set(start.weight);
    first.set(start.bias, K * D);
  }
  const { x, iterations, gradient, converged } = minimize(objective, first, {
    tolerance: tolerance * Math.max(1, strength),
    maxIterations,
  });
  objective(x, new Float64Array(x.length));
  const [weight, bias] = [x.slice(0, K * D), x.slice(K * D)];
  return { weight, bias, C, loss: total / N, iterations, gradient, converged };
}

/** Rows' logits by a head, `[N, outputs]`. */
export function headLogits(features: Float32Array | Float64Array, width: number, { weight, bias }: Head): Float64Array {
  const K = bias.length;
  const x = new Float64Array(weight.length + K);
  x.set(weight);
  x.set(bias, weight.length);
  const logits = new Float64Array((features.length / width) * K);
  logitsOf(features, width, K, x, logits);
  return logits;
}

function logitsOf(
  features: Float32Array | Float64Array,
  D: number,
  K: number,
  x: Float64Array,
  logits: Float64Array,
): void {
  for (let row = 0, from = 0; from < features.length; row++, from += D) {
    for (let k = 0; k < K; k++) {
      let sum = x[K * D + k]!;
      const at = k * D;
      for (let j = 0; j < D; j++) sum += x[at + j]! * features[from + j]!;
      logits[row * K + k] = sum;
    }
  }
}

/** What each output of a row is to be, weighted: as torch.nn.CrossEntropyLoss weighs smoothed targets. `[N, K]` */
function targetsOf({ labels, outputs: K, loss, classWeights, smoothing = 0 }: HeadProblem): Float64Array {
  if (loss !== 'class') return Float64Array.from(labels);
  const targets = new Float64Array(labels.length * K);
  for (let row = 0; row < labels.length; row++)
    for (let k = 0; k < K; k++) {
      const share = smoothing / K + (k === labels[row] ? 1 - smoothing : 0);
      targets[row * K + k] = share * (classWeights?.[k] ?? 1);
    }
  return targets;
}

/** The sum of all losses; in the place of the logits, what they are to be changed by. */
function losses(kind: HeadLoss, K: number, targets: Float64Array, logits: Float64Array): number {
  let total = 0;
  for (let at = 0; at < logits.length; at += K) {
    if (kind === 'class') {
      let most = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < K; k++) most = Math.max(most, logits[at + k]!);
      let sum = 0;
      for (let k = 0; k < K; k++) sum += Math.exp(logits[at + k]! - most);
      const log = most + Math.log(sum);
      let weight = 0;
      for (let k = 0; k < K; k++) {
        total += targets[at + k]! * (log - logits[at + k]!);
        weight += targets[at + k]!;
      }
      for (let k = 0; k < K; k++) logits[at + k] = weight * Math.exp(logits[at + k]! - log) - targets[at + k]!;
      continue;
    }
    for (let k = 0; k < K; k++) {
      const [z, t] = [logits[at + k]!, targets[at + k]!];
      if (kind === 'value') total += (z - t) ** 2 / 2;
      else total += Math.max(z, 0) - t * z + Math.log1p(Math.exp(-Math.abs(z)));
      logits[at + k] = (kind === 'value' ? z : 1 / (1 + Math.exp(-z))) - t;
    }
  }
  return total;
}

/** Strengths that are tried, for features whose rows have a mean squared length of 1. */
export const GRID = [0.1, 1, 10, 100, 1000] as const;
const FOLDS = 5;
/** How near to its end a head is solved that is measured only. */
const ROUGHLY = { tolerance: 1e-3, maxIterations: 100 };
/** Rows that C is chosen on at most. */
const MOST_ROWS = 2000;

export interface Choice {
  C: number;
  /** Of the held-out rows: the share that is right, of classes alone, and the mean loss. */
  accuracy?: number;
  loss: number;
}

export interface ChosenHead extends SolvedHead {
  /** What cross-validation found for each C; empty where there were too few rows for it. */
  choices: Choice[];
  folds: number;
  /** Rows that it was done on. */
  rows: number;
}

/**
 * A head solved to its end, C chosen from the grid by stratified k-fold cross-validation on these rows: the highest
 * accuracy, of equal ones the lowest loss. Features are centred, and scaled by one number so that C means the same
 * for every model; both are folded into the head that is given back.
 * @param between called between two solutions; what it throws ends the work
 */
export async function chooseHead(
  problem: HeadProblem,
  between: () => Promise<void> = async () => {},
): Promise<ChosenHead> {
  const { width: D, bias: hasBias = true } = problem;
  const { features, mean, scale } = scaled(problem.features, D, hasBias);
  const { coordinates, basis } = inSpan(features, D);
  const R = basis.length;
  const whole = { ...problem, features: coordinates, width: R };
  const folds = foldsOf(whole);
  const rows = folds.reduce((n, fold) => n + fold.length, 0);
  const choices: Choice[] = folds.length < 2 ? [] : GRID.map((C) => ({ C, accuracy: 0, loss: 0 }));
  if (choices.length > 0)
    for (const held of folds) {
      const kept = take(whole, folds.filter((fold) => fold !== held).flat());
      const test = take(whole, held);
      let start: Head | undefined;
      for (const choice of choices) {
        await between();
        const head = solveHead(kept, choice.C, start, ROUGHLY);
        start = head;
        const { loss, right } = measure(test, head);
        choice.loss += loss / rows;
        choice.accuracy! += right / rows;
      }
    }
  if (problem.loss !== 'class') for (const choice of choices) delete choice.accuracy;
  const best = choices.reduce<Choice | undefined>((a, b) => (a && !isBetter(b, a) ? a : b), undefined);
  await between();
  const head = solveHead(whole, best?.C ?? 1);
  const weight = new Float64Array(head.bias.length * D);
  for (let k = 0; k < head.bias.length; k++)
    for (const [r, axis] of basis.entries())
      for (let j = 0; j < D; j++) weight[k * D + j]! += (head.weight[k * R + r]! * axis[j]!) / scale;
  const bias = head.bias.map((b, k) => b - product(mean, weight.subarray(k * D, (k + 1) * D)));
  return { ...head, weight, bias, choices, folds: folds.length, rows };
}

const isBetter = (a: Choice, b: Choice): boolean =>
  a.accuracy === b.accuracy || Math.abs((a.accuracy ?? 0) - (b.accuracy ?? 0)) < 1e-9
    ? a.loss < b.loss
    : (a.accuracy ?? 0) > (b.accuracy ?? 0);

/** Centred where a bias can take the mean up again, and of a mean squared length of 1. */
function scaled(given: Float32Array | Float64Array, D: number, hasBias: boolean) {
  const N = given.length / D;
  const mean = new Float64Array(D);
  if (hasBias)
    given.forEach((x, i) => {
      mean[i % D]! += x / N;
    });
  let squares = 0;
  given.forEach((x, i) => {
    squares += (x - mean[i % D]!) ** 2;
  });
  const scale = Math.sqrt(squares / N) || 1;
  return { features: Float64Array.from(given, (x, i) => (x - mean[i % D]!) / scale), mean, scale };
}

/**
 * Rows in coordinates of their own span, where they are fewer than their dimensions: the penalty keeps weights in it, so
 * that the solution is the same, and costs as much less as the span is smaller. By Gram and Schmidt, each twice.
 */
function inSpan(features: Float64Array, D: number): { coordinates: Float64Array; basis: Float64Array[] } {
  const N = features.length / D;
  const axisOf = (j: number) => Float64Array.from({ length: D }, (_, i) => (i === j ? 1 : 0));
  if (N >= D) return { coordinates: features, basis: Array.from({ length: D }, (_, j) => axisOf(j)) };
  const basis: Float64Array[] = [];
  for (let row = 0; row < N; row++) {
    const rest = features.slice(row * D, (row + 1) * D);
    const before = Math.sqrt(product(rest, rest));
    for (let twice = 0; twice < 2; twice++)
      for (const axis of basis) {
        const by = product(axis, rest);
        for (let j = 0; j < D; j++) rest[j]! -= by * axis[j]!;
      }
    const length = Math.sqrt(product(rest, rest));
    if (length > 1e-7 * before) basis.push(rest.map((x) => x / length));
  }
  if (basis.length === 0) basis.push(axisOf(0));
  const coordinates = new Float64Array(N * basis.length);
  for (let row = 0; row < N; row++)
    for (const [r, axis] of basis.entries())
      coordinates[row * basis.length + r] = product(axis, features.subarray(row * D, (row + 1) * D));
  return { coordinates, basis };
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}

/** Rows dealt out class by class, so that each fold has its share of every class; those of one class are too few for folds. */
function foldsOf({ labels, loss, features, width, outputs }: HeadProblem): number[][] {
  const N = features.length / width;
  const order = Array.from({ length: N }, (_, row) => row);
  if (loss === 'class' || outputs === 1) order.sort((a, b) => labels[a]! - labels[b]! || a - b);
  const every = Math.max(1, Math.ceil(N / MOST_ROWS));
  const dealt = order.filter((_, i) => i % every === 0);
  const k = Math.min(FOLDS, Math.floor(dealt.length / 2));
  if (k < 2) return [];
  return Array.from({ length: k }, (_, fold) => dealt.filter((_, i) => i % k === fold));
}

function take(problem: HeadProblem, rows: readonly number[]): HeadProblem {
  const { features, width: D, labels, outputs, loss } = problem;
  const L = loss === 'class' ? 1 : outputs;
  const some = new Float64Array(rows.length * D);
  const its = new Float64Array(rows.length * L);
  for (const [i, row] of rows.entries()) {
    some.set(features.subarray(row * D, (row + 1) * D), i * D);
    for (let l = 0; l < L; l++) its[i * L + l] = labels[row * L + l]!;
  }
  return { ...problem, features: some, labels: its };
}

function measure(problem: HeadProblem, head: Head): { loss: number; right: number } {
  const { features, width, outputs: K, loss: kind, labels } = problem;
  const logits = headLogits(features, width, head);
  let right = 0;
  if (kind === 'class')
    for (let row = 0; row < labels.length; row++) {
      let best = 0;
      for (let k = 1; k < K; k++) if (logits[row * K + k]! > logits[row * K + best]!) best = k;
      if (best === labels[row]) right++;
    }
  return { loss: losses(kind, K, targetsOf({ ...problem, smoothing: 0, classWeights: null }), logits), right };
}
