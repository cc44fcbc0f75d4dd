import { type Graph, type Node, sameShape, typeOf } from './ir.ts';
import { inferTypes } from './shapes.ts';

/**
 * Throws when a graph is not legal: a value read before it is defined, defined twice, without a type,
 * of another type than its node makes, or a node none of whose outputs is used. Run after recording and after
 * every pass, so that a faulty pass is named, not guessed at from onnxruntime's message.
 */
export function checkGraph(graph: Graph, after: string): void {
  const fail = (what: string): never => {
    throw new Error(`graph check after ${after}: ${what}`);
  };
  const defined = new Set<string>();
  const define = (name: string) => {
    if (defined.has(name)) fail(`${name} is defined twice`);
    if (!graph.types.has(name)) fail(`${name} has no type`);
    defined.add(name);
  };
  graph.inputs.forEach(define);
  for (const [name, constant] of graph.constants) {
    define(name);
    const type = typeOf(graph, name);
    if (!sameShape(type.shape, constant.shape) || type.dtype !== constant.dtype)
      fail(`constant ${name} has another type`);
    const size = constant.shape.reduce((a, b) => a * b, 1);
    if (constant.data.length !== size) fail(`constant ${name} holds ${constant.data.length} values, not ${size}`);
  }
  const used = new Set<string>(graph.outputs.values());
  for (const node of graph.nodes) for (const input of node.inputs) used.add(input);
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      if (input !== '' && !defined.has(input)) fail(`${describe(node)} reads ${input} before it is defined`);
    }
    const inferred = inferTypes(
      node,
      (name) => typeOf(graph, name),
      (name) => graph.constants.get(name),
    );
    node.outputs.forEach((output, i) => {
      if (output === '') return;
      define(output);
      const type = typeOf(graph, output);
      const want = inferred[i];
      if (want && (!sameShape(want.shape, type.shape) || want.dtype !== type.dtype)) {
        fail(`${describe(node)} makes ${want.dtype}[${want.shape}], recorded as ${type.dtype}[${type.shape}]`);
      }
    });
    if (!node.outputs.some((o) => used.has(o))) fail(`${describe(node)} is dead`);
  }
  for (const [name, value] of graph.outputs) if (!defined.has(value)) fail(`output ${name} is never defined`);
}

const describe = (node: Node) => `${node.op}(${node.inputs.join(', ')}) -> ${node.outputs.join(', ')}`;
