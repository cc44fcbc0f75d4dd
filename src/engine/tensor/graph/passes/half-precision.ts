import { type Graph, type Node, producers } from '../ir.ts';
import { ELEMENT_TYPE_NUMBER, type Op } from '../operators.ts';
import { Rewriter } from './rewriter.ts';

/** Computed in float16, as torch.autocast does (PyTorch, Automatic Mixed Precision, CUDA ops that autocast to float16). */
const PRODUCTS: ReadonlySet<Op> = new Set<Op>(['FusedMatMul', 'Gemm', 'MatMul']);

/** What only moves numbers, and so has the type of what it is given. */
const MOVES: ReadonlySet<Op> = new Set<Op>(['Concat', 'Expand', 'Gather', 'Identity', 'Reshape', 'Slice', 'Transpose']);

/**
 * Products in float16, everything else in float32: sums, norms, softmax, GELU and the loss. What goes in and comes out
 * stays float32, so weights and their gradients do; a value is cast once for all that read it.
 * @param isRounded for executors without float16: float32 throughout, where operands and results of products are rounded to
 * float16. Such an executor's own float16 would be none: onnxruntime's CPU provider leaves out the casts between two nodes
 */
export function halfPrecision(graph: Graph, isRounded: boolean): Graph {
  const r = new Rewriter(graph);
  const { float16, float32 } = ELEMENT_TYPE_NUMBER;
  const madeBy = producers(graph);
  const isFloat = (name: string) => graph.types.get(name)?.dtype === 'float32';
  /** Values of the graph that have been rounded to float16. */
  const halves = new Set<string>();
  const cast = (from: string, to: string, dtype: 'float16' | 'float32') =>
    r.node('Cast', [from], r.value(to, { ...r.typeOf(from), dtype }), { to: dtype === 'float16' ? float16 : float32 });
  /** Rounds into a value: float16 itself, or a float32 that has float16's numbers. */
  const round = (from: string, to: string) =>
    isRounded ? cast(cast(from, `${to}.float16`, 'float16'), to, 'float32') : cast(from, to, 'float16');
  const known = new Map<string, string>();
  const once = (name: string, make: () => string) => {
    const made = known.get(name) ?? make();
    known.set(name, made);
    return made;
  };
  const asHalf = (x: string) => (halves.has(x) ? x : once(`${x}.half`, () => round(x, `${x}.half`)));
  const asFloat = (x: string) =>
    halves.has(x) && !isRounded ? once(`${x}.float`, () => cast(x, `${x}.float`, 'float32')) : x;
  const keep = (node: Node, as: (x: string) => string) =>
    r.keep({ ...node, inputs: node.inputs.map((input) => (isFloat(input) ? as(input) : input)) });

  for (const node of graph.nodes) {
    const output = node.outputs[0]!;
    if (PRODUCTS.has(node.op) && !isSum(node, madeBy)) {
      halves.add(output);
      if (isRounded) {
        const whole = r.value(`${output}.whole`, r.typeOf(output));
        keep({ ...node, outputs: [whole] }, asHalf);
        round(whole, output);
      } else {
        r.value(output, { ...r.typeOf(output), dtype: 'float16' });
        keep(node, asHalf);
      }
    } else if (MOVES.has(node.op) && isFloat(output) && node.inputs.every((x) => !isFloat(x) || halves.has(x))) {
      halves.add(output);
      if (!isRounded) r.value(output, { ...r.typeOf(output), dtype: 'float16' });
      r.keep(node);
    } else keep(node, asFloat);
  }
  const outputs = new Map([...graph.outputs].map(([name, value]) => [name, isFloat(value) ? asFloat(value) : value]));
  return { ...r.graph(), outputs };
}

/** A product with zeros and ones (expand-segment-sums.ts) is a sum. */
const isSum = ({ inputs }: Node, madeBy: ReadonlyMap<string, Node>): boolean => {
  const left = madeBy.get(inputs[0]!);
  return left?.op === 'Cast' && madeBy.get(left.inputs[0]!)?.op === 'Equal';
};
