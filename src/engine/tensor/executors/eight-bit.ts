import type * as Ort from 'onnxruntime-node';
import type { Graph } from '../graph/ir.ts';
import { writeOnnx } from '../graph/onnx.ts';
import { DENORMAL_AS_ZERO, type OnnxRuntime } from './onnxruntime-library.ts';

/** A matrix in 8 bits: column c of it is `values · scales[c]`. */
export interface EightBitMatrix {
  readonly values: Int8Array;
  readonly scales: Float32Array;
}

/**
 * The nearest 8-bit matrix to `[rows, columns]`, symmetric, with a scale for each column.
 * @param range largest magnitude of a value, at most 127
 * @param factors what each row is multiplied by before
 */
export function quantizeColumns(
  given: Float32Array,
  columns: number,
  range: number,
  factors?: Float32Array,
): EightBitMatrix {
  const matrix = factors ? given.map((x, i) => x * factors[Math.floor(i / columns)]!) : given;
  const largest = new Float32Array(columns);
  for (let i = 0, c = 0; i < matrix.length; i++) {
    const magnitude = Math.abs(matrix[i]!);
    if (magnitude > largest[c]!) largest[c] = magnitude;
    if (++c === columns) c = 0;
  }
  // A column of zeros has any scale.
  const scales = largest.map((x) => x / range || 1);
  const inverse = scales.map((scale) => 1 / scale);
  const values = new Int8Array(matrix.length);
  for (let i = 0, c = 0; i < matrix.length; i++) {
    values[i] = Math.round(matrix[i]! * inverse[c]!);
    if (++c === columns) c = 0;
  }
  return { values, scales };
}

/**
 * The same of the transposed matrix, `[columns, rows]`, with a scale for each row of the given one.
 * @param factors what each column of the given one, a row of the transposed, is multiplied by before
 */
export function quantizeTransposed(
  given: Float32Array,
  columns: number,
  range: number,
  factors?: Float32Array,
): EightBitMatrix {
  const matrix = factors ? given.map((x, i) => x * factors[i % columns]!) : given;
  const rows = matrix.length / columns;
  const scales = new Float32Array(rows);
  const values = new Int8Array(matrix.length);
  for (let r = 0; r < rows; r++) {
    const row = matrix.subarray(r * columns, (r + 1) * columns);
    let largest = 0;
    for (const x of row) largest = Math.max(largest, Math.abs(x));
    scales[r] = largest / range || 1;
  }
  // Sixteen rows at a time: a line of memory of the result is then written at once.
  for (let first = 0; first < rows; first += 16) {
    const end = Math.min(rows, first + 16);
    for (let c = 0; c < columns; c++) {
      for (let r = first; r < end; r++) values[c * rows + r] = Math.round(matrix[r * columns + c]! / scales[r]!);
    }
  }
  return { values, scales };
}

interface Form {
  factors: Float32Array | undefined;
  matrix: EightBitMatrix;
}

/** The 8-bit forms of weights that do not change, each made once, whatever graphs use it. */
export class EightBitWeights {
  readonly #range: number;
  readonly #known = new WeakMap<Float32Array, Map<boolean, Form>>();

  /** @param range as `eightBitRange` finds it */
  constructor(range: number) {
    this.#range = range;
  }

  /**
   * @param columns of the float weight
   * @param factors as quantizeColumns and quantizeTransposed take them; with others than last time it is made again
   */
  of(weight: Float32Array, columns: number, transposed: boolean, factors?: Float32Array): EightBitMatrix {
    const forms = this.#known.get(weight) ?? new Map<boolean, Form>();
    this.#known.set(weight, forms);
    const known = forms.get(transposed);
    if (known && known.factors === factors) return known.matrix;
    const quantize = transposed ? quantizeTransposed : quantizeColumns;
    const matrix = quantize(weight, columns, this.#range, factors);
    forms.set(transposed, { factors, matrix });
    return matrix;
  }
}

const ROWS = 8;
const INNER = 64;
/** Largest magnitude of a weight in 8 bits, where nothing saturates. */
export const FULL_RANGE = 127;

/**
 * Largest magnitude of a weight that this processor multiplies right: 127, or 63 where its instructions add two products
 * in 16 bits that saturate (x86 without VNNI; onnxruntime's documentation of quantisation calls it reduce_range).
 */
export async function eightBitRange(ort: OnnxRuntime): Promise<number> {
  const graph: Graph = {
    inputs: ['a'],
    outputs: new Map([['y', 'y']]),
    constants: new Map([
      ['b', { shape: [INNER, ROWS], dtype: 'int8', data: new Int8Array(INNER * ROWS).fill(FULL_RANGE) }],
      ['scale', { shape: [ROWS], dtype: 'float32', data: new Float32Array(ROWS).fill(1) }],
    ]),
    types: new Map([
      ['a', { shape: [ROWS, INNER], dtype: 'float32' }],
      ['y', { shape: [ROWS, ROWS], dtype: 'float32' }],
    ]),
    nodes: [
      {
        op: 'DynamicQuantizeMatMul',
        inputs: ['a', 'b', 'scale'],
        outputs: ['y'],
        attributes: {},
      },
    ],
  };
  const session = await ort.InferenceSession.create(writeOnnx(graph), {
    ...{ intraOpNumThreads: 1, logSeverityLevel: 3 },
    extra: { session: DENORMAL_AS_ZERO },
  });
  const a = new ort.Tensor('float32', new Float32Array(ROWS * INNER).fill(1), [ROWS, INNER]);
  const { y } = await session.run({ a });
  await session.release();
  const sum = ((y as Ort.Tensor).data as Float32Array)[0]!;
  return sum > 0.99 * FULL_RANGE * INNER ? FULL_RANGE : 63;
}
