import { GELU } from '../ops/gelu.ts';
import { LAYER_NORM } from '../ops/layer-norm.ts';
import { LINEAR } from '../ops/linear.ts';
import { MATMUL } from '../ops/matmul.ts';
import type { KernelRule } from './kernels.ts';

type FusedOp = typeof LINEAR | typeof MATMUL | typeof LAYER_NORM | typeof GELU;

/** Our own ops that onnxruntime does in one node. All others are recorded as what they are composed of. */
export const FUSED_RULES: Readonly<Record<FusedOp, KernelRule>> = {
  [LINEAR]: (r, { x, weight, bias }) => r.emit('Gemm', [x!, weight!, bias!], { transB: 1 }),
  [MATMUL]: (r, { a, b }, { transposeA, transposeB, alpha }) =>
    transposeA || transposeB || alpha !== 1
      ? r.emit(
          'FusedMatMul',
          [a!, b!],
          { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0, alpha: { float: alpha as number } },
          'com.microsoft',
        )
      : r.emit('MatMul', [a!, b!]),
  [LAYER_NORM]: (r, { x, gamma, beta }, { epsilon }) =>
    r.emitAll('LayerNormalization', [x!, gamma!, beta!], { axis: -1, epsilon: { float: epsilon as number } }, '', 3),
  [GELU]: (r, { x }) => r.emit('Gelu', [x!], {}, 'com.microsoft'),
};
