import { checkGraph } from './check.ts';
import type { Graph } from './ir.ts';
import { expandSegmentSums } from './passes/expand-segment-sums.ts';
import { liftSegmentSums, type SegmentSum } from './passes/lift-segment-sums.ts';

/** Every pass in its order, the graph checked after each. */
export function optimize(recorded: Graph): { graph: Graph; sums: SegmentSum[] } {
  const lifted = liftSegmentSums(recorded);
  checkGraph(lifted.graph, 'lifting segment sums');
  const passes = { 'expanding segment sums': expandSegmentSums };
  let graph = lifted.graph;
  for (const [name, pass] of Object.entries(passes)) {
    const next = pass(graph);
    if (next !== graph) checkGraph(next, name);
    graph = next;
  }
  return { graph, sums: lifted.sums };
}
