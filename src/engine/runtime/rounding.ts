import type { Layout } from '../models/scope.ts';
import { type EightBitMatrix, FULL_RANGE, quantizeColumns, quantizeTransposed } from '../tensor/executors/eight-bit.ts';
import { factorsOf, type Range, type Rounding, stepOf } from '../tensor/executors/executor.ts';

/** What was seen of a layer's input `[rows, K]`, K numbers each. */
export interface InputColumns {
  /** 0 or below. */
  low: Float32Array;
  /** 0 or above. */
  high: Float32Array;
  sum: Float32Array;
  squares: Float32Array;
  rows: number;
}

/** What was seen in two batches. */
export const together = (a: InputColumns, b: InputColumns): InputColumns => ({
  low: a.low.map((x, k) => Math.min(x, b.low[k]!)),
  high: a.high.map((x, k) => Math.max(x, b.high[k]!)),
  sum: a.sum.map((x, k) => x + b.sum[k]!),
  squares: a.squares.map((x, k) => x + b.squares[k]!),
  rows: a.rows + b.rows,
});

/** The weight of a linear layer with K inputs and N outputs. */
export interface LinearWeight {
  data: Float32Array;
  layout: Layout;
  inputs: number;
  outputs: number;
}

/** Exponents that are tried. */
const ALPHAS = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/** How many columns are computed in float at most. */
const MOST_APART = 4;
/** What makes a layer slower must bring the expected square of its error below this share. */
const WORTH = 0.7;
const TINY = 1e-6;

/**
 * How to round what goes into layers, by what was seen of it. A few columns that are much larger than the others would make
 * all numbers coarse. Either columns are divided, and their weights multiplied, by `max|X_k|^α / max|W_k|^(1 − α)`
 * (SmoothQuant, Xiao et al. 2022), or the few are computed in float (LLM.int8(), Dettmers et al. 2022). The first passes
 * over all inputs once more, the second over all outputs, so it is what there are fewer of. How far is decided by the
 * expected error, where the errors of rounding are independent of each other and even within a step.
 * @param weights of the layers that read it
 */
export function chooseRounding(seen: InputColumns, weights: readonly LinearWeight[]): Rounding {
  const perColumn = weights.map(columnsOf);
  const magnitudes = seen.low.map((low, k) => Math.max(-low, seen.high[k]!, TINY));
  const errorOf = (how: Pick<Rounding, 'columns' | 'apart'>) => {
    const rounding: Rounding = { range: rangeOf(seen, how), ...how };
    return { rounding, error: expectedError(seen, weights, perColumn, rounding) };
  };
  const plain = errorOf({});
  const outputs = weights.reduce((sum, weight) => sum + weight.outputs, 0);
  const tried =
    outputs < magnitudes.length
      ? largestFirst(magnitudes)
          .slice(0, MOST_APART)
          .map((_, i, order) => errorOf({ apart: Int32Array.from(order.slice(0, i + 1)).sort() }))
      : ALPHAS.map((alpha) => errorOf({ columns: levelled(magnitudes, perColumn, alpha) }));
  const best = tried.reduce((a, b) => (b.error < a.error ? b : a));
  return (best.error < WORTH * plain.error ? best : plain).rounding;
}

const largestFirst = (values: Float32Array): number[] =>
  Array.from(values.keys()).sort((a, b) => values[b]! - values[a]!);

/** What columns are divided by; scaled to a geometric mean of 1, since only their ratios matter. */
function levelled(magnitudes: Float32Array, perColumn: readonly WeightColumns[], alpha: number): Float32Array {
  const columns = magnitudes.map((x, k) => {
    const largest = perColumn.reduce((most, { largest }) => Math.max(most, largest[k]!), TINY);
    return x ** alpha / largest ** (1 - alpha);
  });
  const mean = Math.exp(columns.reduce((sum, x) => sum + Math.log(x), 0) / columns.length);
  return columns.map((x) => x / mean);
}

function rangeOf({ low, high }: InputColumns, { columns, apart }: Pick<Rounding, 'columns' | 'apart'>): Range {
  let [lowest, highest] = [0, 0];
  for (let k = 0; k < low.length; k++) {
    if (apart?.includes(k)) continue;
    const column = columns?.[k] ?? 1;
    lowest = Math.min(lowest, low[k]! / column);
    highest = Math.max(highest, high[k]! / column);
  }
  return [lowest, highest];
}

/** Of each column of inputs the largest magnitude and the sum of squares of its weights. */
interface WeightColumns {
  largest: Float32Array;
  squares: Float32Array;
}

function columnsOf(weight: LinearWeight): WeightColumns {
  const [largest, squares] = [new Float32Array(weight.inputs), new Float32Array(weight.inputs)];
  eachWeight(weight, (x, k) => {
    largest[k] = Math.max(largest[k]!, Math.abs(x));
    squares[k]! += x * x;
  });
  return { largest, squares };
}

function eachWeight({ data, layout, inputs, outputs }: LinearWeight, see: (x: number, k: number, n: number) => void) {
  if (layout === 'out,in')
    for (let n = 0, i = 0; n < outputs; n++) for (let k = 0; k < inputs; k++, i++) see(data[i]!, k, n);
  else for (let k = 0, i = 0; k < inputs; k++) for (let n = 0; n < outputs; n++, i++) see(data[i]!, k, n);
}

/** Expected square of the error of a row's outputs, of all layers together. */
function expectedError(
  { sum, squares, rows }: InputColumns,
  weights: readonly LinearWeight[],
  perColumn: readonly WeightColumns[],
  rounding: Rounding,
): number {
  const step = stepOf(rounding.range);
  const factors = factorsOf(rounding, sum.length);
  let error = 0;
  for (const [i, weight] of weights.entries()) {
    // Rounded with a scale for each output.
    const scales = new Float32Array(weight.outputs);
    eachWeight(weight, (x, k, n) => {
      scales[n] = Math.max(scales[n]!, (Math.abs(x) * (factors?.[k] ?? 1)) / FULL_RANGE);
    });
    const ofWeights = scales.reduce((all, scale) => all + scale * scale, 0) / 12;
    for (let k = 0; k < weight.inputs; k++) {
      const column = factors?.[k] ?? 1;
      if (column === 0) continue;
      const square = squares[k]! / rows;
      // A column that varies by less than a step loses no more than that; on average, it is shifted back.
      const variance = Math.max(0, square - (sum[k]! / rows) ** 2);
      const ofInputs = Math.min((step * column) ** 2 / 12, variance);
      error += ofInputs * perColumn[i]!.squares[k]! + (square / column ** 2) * ofWeights;
    }
  }
  return error;
}

/**
 * What rounding takes from each output on average: what is added to them.
 * @param drift of the inputs, summed over the rows that were seen
 * @param rounded the weight as it is in 8 bits, `[K, N]`
 */
export function shiftOf(
  { sum, rows }: InputColumns,
  drift: Float32Array,
  weight: LinearWeight,
  rounding: Rounding,
  { values, scales }: EightBitMatrix,
): Float32Array {
  const factors = factorsOf(rounding, weight.inputs);
  const shift = new Float64Array(weight.outputs);
  eachWeight(weight, (x, k, n) => {
    const factor = factors?.[k] ?? 1;
    if (factor === 0) return;
    const narrow = (values[k * weight.outputs + n]! * scales[n]!) / factor;
    shift[n]! += sum[k]! * x - (sum[k]! + drift[k]!) * narrow;
  });
  return Float32Array.from(shift, (x) => x / rows);
}

/** The weight of a layer that rounds so, as `shiftOf` takes it. */
export function narrowed({ data, layout, inputs, outputs }: LinearWeight, rounding: Rounding): EightBitMatrix {
  const factors = factorsOf(rounding, inputs);
  return layout === 'out,in'
    ? quantizeTransposed(data, inputs, FULL_RANGE, factors)
    : quantizeColumns(data, outputs, FULL_RANGE, factors);
}
