import type { Constant, ValueType } from '../ir.ts';
import { elementCount, type Graph, type Node, typeOf } from '../ir.ts';

/**
 * Writes the segment sums that stay in a graph as a product with a one-hot matrix, `onehot(ids)ᵀ · x`: exact and free
 * of races. It costs segments × rows, so it is for sums in the middle of a graph; outputs are lifted before.
 */
export function expandSegmentSums(graph: Graph): Graph {
  if (!graph.nodes.some((n) => n.op === 'SegmentSum')) return graph;
  const types = new Map(graph.types);
  const constants = new Map(graph.constants);
  const value = (name: string, type: ValueType) => {
    types.set(name, type);
    return name;
  };
  const constant = (name: string, c: Constant) => {
    constants.set(name, c);
    return value(name, { shape: c.shape, dtype: c.dtype });
  };
  const ints = (name: string, values: readonly number[]) =>
    constant(name, { shape: [values.length], dtype: 'int64', data: BigInt64Array.from(values, BigInt) });
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (node.op !== 'SegmentSum') return [node];
    const [x, ids] = node.inputs as [string, string];
    const output = node.outputs[0]!;
    const shape = typeOf(graph, x).shape;
    const rows = shape[0]!;
    const width = elementCount(shape.slice(1));
    const segments = typeOf(graph, output).shape[0]!;
    const at = (suffix: string) => `${output}.${suffix}`;
    const make = (
      op: string,
      inputs: string[],
      out: string,
      attributes: Node['attributes'] = {},
      domain: Node['domain'] = '',
    ): Node => ({
      op,
      domain,
      inputs,
      outputs: [out],
      attributes,
    });
    return [
      make('Reshape', [ids, ints(at('column'), [rows, 1])], value(at('ids'), { shape: [rows, 1], dtype: 'int32' })),
      make(
        'Equal',
        [
          at('ids'),
          constant(at('range'), {
            shape: [1, segments],
            dtype: 'int32',
            data: Int32Array.from({ length: segments }, (_, i) => i),
          }),
        ],
        value(at('equal'), { shape: [rows, segments], dtype: 'bool' }),
      ),
      make('Cast', [at('equal')], value(at('onehot'), { shape: [rows, segments], dtype: 'float32' }), { to: 1 }),
      make(
        'Reshape',
        [x, ints(at('matrix'), [rows, width])],
        value(at('x'), { shape: [rows, width], dtype: 'float32' }),
      ),
      make(
        'FusedMatMul',
        [at('onehot'), at('x')],
        value(at('sum'), { shape: [segments, width], dtype: 'float32' }),
        { transA: 1, transB: 0 },
        'com.microsoft',
      ),
      make('Reshape', [at('sum'), ints(at('shape'), typeOf(graph, output).shape)], output),
    ];
  });
  return { ...graph, nodes, constants, types };
}
