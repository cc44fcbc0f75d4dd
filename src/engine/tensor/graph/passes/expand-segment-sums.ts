import { elementCount, type Graph, type Node } from '../ir.ts';
import { ELEMENT_TYPE_NUMBER } from '../operators.ts';
import { Rewriter } from './rewriter.ts';

/**
 * Writes the segment sums that stay in a graph as a product with a one-hot matrix, `onehot(ids)ᵀ · x`: exact and free
 * of races. It costs segments × rows, so it is for sums in the middle of a graph; outputs are lifted before.
 */
export function expandSegmentSums(graph: Graph): Graph {
  if (!graph.nodes.some((n) => n.op === 'SegmentSum')) return graph;
  const r = new Rewriter(graph);
  for (const node of graph.nodes) {
    if (node.op === 'SegmentSum') expand(r, node);
    else r.keep(node);
  }
  return r.graph();
}

function expand(r: Rewriter, { inputs, outputs, attributes: { segments } }: Node<'SegmentSum'>): void {
  const [x, ids] = inputs as [string, string];
  const output = outputs[0]!;
  const { shape } = r.typeOf(x);
  const rows = shape[0]!;
  const width = elementCount(shape.slice(1));
  const at = (suffix: string) => `${output}.${suffix}`;
  const column = r.ints(at('column'), [rows, 1]);
  r.node('Reshape', [ids, column], r.value(at('ids'), { shape: [rows, 1], dtype: 'int32' }));
  const range = r.constant(at('range'), {
    shape: [1, segments],
    dtype: 'int32',
    data: Int32Array.from({ length: segments }, (_, i) => i),
  });
  r.node('Equal', [at('ids'), range], r.value(at('equal'), { shape: [rows, segments], dtype: 'bool' }));
  const oneHot = r.value(at('onehot'), { shape: [rows, segments], dtype: 'float32' });
  r.node('Cast', [at('equal')], oneHot, { to: ELEMENT_TYPE_NUMBER.float32 });
  const matrix = r.ints(at('matrix'), [rows, width]);
  r.node('Reshape', [x, matrix], r.value(at('x'), { shape: [rows, width], dtype: 'float32' }));
  const sum = r.value(at('sum'), { shape: [segments, width], dtype: 'float32' });
  r.node('FusedMatMul', [oneHot, at('x')], sum, { transA: 1, transB: 0 });
  r.node('Reshape', [sum, r.ints(at('shape'), r.typeOf(output).shape)], output);
}
