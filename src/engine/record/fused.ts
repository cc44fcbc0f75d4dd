import { GELU } from '../ops/gelu.ts';
import { LAYER_NORM } from '../ops/layer-norm.ts';
import { LINEAR } from '../ops/linear.ts';
import { MATMUL, type MatMulOptions } from '../ops/matmul.ts';
import type { Kernel, Rules } from './rule.ts';

interface FusedKernels {
  [LINEAR]: Kernel<'x' | 'weight' | 'bias'>;
  [MATMUL]: Kernel<'a' | 'b', Required<MatMulOptions>>;
  [LAYER_NORM]: Kernel<'x' | 'gamma' | 'beta', { epsilon: number }>;
  [GELU]: Kernel<'x'>;
}

/** Our own ops that onnxruntime does in one node. All others are recorded as what they are composed of. */
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
};
