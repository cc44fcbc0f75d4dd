import { type Graph, producers, typeOf } from '../ir.ts';
import { eliminateDeadNodes } from './dead-nodes.ts';

/** A sum that is left to be done outside the graph: `output[ids[i]] += rows[i]`, output being zero before. */
export interface SegmentSum {
  /** The program's output that this makes. */
  readonly output: string;
  /** Output of the new graph that holds the rows `[N, …]`; shared by sums of the same rows. */
  readonly rows: string;
  /** Graph input with each row's segment, `[N]`. */
  readonly ids: string;
  readonly segments: number;
}

/**
 * Takes segment sums that are outputs out of the graph. They are the gradients of embeddings: a table of millions of
 * numbers of which a step touches a few hundred rows, so the rows leave the graph and are added where the table lies.
 * (onnxruntime's ScatterND with `add` races when indices repeat: microsoft/onnxruntime#18048.)
 * @param isKept outputs that must not leave
 */
export function liftSegmentSums(
  graph: Graph,
  isKept: (output: string) => boolean = () => false,
): { graph: Graph; sums: SegmentSum[] } {
  const by = producers(graph);
  const outputs = new Map<string, string>();
  const rowsName = new Map<string, string>();
  const sums: SegmentSum[] = [];
  for (const [name, value] of graph.outputs) {
    const node = by.get(value);
    const [x, ids] = node?.inputs ?? [];
    if (node?.op !== 'SegmentSum' || !graph.inputs.includes(ids!) || isKept(name)) {
      outputs.set(name, value);
      continue;
    }
    const rows = rowsName.get(x!) ?? `rows:${name}`;
    rowsName.set(x!, rows);
    outputs.set(rows, x!);
    sums.push({ output: name, rows, ids: ids!, segments: typeOf(graph, value).shape[0]! });
  }
  return sums.length ? { graph: eliminateDeadNodes({ ...graph, outputs }), sums } : { graph, sums };
}
