import { type Graph, type Node, producers } from '../ir.ts';
import type { Op } from '../operators.ts';
import { eliminateDeadNodes } from './dead-nodes.ts';
import { Rewriter } from './rewriter.ts';

/**
 * Norms by the root mean square and rotations, which are recorded as what they are composed of (tensor/ops/rms-norm.ts,
 * rotary.ts), as the one node that onnxruntime has for each. Of a single token a node costs more than its numbers, and
 * these are four of ten of a decoder's. They round otherwise, so graphs whose results are kept to the last bit stay as they are.
 */
export function asSingleNodes(graph: Graph): Graph {
  const made = producers(graph);
  const by = <O extends Op>(op: O, value: string | undefined): Node<O> | undefined => {
    const node = made.get(value ?? '');
    return node?.op === op ? (node as Node<O>) : undefined;
  };
  const r = new Rewriter(graph);
  const numbersOf = (value: string | undefined): number[] => Array.from(r.constantOf(value ?? '')?.data ?? [], Number);

  /** `x · (1 / √(mean(x²) + ε)) · γ` over the last axis. */
  const normOf = ({ op, inputs: [scaled, gamma] }: Node) => {
    const product = op === 'Mul' ? by('Mul', scaled) : undefined;
    const [x, inverse] = product?.inputs ?? [];
    const root = by('Sqrt', by('Reciprocal', inverse)?.inputs[0]);
    const sum = by('Add', root?.inputs[0]);
    const mean = by('ReduceMean', sum?.inputs[0]);
    const square = by('Mul', mean?.inputs[0]);
    if (!square || square.inputs.some((input) => input !== x)) return undefined;
    const { shape } = r.typeOf(x!);
    const [axis, ...others] = numbersOf(mean!.inputs[1]);
    const [epsilon] = numbersOf(sum!.inputs[1]);
    const isLast = axis === shape.length - 1 && others.length === 0 && mean!.attributes.keepdims === 1;
    const scale = r.typeOf(gamma!).shape;
    return isLast && epsilon !== undefined && scale.length === 1 && scale[0] === shape[axis]
      ? { x: x!, gamma: gamma!, epsilon }
      : undefined;
  };

  /** The half of a value's last axis that a slice takes: 0 or 1. */
  const halfOf = (value: string | undefined) => {
    const slice = by('Slice', value);
    if (!slice) return undefined;
    const x = slice.inputs[0]!;
    const { shape } = r.typeOf(x);
    const width = shape.at(-1)! / 2;
    const [from, to] = [numbersOf(slice.inputs[1]), numbersOf(slice.inputs[2])];
    const half = from.at(-1)! / width;
    const isWhole = from.slice(0, -1).every((start, i) => start === 0 && to[i] === shape[i]);
    return isWhole && to.at(-1) === from.at(-1)! + width && (half === 0 || half === 1) ? { x, half } : undefined;
  };
  /** Two halves of a text's heads `[1, A, T, D]`, each times an angle's `[1, 1, T, D / 2]`, which are rows of a table. */
  const turned = (value: string | undefined) => {
    const product = by('Mul', value);
    const half = halfOf(product?.inputs[0]);
    const table = by('Reshape', product?.inputs[1])?.inputs[0];
    return half && table !== undefined ? { ...half, table } : undefined;
  };
  const rotationOf = ({ op, inputs, attributes, outputs }: Node) => {
    if (op !== 'Concat' || inputs.length !== 2) return undefined;
    const [difference, sum] = [by('Sub', inputs[0]), by('Add', inputs[1])];
    const parts = [difference, sum].flatMap((node) => [turned(node?.inputs[0]), turned(node?.inputs[1])]);
    const [ac, bs, bc, as] = parts;
    if (!ac || !bs || !bc || !as) return undefined;
    const { x, table: cos } = ac;
    const { table: sin } = bs;
    const { shape } = r.typeOf(x);
    const axis = (attributes as Node<'Concat'>['attributes']).axis;
    const isAngle = [cos, sin].every((table) => {
      const [rows, width, ...others] = r.typeOf(table).shape;
      return others.length === 0 && rows === shape[2] && width === shape[3]! / 2;
    });
    const fits =
      (axis === 3 || axis === -1) &&
      shape.length === 4 &&
      shape[0] === 1 &&
      isAngle &&
      [bs, bc, as].every((part) => part.x === x) &&
      [ac, bs, bc, as].map(({ half }) => half).join('') === '0110' &&
      bc.table === cos &&
      as.table === sin;
    return fits ? { x, cos, sin, output: outputs[0]! } : undefined;
  };

  for (const node of graph.nodes) {
    const norm = normOf(node);
    const rotation = norm ? undefined : rotationOf(node);
    if (norm) {
      const attributes = { axis: -1, epsilon: { float: norm.epsilon }, stash_type: 1 } as const;
      r.node('SimplifiedLayerNormalization', [norm.x, norm.gamma], node.outputs[0]!, attributes);
    } else if (rotation) {
      // Where the tables' rows are those of the tokens, the first token's is the first.
      const first = r.ints('rotary.first', [0]);
      r.node('RotaryEmbedding', [rotation.x, first, rotation.cos, rotation.sin], rotation.output);
    } else r.keep(node);
  }
  return eliminateDeadNodes(r.graph());
}
