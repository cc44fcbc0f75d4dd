import type { BlockForms, Rounding } from '../executors/executor.ts';
import { checkGraph } from './check.ts';
import type { Graph } from './ir.ts';
import { blockLinears } from './passes/block-linears.ts';
import { type EightBitOperand, eightBitLinears } from './passes/eight-bit-linears.ts';
import { expandSegmentSums } from './passes/expand-segment-sums.ts';
import { halfPrecision } from './passes/half-precision.ts';
import { liftSegmentSums, type SegmentSum } from './passes/lift-segment-sums.ts';
import { mergedTransposes } from './passes/merged-transposes.ts';
import { recomputeLayers } from './passes/recompute-layers.ts';
import { scaledProducts } from './passes/scaled-products.ts';
import { asSingleNodes } from './passes/single-nodes.ts';
import { transposedWeights } from './passes/transposed-weights.ts';
import { webGpuOperators } from './passes/webgpu-operators.ts';

export interface Target {
  /** onnxruntime's provider that will run the graph. */
  provider: 'cpu' | 'webgpu';
  /** Outputs that stay where they are computed, so that no sum of theirs may be left to be done outside. */
  isKept?: (output: string) => boolean;
  /** Inputs that never change and may be computed with in 8 bits. */
  isHeldIn8Bit?: (input: string) => boolean;
  /** Norms and rotations may be a node each. */
  singleNodes?: boolean | undefined;
  /** Products are computed in float16, or where the provider has none, rounded to it. */
  float16?: 'computed' | 'rounded' | undefined;
  /** Of such an input how what it is multiplied with is rounded, where that is known. */
  besideOf?: (input: string) => Rounding | undefined;
  /** The input that has a matrix's transpose, of those that may be fed so, too. */
  transposedOf?: (input: string) => string | undefined;
  /** The inputs that have a matrix in 8 bits, of those that are fed so instead. */
  blocksOf?: (input: string) => BlockForms | undefined;
}

export interface Optimized {
  graph: Graph;
  sums: SegmentSum[];
  /** What the graph must be fed beside its program's inputs. */
  operands: EightBitOperand[];
}

/** What a training step calls its loss. */
const LOSS = 'loss';

/** Every pass in its order, the graph checked after each. */
export function optimize(recorded: Graph, target: Target = { provider: 'cpu' }): Optimized {
  const { layers, ...whole } = recorded;
  const again = layers ? recomputeLayers(whole, layers, LOSS) : whole;
  if (again !== whole) checkGraph(again, 'computing layers again');
  const lifted = liftSegmentSums(again, target.isKept);
  checkGraph(lifted.graph, 'lifting segment sums');
  const passes = {
    'expanding segment sums': expandSegmentSums,
    ...(target.singleNodes ? { 'taking single nodes': asSingleNodes } : {}),
    ...(target.provider === 'webgpu'
      ? {
          'reading transposed weights': (graph: Graph) =>
            transposedWeights(graph, target.transposedOf ?? (() => undefined)),
          "writing WebGPU's operators": webGpuOperators,
          'scaling products': scaledProducts,
          'merging transposes': mergedTransposes,
        }
      : {}),
    // Last, so that what stands for another operator is cast as what it is.
    ...(target.float16
      ? { 'taking float16 for products': (graph: Graph) => halfPrecision(graph, target.float16 === 'rounded') }
      : {}),
  };
  const narrowed = eightBitLinears(lifted.graph, target.isHeldIn8Bit ?? (() => false), target.besideOf);
  checkGraph(narrowed.graph, 'taking 8 bits for frozen layers');
  let graph = target.blocksOf ? blockLinears(narrowed.graph, target.blocksOf) : narrowed.graph;
  if (graph !== narrowed.graph) checkGraph(graph, 'taking matrices in 8 bits');
  for (const [name, pass] of Object.entries(passes)) {
    const next = pass(graph);
    if (next !== graph) checkGraph(next, name);
    graph = next;
  }
  return { graph, sums: lifted.sums, operands: narrowed.operands };
}
