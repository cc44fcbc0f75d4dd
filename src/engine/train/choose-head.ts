import { headLosses } from './head-loss.ts';
import { type HeadProblem, HeadProducts } from './head-products.ts';
import { type Head, headLogits, preconditioner, type SolvedHead, type SolveOptions, solveHead } from './solve-head.ts';

/** Strengths that are tried, for features whose rows have a mean squared length of 1. */
export const GRID = [0.1, 1, 10, 100, 1000] as const;
const FOLDS = 5;
/** How near to its end a head is solved that is measured only: ten times as near as scikit-learn solves any. */
const ROUGHLY = { tolerance: 1e-5, maxIterations: 100 };
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
 * @param between called many times while it is solved; what it throws ends the work
 */
export async function chooseHead(
  given: HeadProblem,
  between: () => Promise<void> = async () => {},
): Promise<ChosenHead> {
  const { width: D, outputs: K } = given;
  const centre = centreOf(given);
  const { mean, scale } = centre;
  const { problem, basis } = inSpan({ ...given, centre });
  const products = new HeadProducts(problem);
  const solve = (some: HeadProblem, C: number, options: SolveOptions) =>
    solveHead(some, C, { products, between, ...options });
  const { folds, alone } = foldsOf(problem);
  const rows = folds.reduce((n, fold) => n + fold.length, 0);
  const choices: Choice[] = folds.length < 2 ? [] : GRID.map((C) => ({ C, accuracy: 0, loss: 0 }));
  // Of one fold's rows for all of them: they have most rows in common, and only the way to the solution depends on it.
  const preconditioners = new Map<number, Float64Array | null>();
  const starts = new Map<number, SolvedHead>();
  let gram: Float64Array | null = null;
  if (choices.length > 0)
    for (const held of folds) {
      const kept = take(problem, [...folds.filter((fold) => fold !== held), alone].flat());
      const test = take(problem, held);
      gram ??= products.gram(kept);
      let start: SolvedHead | undefined;
      for (const choice of choices) {
        await between();
        const { C } = choice;
        if (!preconditioners.has(C)) preconditioners.set(C, preconditioner(products, kept, gram, C, start));
        start = await solve(kept, C, { ...ROUGHLY, start, preconditioner: preconditioners.get(C) });
        starts.set(C, start);
        const { loss, right } = measure(test, start);
        choice.loss += loss / rows;
        choice.accuracy! += right / rows;
      }
    }
  if (given.loss !== 'class') for (const choice of choices) delete choice.accuracy;
  const best = choices.reduce<Choice | undefined>((a, b) => (a && !isBetter(b, a) ? a : b), undefined);
  await between();
  const C = best?.C ?? 1;
  const head = await solve(problem, C, { start: starts.get(C) });
  const weight = basis === null ? head.weight : new Float64Array(K * D);
  for (let k = 0; k < K; k++) {
    const row = weight.subarray(k * D, (k + 1) * D);
    if (basis !== null)
      for (const [r, axis] of basis.entries())
        for (let j = 0; j < D; j++) row[j]! += head.weight[k * basis.length + r]! * axis[j]!;
    for (let j = 0; j < D; j++) row[j]! /= scale;
    head.bias[k]! -= product(mean, row);
  }
  return { ...head, weight, choices, folds: folds.length, rows };
}

const isBetter = (a: Choice, b: Choice): boolean =>
  a.accuracy === b.accuracy || Math.abs((a.accuracy ?? 0) - (b.accuracy ?? 0)) < 1e-9
    ? a.loss < b.loss
    : (a.accuracy ?? 0) > (b.accuracy ?? 0);

/** The mean, where a bias can take it up again, and by what the rows then have a mean squared length of 1. */
function centreOf({ features, width: D, bias = true }: HeadProblem): { mean: Float64Array; scale: number } {
  const N = features.length / D;
  const mean = new Float64Array(D);
  if (bias) {
    for (let at = 0; at < features.length; at += D) for (let j = 0; j < D; j++) mean[j]! += features[at + j]!;
    for (let j = 0; j < D; j++) mean[j]! /= N;
  }
  let squares = 0;
  for (let at = 0; at < features.length; at += D)
    for (let j = 0; j < D; j++) squares += (features[at + j]! - mean[j]!) ** 2;
  return { mean, scale: Math.sqrt(squares / N) || 1 };
}

/**
 * Rows in coordinates of their own span, where they are at most half as many as their dimensions: the penalty keeps
 * weights in it, so that the solution is the same, and costs as much less as the span is smaller. By Gram and Schmidt,
 * each twice.
 */
function inSpan(given: HeadProblem): { problem: HeadProblem; basis: Float64Array[] | null } {
  const { width: D } = given;
  const N = given.features.length / D;
  if (N > D / 2) return { problem: given, basis: null };
  const whole = take(
    given,
    Array.from({ length: N }, (_, row) => row),
  );
  const { features } = whole;
  const basis: Float64Array[] = [];
  for (let row = 0; row < N; row++) {
    const rest = Float64Array.from(features.subarray(row * D, (row + 1) * D));
    const before = Math.sqrt(product(rest, rest));
    for (let twice = 0; twice < 2; twice++)
      for (const axis of basis) {
        const by = product(axis, rest);
        for (let j = 0; j < D; j++) rest[j]! -= by * axis[j]!;
      }
    const length = Math.sqrt(product(rest, rest));
    if (length > 1e-7 * before) basis.push(rest.map((x) => x / length));
  }
  if (basis.length === 0) basis.push(Float64Array.from({ length: D }, (_, j) => (j === 0 ? 1 : 0)));
  const coordinates = new Float64Array(N * basis.length);
  for (let row = 0; row < N; row++)
    for (const [r, axis] of basis.entries())
      coordinates[row * basis.length + r] = product(axis, features.subarray(row * D, (row + 1) * D));
  return { problem: { ...whole, features: coordinates, width: basis.length }, basis };
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}

/**
 * Rows dealt out class by class, so that each fold has its share of every class; those of one class are too few for folds.
 * Rows that are fitted alone are in none.
 */
function foldsOf(problem: HeadProblem): { folds: number[][]; alone: number[] } {
  const { labels, loss, features, width, outputs, fittedAlone = 0 } = problem;
  const N = features.length / width;
  const own = N - fittedAlone;
  const alone = Array.from({ length: fittedAlone }, (_, i) => own + i);
  const order = Array.from({ length: own }, (_, row) => row);
  if (loss === 'class' || outputs === 1) order.sort((a, b) => labels[a]! - labels[b]! || a - b);
  const every = Math.max(1, Math.ceil(own / MOST_ROWS));
  const dealt = order.filter((_, i) => i % every === 0);
  const k = Math.min(FOLDS, Math.floor(dealt.length / 2));
  const folds = k < 2 ? [] : Array.from({ length: k }, (_, fold) => dealt.filter((_, i) => i % k === fold));
  return { folds, alone };
}

/** Some of the rows, as the head reads them. */
function take({ centre, ...problem }: HeadProblem, rows: readonly number[]): HeadProblem & { features: Float64Array } {
  const { features, width: D, labels, outputs, loss } = problem;
  const mean = centre?.mean ?? new Float64Array(D);
  const scale = centre?.scale ?? 1;
  const L = loss === 'class' ? 1 : outputs;
  const some = new Float64Array(rows.length * D);
  const its = new Float64Array(rows.length * L);
  for (const [i, row] of rows.entries()) {
    for (let j = 0; j < D; j++) some[i * D + j] = (features[row * D + j]! - mean[j]!) / scale;
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
  return { loss: headLosses({ ...problem, smoothing: 0, classWeights: null }, 0, logits, K).loss, right };
}
