import type { Graph, Node } from '../ir.ts';
import { eliminateDeadNodes } from './dead-nodes.ts';
import { Rewriter } from './rewriter.ts';

/**
 * Each value is transposed at most once for each order of its axes that is read, straight from where it was computed:
 * several transposes in a row are one or none, equal ones are shared, and one that leaves all numbers in their places is a
 * Reshape. For devices on which each is a copy.
 */
export function mergedTransposes(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === 'Transpose')) return graph;
  const r = new Rewriter(graph);
  /** Of each transposed value what it was made of, and how. */
  const origins = new Map<string, { of: string; perm: readonly number[] }>();
  /** Values by what they are made of and how; and what stands for values that there are already. */
  const [made, same] = [new Map<string, string>(), new Map<string, string>()];
  const standing = (value: string) => same.get(value) ?? value;
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(standing);
    if (node.op !== 'Transpose') {
      r.keep(inputs.some((input, i) => input !== node.inputs[i]) ? ({ ...node, inputs } as Node) : node);
      continue;
    }
    const [x, output] = [inputs[0]!, node.outputs[0]!];
    const before = origins.get(x);
    const of = before?.of ?? x;
    const perm = node.attributes.perm.map((axis) => before?.perm[axis] ?? axis);
    const { shape } = r.typeOf(of);
    const known = perm.every((axis, i) => axis === i) ? of : made.get(`${of} ${perm}`);
    if (known !== undefined) {
      same.set(output, known);
      continue;
    }
    made.set(`${of} ${perm}`, output);
    origins.set(output, { of, perm });
    const moved = perm.filter((axis) => shape[axis] !== 1);
    if (moved.every((axis, i) => i === 0 || axis > moved[i - 1]!))
      r.node('Reshape', [of, r.ints(`${output}.shape`, r.typeOf(output).shape)], output);
    else r.node('Transpose', [of], output, { perm });
  }
  const outputs = new Map([...graph.outputs].map(([name, value]) => [name, standing(value)]));
  return eliminateDeadNodes({ ...r.graph(), outputs });
}
