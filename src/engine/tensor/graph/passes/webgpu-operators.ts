import type { Graph, Node, ValueType } from '../ir.ts';
import { type AttributesOf, ELEMENT_TYPE_NUMBER, type ElementType, type Op } from '../operators.ts';
import { Rewriter } from './rewriter.ts';
import { standardMatMul } from './standard-operators.ts';

type Rule<O extends Op> = (r: Rewriter, node: Node<O>) => void;
type Rules = { readonly [O in Op]?: Rule<O> };

/**
 * Writes what onnxruntime's WebGPU provider lacks in operators that it has. Without it each would run on the
 * processor, its operands copied back and forth, and nothing would say so. (Found by offering each operator alone
 * with session.disable_cpu_ep_fallback, onnxruntime-node 1.30; the executor keeps that setting.)
 */
export function webGpuOperators(graph: Graph): Graph {
  const ruleFor = <O extends Op>({ op, inputs }: Node<O>): Rule<O> | undefined => {
    const only = ONLY_FOR[op];
    return only === undefined || only === graph.types.get(inputs[0]!)?.dtype ? (RULES as Rules)[op] : undefined;
  };
  if (!graph.nodes.some(ruleFor)) return graph;
  const r = new Rewriter(graph);
  for (const node of graph.nodes) {
    const rule = ruleFor(node);
    if (rule) rule(r, node);
    else r.keep(node);
  }
  return r.graph();
}

/** These it has for other types. */
const ONLY_FOR: { readonly [O in Op]?: ElementType } = { Slice: 'int32', Tile: 'bool' };

const RULES: Rules = {
  FusedMatMul: (r, node) => {
    const { inputs, outputs, attributes } = node;
    if (r.typeOf(outputs[0]!).shape.length !== 2) return standardMatMul(r, node);
    const { transA = 0, transB = 0, alpha = { float: 1 } } = attributes;
    r.node('Gemm', inputs, outputs[0]!, { transA, transB, alpha });
  },
  /** ¬(¬a ∧ ¬b) */
  Or: (r, { inputs, outputs: [output] }) => {
    const not = (x: string, name: string) => r.node('Not', [x], r.value(`${output}.${name}`, r.typeOf(x)));
    const [a, b] = inputs.map((x, i) => not(x, `not${i}`));
    const neither = r.node('And', [a!, b!], r.value(`${output}.neither`, r.typeOf(output!)));
    r.node('Not', [neither], output!);
  },
  Sum: (r, { inputs, outputs: [output] }) => {
    const type = r.typeOf(output!);
    const last = inputs.length - 1;
    if (last === 0) r.node('Identity', inputs, output!);
    inputs.slice(1).reduce((sum, x, i) => {
      return r.node('Add', [sum, x], i + 1 === last ? output! : r.value(`${output}.sum${i}`, type));
    }, inputs[0]!);
  },
  Tile: (r, { inputs: [x, repeats], outputs: [output] }) => {
    const as = (name: string, like: string) => r.value(`${output}.${name}`, { ...r.typeOf(like), dtype: 'int32' });
    const numbers = r.node('Cast', [x!], as('numbers', x!), { to: ELEMENT_TYPE_NUMBER.int32 });
    const tiled = r.node('Tile', [numbers, repeats!], as('tiled', output!));
    r.node('Cast', [tiled], output!, { to: ELEMENT_TYPE_NUMBER.bool });
  },
  /**
   * The provider has ArgMax, but cannot make int32 of its int64. So: the first place of the maximum, n - 1 - the largest
   * of n - 1 - i over the places that hold it. What reads it, the recorder's cast, is given int32 already.
   */
  ArgMax: (r, { inputs: [x], outputs: [output], attributes }) => {
    const type = r.typeOf(x!);
    const rank = type.shape.length;
    const axis = (attributes.axis + rank) % rank;
    const size = type.shape[axis]!;
    const keep = { ...type, shape: type.shape.map((d, i) => (i === axis ? 1 : d)) };
    const drop = { ...type, shape: r.typeOf(output!).shape };
    const axes = r.ints(`${output}.axes`, [axis]);
    const make = <O extends Op>(op: O, inputs: string[], name: string, of: ValueType, ...attributes: AttributesOf<O>) =>
      r.node(op, inputs, r.value(`${output}.${name}`, of), ...attributes);
    const max = make('ReduceMax', [x!, axes], 'max', keep, { keepdims: 1 });
    const isMax = make('Equal', [x!, max], 'is_max', { ...type, dtype: 'bool' });
    const fromEnd = r.constant(`${output}.from_end`, {
      shape: type.shape.map((_, i) => (i === axis ? size : 1)),
      dtype: 'float32',
      data: Float32Array.from({ length: size }, (_, i) => size - 1 - i),
    });
    const places = make('Where', [isMax, fromEnd, r.scalar(`${output}.none`, -1)], 'places', type);
    const largest = make('ReduceMax', [places, axes], 'largest', drop, { keepdims: 0 });
    const first = make('Sub', [r.scalar(`${output}.last`, size - 1), largest], 'first', drop);
    r.node('Cast', [first], r.value(output!, { ...drop, dtype: 'int32' }), { to: ELEMENT_TYPE_NUMBER.int32 });
  },
  /** Slices of int32 alone: rows are taken by their numbers, one axis after the other. */
  Slice: (r, { inputs: [x, starts, ends], outputs: [output] }) => {
    const numbers = (name: string) => Array.from(r.constantOf(name)!.data, Number);
    const [from, to] = [numbers(starts!), numbers(ends!)];
    let value = x!;
    from.forEach((start, axis) => {
      const { shape, dtype } = r.typeOf(value);
      const size = to[axis]! - start;
      const rows = Array.from({ length: size }, (_, i) => start + i);
      const isLast = axis === from.length - 1;
      const sliced = { shape: shape.map((d, i) => (i === axis ? size : d)), dtype };
      const target = isLast ? output! : r.value(`${output}.axis${axis}`, sliced);
      value = r.node('Gather', [value, r.ints(`${output}.rows${axis}`, rows)], target, { axis });
    });
  },
};
