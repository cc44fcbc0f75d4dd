import { elementCount, type Graph, typeOf } from './ir.ts';
import type { ElementType } from './operators.ts';

const BYTES: Readonly<Record<ElementType, number>> = {
  float32: 4,
  float16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
  int8: 1,
  uint8: 1,
};

/** Bytes of one number. */
export const bytesOfType = (type: ElementType): number => BYTES[type];

/**
 * Bytes that a graph needs at least at one time, run in its order: inputs, outputs and constants throughout, every other
 * value from the node that makes it to the last that reads it. Reshapes count as if they copied nothing.
 */
export function peakBytes(graph: Graph): number {
  const { throughout, passing } = bytesOf(graph);
  return throughout + passing;
}

/** The same in its two parts: what is there throughout, and the most of all else. */
export function bytesOf(graph: Graph): { throughout: number; passing: number } {
  const source = new Map<string, string>();
  const rootOf = (name: string): string => source.get(name) ?? name;
  for (const node of graph.nodes) {
    if (node.op === 'Reshape' || node.op === 'Identity') source.set(node.outputs[0]!, rootOf(node.inputs[0]!));
  }
  const sizeOf = (name: string) => {
    const { shape, dtype } = typeOf(graph, name);
    return elementCount(shape) * BYTES[dtype];
  };
  const throughout = new Set([...graph.inputs, ...graph.constants.keys(), ...[...graph.outputs.values()].map(rootOf)]);
  const lastRead = new Map<string, number>();
  for (const [i, node] of graph.nodes.entries()) for (const name of node.inputs) lastRead.set(rootOf(name), i);
  let base = 0;
  for (const name of throughout) base += sizeOf(name);
  let live = 0;
  let peak = 0;
  const ends = new Map<number, number>();
  for (const [i, node] of graph.nodes.entries()) {
    for (const name of node.outputs) {
      if (name === '' || source.has(name) || throughout.has(name)) continue;
      const bytes = sizeOf(name);
      live += bytes;
      const end = Math.max(i, lastRead.get(name) ?? i);
      ends.set(end, (ends.get(end) ?? 0) + bytes);
    }
    peak = Math.max(peak, live);
    live -= ends.get(i) ?? 0;
  }
  return { throughout: base, passing: peak };
}
