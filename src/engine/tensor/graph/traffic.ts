import { elementCount, type Graph, type Node, typeOf } from './ir.ts';
import { bytesOfType } from './liveness.ts';
import type { Op } from './operators.ts';

/** What one run of a graph asks of a device. */
export interface Traffic {
  /** Nodes that do something there. */
  readonly nodes: number;
  /** Bytes that they read and write; what is read by several counts for each. */
  readonly bytes: number;
  /** Those of them that only move numbers to another place. */
  readonly copied: number;
}

/** These give their input another shape and leave it where it is. */
const RENAMES: ReadonlySet<Op> = new Set(['Reshape', 'Shape']);
const COPIES: ReadonlySet<Op> = new Set([
  'Concat',
  'Expand',
  'Gather',
  'Identity',
  'Pad',
  'Slice',
  'Tile',
  'Transpose',
]);

/** Counts a graph's nodes and the bytes that they move, at least: each value is written once and read once by each reader. */
export function trafficOf(graph: Graph): Traffic {
  const bytesOf = (name: string): number => {
    const { shape, dtype } = typeOf(graph, name);
    return elementCount(shape) * bytesOfType(dtype);
  };
  const total = (names: readonly string[]): number =>
    names.reduce((sum, name) => (name === '' ? sum : sum + bytesOf(name)), 0);
  const moved = ({ op, inputs, outputs }: Node): number => {
    const written = total(outputs);
    // Of what they take from, these read what they give.
    return written + (op === 'Slice' || op === 'Gather' ? written : total(inputs));
  };
  const nodes = graph.nodes.filter(({ op }) => !RENAMES.has(op));
  const sum = (of: readonly Node[]): number => of.reduce((n, node) => n + moved(node), 0);
  return { nodes: nodes.length, bytes: sum(nodes), copied: sum(nodes.filter(({ op }) => COPIES.has(op))) };
}

/** How many nodes of a graph have this operator, and are as asked for. */
export function countOf<O extends Op>(graph: Graph, op: O, has: (node: Node<O>) => boolean = () => true): number {
  return graph.nodes.filter((node) => node.op === op && has(node as Node<O>)).length;
}
