/** What is made small: writes its gradient at a point, and gives its value there. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

export interface Minimum {
  x: Float64Array;
  value: number;
  iterations: number;
  /** Largest absolute value of the gradient. */
  gradient: number;
  /** Whether the gradient became as small as asked. */
  converged: boolean;
}

export interface LbfgsOptions {
  /** Steps that the curvature is estimated from. */
  memory?: number;
  maxIterations?: number;
  /** Largest absolute value of the gradient with which it ends. */
  tolerance?: number;
}

/** Of Wolfe's two conditions, as Nocedal & Wright give them for quasi-Newton methods (3.1). */
const SUFFICIENT_DECREASE = 1e-4;
const CURVATURE = 0.9;
const MOST_TRIALS = 40;

/**
 * Minimises a smooth function by L-BFGS (Nocedal & Wright 2006, algorithms 7.4 and 7.5), with a line search for
 * Wolfe's conditions.
 * @param x where it starts; stays as it is
 */
export function minimize(
  objective: Objective,
  start: Float64Array,
  { memory = 10, maxIterations = 1000, tolerance = 1e-6 }: LbfgsOptions = {},
): Minimum {
  const n = start.length;
  let x: Float64Array = Float64Array.from(start);
  let gradient: Float64Array = new Float64Array(n);
  let value = objective(x, gradient);
  const history: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  let iterations = 0;
  for (; iterations < maxIterations && largestOf(gradient) > tolerance; iterations++) {
    let direction = descent(gradient, history);
    let slope = dot(gradient, direction);
    if (!(slope < 0)) {
      // Rounding has spoilt the curvature: begin again with steepest descent.
      history.length = 0;
      direction = gradient.map((g) => -g);
      slope = dot(gradient, direction);
    }
    const first = history.length === 0 ? Math.min(1, 1 / Math.sqrt(-slope)) : 1;
    const next = search(objective, x, value, slope, direction, first);
    // No lower point can be told apart from this one in double precision.
    if (next === null) break;
    const s = next.x.map((v, i) => v - x[i]!);
    const y = next.gradient.map((g, i) => g - gradient[i]!);
    const sy = dot(s, y);
    if (sy > 0) history.push({ s, y, rho: 1 / sy });
    if (history.length > memory) history.shift();
    ({ x, value, gradient } = next);
  }
  const largest = largestOf(gradient);
  return { x, value, iterations, gradient: largest, converged: largest <= tolerance };
}

/** Algorithm 7.4: the inverse Hessian, as far as the history tells it, times the negative gradient. */
function descent(gradient: Float64Array, history: readonly { s: Float64Array; y: Float64Array; rho: number }[]) {
  const q = gradient.map((g) => -g);
  const alphas = history.map(() => 0);
  for (let i = history.length - 1; i >= 0; i--) {
    const { s, y, rho } = history[i]!;
    alphas[i] = rho * dot(s, q);
    add(q, y, -alphas[i]!);
  }
  const last = history.at(-1);
  if (last) {
    const scale = 1 / (last.rho * dot(last.y, last.y));
    for (let i = 0; i < q.length; i++) q[i]! *= scale;
  }
  for (const [i, { s, y, rho }] of history.entries()) add(q, s, alphas[i]! - rho * dot(y, q));
  return q;
}

interface Point {
  x: Float64Array;
  value: number;
  gradient: Float64Array;
}

/** Bisection for Wolfe's conditions (Lewis & Overton 2013, algorithm 2.6); null where no step lowers the value. */
function search(
  objective: Objective,
  x: Float64Array,
  value: number,
  slope: number,
  direction: Float64Array,
  first: number,
): Point | null {
  let [low, high] = [0, Number.POSITIVE_INFINITY];
  let step = first;
  let lowest: Point | null = null;
  for (let trial = 0; trial < MOST_TRIALS; trial++) {
    const there = x.map((v, i) => v + step * direction[i]!);
    const gradient = new Float64Array(x.length);
    const point = { x: there, value: objective(there, gradient), gradient };
    if (!(point.value <= value + SUFFICIENT_DECREASE * step * slope)) high = step;
    else if (dot(gradient, direction) < CURVATURE * slope) {
      low = step;
      lowest = point;
    } else return point;
    step = Number.isFinite(high) ? (low + high) / 2 : 2 * step;
  }
  return lowest !== null && lowest.value < value ? lowest : null;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function add(to: Float64Array, x: Float64Array, by: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += by * x[i]!;
}

function largestOf(x: Float64Array): number {
  let largest = 0;
  for (const v of x) if (!(Math.abs(v) <= largest)) largest = Math.abs(v);
  return largest;
}
