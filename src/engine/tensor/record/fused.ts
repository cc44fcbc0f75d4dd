import { PICK, type Pick, PUT, type Put } from '../ops/along-rows.ts';
import { columnWords, DROPOUT_SCALES, type DropoutScales, dropLimit, FOLD, keptScale } from '../ops/dropout-scales.ts';
import { ROW_NORMS, type RowNorms, SCALED_SQUARE, type ScaledSquare } from '../ops/flat.ts';
import { GELU, type Gelu } from '../ops/gelu.ts';
import { HEAD_DOTS, type HeadDots } from '../ops/head-dots.ts';
import { LAYER_NORM, type LayerNorm } from '../ops/layer-norm.ts';
import { LINEAR, type Linear } from '../ops/linear.ts';
import { MATMUL, type MatMul } from '../ops/matmul.ts';
import type { Recording } from './recording.ts';
import type { Kernel, Rules } from './rule.ts';

interface FusedOps {
  [LINEAR]: Linear;
  [MATMUL]: MatMul;
  [LAYER_NORM]: LayerNorm;
  [GELU]: Gelu;
  [HEAD_DOTS]: HeadDots;
  [PICK]: Pick;
  [PUT]: Put;
  [DROPOUT_SCALES]: DropoutScales;
  [SCALED_SQUARE]: ScaledSquare;
  [ROW_NORMS]: RowNorms;
}

/** Ops of ours as kernels, by what they are defined with. */
type FusedKernels = {
  readonly [Name in keyof FusedOps]: Kernel<FusedOps[Name]['inputs'], FusedOps[Name]['attributes']>;
};

const column = (r: Recording, x: string): string => r.emit('Reshape', [x, r.ints([r.typeOf(x).shape[0]!, 1])]);

/** Our own ops that onnxruntime does in one node, or tfjs has no ops for. All others are recorded as what they are composed of. */
export const FUSED_RULES: Rules<FusedKernels> = {
  [LINEAR]: (r, { x, weight, bias }) => r.emit('Gemm', [x, weight, bias], { transB: 1 }),
  [MATMUL]: (r, { a, b }, { transposeA, transposeB, alpha }) =>
    transposeA || transposeB || alpha !== 1
      ? r.emit('FusedMatMul', [a, b], {
          transA: transposeA ? 1 : 0,
          transB: transposeB ? 1 : 0,
          alpha: { float: alpha },
        })
      : r.emit('MatMul', [a, b]),
  [LAYER_NORM]: (r, { x, gamma, beta }, { epsilon }) =>
    r.emitAll(3, 'LayerNormalization', [x, gamma, beta], { axis: -1, epsilon: { float: epsilon } }),
  [GELU]: (r, { x }) => r.emit('Gelu', [x]),
  [HEAD_DOTS]: (r, { a, b }) => r.emit('Einsum', [a, b], { equation: 'rtad,rtad->rat' }),
  [PICK]: (r, { x, columns }) => {
    const picked = r.emit('GatherElements', [x, column(r, columns)], { axis: 1 });
    return r.emit('Reshape', [picked, r.ints(r.typeOf(columns).shape)]);
  },
  [PUT]: (r, { x, columns, values }) =>
    r.emit('ScatterElements', [x, column(r, columns), column(r, values)], { axis: 1 }),
  [DROPOUT_SCALES]: (r, { words }, { columns, rate }) => {
    const places = r.constant({ shape: [columns], dtype: 'int32', data: columnWords(columns) });
    const sum = r.emit('Add', [words, places]);
    const square = r.emit('Mul', [sum, sum]);
    const folded = r.emit('Add', [square, r.emit('Div', [square, r.scalar(FOLD, 'int32')])]);
    const number = r.emit('Mul', [folded, folded]);
    const kept = r.emit('GreaterOrEqual', [number, r.scalar(dropLimit(rate), 'int32')]);
    return r.emit('Where', [kept, r.scalar(keptScale(rate)), r.scalar(0)]);
  },
  [SCALED_SQUARE]: (r, { x, factor }) => {
    const axes = r
      .typeOf(x)
      .shape.map((_, axis) => String.fromCharCode('a'.charCodeAt(0) + axis))
      .join('');
    return r.emit('Einsum', [x, x, factor, factor], { equation: `${axes},${axes},,->${axes}` });
  },
  [ROW_NORMS]: (r, { x }) => r.emit('ReduceL2', [x, r.ints([r.typeOf(x).shape.length - 1])], { keepdims: 0 }),
};
