import type { Graph, Node } from '../ir.ts';
import { isContributed } from '../operators.ts';
import { Rewriter } from './rewriter.ts';

/**
 * Writes onnxruntime's contributed operators in ONNX's own, so that an exported model runs wherever ONNX does.
 * (onnxruntime fuses them again when it loads the model.)
 */
export function standardOperators(graph: Graph): Graph {
  const r = new Rewriter(graph);
  for (const node of graph.nodes) {
    if (!isContributed(node.op)) r.keep(node);
    else if (node.op === 'FusedMatMul') standardMatMul(r, node);
    else if (node.op === 'Gelu') standardGelu(r, node);
    else throw new Error(`export: ${node.op} has no standard form here`);
  }
  return r.graph();
}

/** FusedMatMul as transposes, a product and a factor. */
export function standardMatMul(r: Rewriter, { inputs, outputs, attributes }: Node<'FusedMatMul'>): void {
  const output = outputs[0]!;
  const [a, b] = inputs as [string, string];
  const left = attributes.transA === 1 ? r.transposed(a, `${output}.a`) : a;
  const right = attributes.transB === 1 ? r.transposed(b, `${output}.b`) : b;
  const alpha = attributes.alpha?.float ?? 1;
  const product = alpha === 1 ? output : r.value(`${output}.product`, r.typeOf(output));
  r.node('MatMul', [left, right], product);
  if (alpha !== 1) r.node('Mul', [product, r.scalar(`${output}.alpha`, alpha)], output);
}

function standardGelu(r: Rewriter, { inputs, outputs }: Node<'Gelu'>): void {
  const [x] = inputs as [string];
  const output = outputs[0]!;
  const type = r.typeOf(output);
  const step = (op: 'Add' | 'Erf' | 'Mul', operands: string[], name: string) =>
    r.node(op, operands, r.value(`${output}.${name}`, type));
  const scaled = step('Mul', [x, r.scalar(`${output}.sqrt1_2`, Math.SQRT1_2)], 'scaled');
  const erf = step('Erf', [scaled], 'erf');
  const plusOne = step('Add', [erf, r.scalar(`${output}.one`, 1)], 'plus_one');
  const product = step('Mul', [x, plusOne], 'product');
  r.node('Mul', [product, r.scalar(`${output}.half`, 0.5)], output);
}
