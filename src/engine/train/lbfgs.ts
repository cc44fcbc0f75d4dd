/** What is made small, at a point. */
export interface Value {
  value: number;
  /** How steep it is there: what is compared with the tolerance. */
  slope: number;
}

/** Writes its gradient at a point, and gives its value there. */
export type Objective = (x: Float64Array, gradient: Float64Array) => Promise<Value>;

export interface Minimum extends Value {
  x: Float64Array;
  iterations: number;
  /** Whether it became as flat as asked. */
  converged: boolean;
}

export interface LbfgsOptions {
  /** Steps that the curvature is estimated from. */
  memory?: number;
  maxIterations?: number;
  /** Slope with which it ends. */
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
export async function minimize(
  objective: Objective,
  start: Float64Array,
  { memory = 10, maxIterations = 1000, tolerance = 1e-6 }: LbfgsOptions = {},
): Promise<Minimum> {
  const n = start.length;
  let x: Float64Array = Float64Array.from(start);
  let gradient: Float64Array = new Float64Array(n);
  let { value, slope: steepness } = await objective(x, gradient);
  const history: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  let iterations = 0;
  for (; iterations < maxIterations && steepness > tolerance; iterations++) {
    let direction = descent(gradient, history);
    let slope = dot(gradient, direction);
    if (!(slope < 0)) {
      // Rounding has spoilt the curvature: begin again with steepest descent.
      history.length = 0;
      direction = difference(new Float64Array(n), gradient);
      slope = dot(gradient, direction);
    }
    const first = history.length === 0 ? Math.min(1, 1 / Math.sqrt(-slope)) : 1;
    const next = await search(objective, x, value, slope, direction, first);
    // No lower point can be told apart from this one in double precision.
    if (next === null) break;
    const s = difference(next.x, x);
    const y = difference(next.gradient, gradient);
    const sy = dot(s, y);
    if (sy > 0) history.push({ s, y, rho: 1 / sy });
    if (history.length > memory) history.shift();
    ({ x, value, gradient, slope: steepness } = next);
  }
  return { x, value, slope: steepness, iterations, converged: steepness <= tolerance };
}

/** Algorithm 7.4: the inverse Hessian, as far as the history tells it, times the negative gradient. */
function descent(gradient: Float64Array, history: readonly { s: Float64Array; y: Float64Array; rho: number }[]) {
  const q = difference(new Float64Array(gradient.length), gradient);
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

interface Point extends Value {
  x: Float64Array;
  gradient: Float64Array;
}

/** Bisection for Wolfe's conditions (Lewis & Overton 2013, algorithm 2.6); null where no step lowers the value. */
async function search(
  objective: Objective,
  x: Float64Array,
  value: number,
  slope: number,
  direction: Float64Array,
  first: number,
): Promise<Point | null> {
  let [low, high] = [0, Number.POSITIVE_INFINITY];
  let step = first;
  let lowest: Point | null = null;
  for (let trial = 0; trial < MOST_TRIALS; trial++) {
    const there = x.slice();
    add(there, direction, step);
    const gradient = new Float64Array(x.length);
    const point = { x: there, gradient, ...(await objective(there, gradient)) };
    if (!(point.value <= value + SUFFICIENT_DECREASE * step * slope)) high = step;
    else if (dot(gradient, direction) < CURVATURE * slope) {
      low = step;
      lowest = point;
    } else return point;
    step = Number.isFinite(high) ? (low + high) / 2 : 2 * step;
  }
  return lowest !== null && lowest.value < value ? lowest : null;
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  const result = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = a[i]! - b[i]!;
  return result;
}

function dot(a: Float64Array, b: Float64Array): number {
  // Four sums at once: one would wait for each addition before the next.
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const end = a.length - 3;
  let i = 0;
  for (; i < end; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (; i < a.length; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + (s2 + s3);
}

function add(to: Float64Array, x: Float64Array, by: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += by * x[i]!;
}

/** Largest absolute value; NaN where one is. */
export function largestOf(x: Float64Array): number {
  let largest = 0;
  for (const v of x) if (!(Math.abs(v) <= largest)) largest = Math.abs(v);
  return largest;
}
