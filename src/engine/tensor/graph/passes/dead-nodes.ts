import type { Graph, ValueType } from '../ir.ts';

/** Drops nodes and constants that no output depends on, and the types of what is gone. Inputs stay. */
export function eliminateDeadNodes(graph: Graph): Graph {
  const live = new Set(graph.outputs.values());
  const nodes = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (!node.outputs.some((o) => live.has(o))) continue;
    for (const input of node.inputs) live.add(input);
    nodes.push(node);
  }
  nodes.reverse();
  const constants = new Map([...graph.constants].filter(([name]) => live.has(name)));
  const types = new Map<string, ValueType>();
  const keep = (name: string) => {
    if (name !== '') types.set(name, graph.types.get(name)!);
  };
  graph.inputs.forEach(keep);
  for (const name of constants.keys()) keep(name);
  for (const node of nodes) node.outputs.forEach(keep);
  return { ...graph, nodes, constants, types };
}
