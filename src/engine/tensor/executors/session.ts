import type * as Ort from 'onnxruntime-node';
import { type Graph, typeOf } from '../graph/ir.ts';
import { bytesOf } from '../graph/liveness.ts';
import { writeOnnx } from '../graph/onnx.ts';
import { optimize, type Target } from '../graph/optimize.ts';
import type { EightBitOperand } from '../graph/passes/eight-bit-linears.ts';
import type { SegmentSum } from '../graph/passes/lift-segment-sums.ts';
import { record } from '../record/recorder.ts';
import { withBuiltInWeights } from './built-in-weights.ts';
import type { EightBitWeights } from './eight-bit.ts';
import {
  type Compiled,
  type DeviceTensor,
  type DType,
  type Feed,
  isOnDevice,
  type Program,
  type Shape,
  sizeOf,
  type TensorData,
  type TensorSpec,
} from './executor.ts';
import type { OnnxRuntime } from './onnxruntime-library.ts';

/** A recorded program, rewritten for a provider, and what of it is left to be done outside. */
interface Lowered {
  graph: Graph;
  sums: SegmentSum[];
  /** Weights in 8 bits that it is fed beside the program's inputs. */
  operands: EightBitOperand[];
  /** The program's outputs, as recorded. */
  outputs: Record<string, TensorSpec>;
  /** What it is fed of the caller's: the program's inputs, or transposes of some. */
  fed: Record<string, TensorSpec>;
}

/** The same as a session of onnxruntime. */
export interface Opened extends Lowered {
  session: Ort.InferenceSession;
  /** Bytes of its constants, and of what there is at the worst moment of a run beside what goes in and comes out. */
  needs: { constants: number; passing: number };
  /** Memory that it holds while it does not run, roughly. */
  bytes: number;
}

/** What onnxruntime 1.30 holds of a graph for each of its nodes, measured on BERT-base's training step. */
const BYTES_PER_NODE = 5_000;

/** An output's name in the session: another than its own where an input has that. */
export const nameOutside = (output: string, inputs: Record<string, TensorSpec>): string =>
  output in inputs ? `new ${output}` : output;

/** Records a program, optimises its graph for the provider and hands it to onnxruntime. */
export async function openSession(
  ort: OnnxRuntime,
  program: Program,
  inputs: Record<string, TensorSpec>,
  target: Target,
  options: Ort.InferenceSession.SessionOptions,
): Promise<Opened> {
  return await sessionOf(ort, lower(program, inputs, target), inputs, target, options);
}

/** The same of a graph that is written by hand for the provider. */
export async function openGraph(
  ort: OnnxRuntime,
  graph: Graph,
  provider: Target['provider'],
  options: Ort.InferenceSession.SessionOptions,
): Promise<Opened> {
  const typed = (names: Iterable<readonly [string, string]>) =>
    Object.fromEntries([...names].map(([name, value]) => [name, typeOf(graph, value) as TensorSpec]));
  const fed = typed(graph.inputs.map((name) => [name, name]));
  return await sessionOf(
    ort,
    { graph, sums: [], operands: [], outputs: typed(graph.outputs), fed },
    fed,
    { provider },
    options,
  );
}

function lower(program: Program, inputs: Record<string, TensorSpec>, target: Target): Lowered {
  const recorded = record(program, inputs);
  const outputs = Object.fromEntries(
    [...recorded.outputs].map(([name, value]) => [name, typeOf(recorded, value) as TensorSpec]),
  );
  const optimized = optimize(recorded, target);
  return {
    ...optimized,
    outputs,
    fed: target.transposedOf || target.blocksOf ? fedTo(optimized.graph, inputs) : inputs,
  };
}

const fedTo = (graph: Graph, inputs: Record<string, TensorSpec>): Record<string, TensorSpec> =>
  Object.fromEntries(graph.inputs.map((name) => [name, inputs[name] ?? (typeOf(graph, name) as TensorSpec)]));

async function sessionOf(
  ort: OnnxRuntime,
  lowered: Lowered,
  inputs: Record<string, TensorSpec>,
  target: Target,
  options: Ort.InferenceSession.SessionOptions,
): Promise<Opened> {
  const { graph, ...rest } = lowered;
  // In ONNX, what goes in and what comes out share one space of names.
  const named = new Map([...graph.outputs].map(([name, value]) => [nameOutside(name, inputs), value]));
  // On a graphics card it would be a node that the card does not have.
  const written = target.provider === 'cpu' ? { sequenceFirst: UNREADABLE } : {};
  const session = await ort.InferenceSession.create(writeOnnx({ ...graph, outputs: named }, written), {
    logSeverityLevel: 3,
    ...options,
  });
  const { passing } = bytesOf(graph);
  const constants = [...graph.constants.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  // An arena never gives back what a run took.
  const arena = options.enableCpuMemArena === false ? 0 : passing;
  const bytes = BYTES_PER_NODE * graph.nodes.length + arena;
  return { ...rest, graph: withoutConstants(graph), session, needs: { constants, passing }, bytes };
}

/** What is asked of a graph once it is a session: that has the constants, which may be all of a model. */
const withoutConstants = (graph: Graph): Graph => ({
  ...graph,
  constants: new Map(),
  types: new Map(
    [...graph.outputs.values()].map((value) => {
      const { shape, dtype } = typeOf(graph, value);
      return [value, { shape, dtype }];
    }),
  ),
});

/**
 * A program whose weights in 8 bits are a part of it (built-in-weights.ts). What they are is known when it first runs, so
 * its session is made then; what it no longer reads is no longer fed.
 * @param range largest magnitude of an 8-bit weight
 */
export function builtInSession(
  ort: OnnxRuntime,
  program: Program,
  inputs: Record<string, TensorSpec>,
  target: Target,
  options: Ort.InferenceSession.SessionOptions,
  range: number,
): Compiled {
  const { graph, operands, ...rest } = lower(program, inputs, target);
  const make = async (feeds: Record<string, Feed>): Promise<Compiled> => {
    const whole = withBuiltInWeights(graph, operands, inputs, feeds, range);
    const fed = Object.fromEntries(whole.inputs.map((name) => [name, inputs[name]!]));
    const opened = await sessionOf(ort, { ...rest, operands: [], graph: whole, fed }, fed, target, options);
    return compiledSession(ort, opened, fed, new WeakMap());
  };
  let made: Promise<Compiled> | undefined;
  const bytes = operands.reduce((n, { of }) => n + sizeOf(inputs[of]!.shape), BYTES_PER_NODE * graph.nodes.length);
  return {
    outputs: rest.outputs,
    bytes,
    async run(feeds, fetches) {
      made ??= make(feeds);
      await (await made).run(feeds, fetches);
    },
    dispose() {
      void made?.then((compiled) => compiled.dispose());
    },
  };
}

/**
 * Runs a session on the caller's arrays.
 * @param lastRows of each table that sums were added to; shared by all of an executor's graphs, since one compiled for
 *   another shape writes to the same tables
 * @param weights in 8 bits, where the graph wants some; shared likewise
 */
export function compiledSession(
  ort: OnnxRuntime,
  { session, graph, sums, operands, outputs, fed: given, bytes }: Opened,
  inputs: Record<string, TensorSpec>,
  lastRows: WeakMap<Float32Array, Int32Array>,
  weights?: EightBitWeights,
): Compiled {
  const scratch = new Map<string, Float32Array>();
  for (const sum of sums) {
    if (!scratch.has(sum.rows))
      scratch.set(sum.rows, new Float32Array(sizeOf(typeOf(graph, graph.outputs.get(sum.rows)!).shape)));
  }
  const [feedOf, fetchOf] = [tensorCache(ort), tensorCache(ort)];
  const held = [...scratch.values()].reduce((sum, { byteLength }) => sum + byteLength, bytes);
  return {
    outputs,
    bytes: held,
    async run(feeds, fetches) {
      const fed = { ...feedsOf(given, feeds, feedOf), ...eightBitFeeds(operands, feeds, inputs, weights, feedOf) };
      const fetched: Record<string, Ort.Tensor> = {};
      for (const name of graph.outputs.keys()) {
        const spec = outputs[name] ?? (typeOf(graph, graph.outputs.get(name)!) as TensorSpec);
        fetched[nameOutside(name, inputs)] = fetchOf(name, scratch.get(name) ?? fetches[name], spec);
      }
      await runInPlace(session, fed, fetched);
      for (const sum of sums)
        addRows(sum, scratch.get(sum.rows)!, feeds[sum.ids] as Int32Array, fetches[sum.output]!, lastRows);
    },
    dispose() {
      void session.release();
    },
  };
}

/** The weights that a graph computes with in 8 bits, made of the float ones that its program is fed. */
function eightBitFeeds(
  operands: readonly EightBitOperand[],
  feeds: Record<string, Feed>,
  inputs: Record<string, TensorSpec>,
  weights: EightBitWeights | undefined,
  tensor: MakeTensor,
): Record<string, Ort.Tensor> {
  const fed: Record<string, Ort.Tensor> = {};
  for (const { of, transposed, values, scales, factors } of operands) {
    const [rows, columns] = inputs[of]!.shape as [number, number];
    const matrix = weights!.of(feeds[of] as Float32Array, columns, transposed, factors);
    const shape = transposed ? [columns, rows] : [rows, columns];
    fed[values] = tensor(values, matrix.values, { shape, dtype: 'int8' });
    fed[scales] = tensor(scales, matrix.scales, { shape: [shape[1]!], dtype: 'float32' });
  }
  return fed;
}

/** An output that no JavaScript value can be made of. */
const UNREADABLE = 'luthier.unreadable';
const REFUSAL = 'Non tensor type is temporarily not supported.';

/**
 * Runs a session whose outputs are all given. onnxruntime-node writes them in place and then, one after the other in the
 * model's order, copies each into a new array all the same: for BERT-base 340 MB a step that nobody reads (its pull
 * request #32346 is to end that). So the first of the outputs is a sequence, at which it gives up, having computed and
 * written everything; where a later version does not, there is nothing to catch.
 */
async function runInPlace(
  session: Ort.InferenceSession,
  feeds: Record<string, Ort.Tensor>,
  fetches: Record<string, Ort.Tensor>,
): Promise<void> {
  if (session.outputNames[0] !== UNREADABLE) {
    await session.run(feeds, fetches);
    return;
  }
  try {
    await session.run(feeds, { [UNREADABLE]: null, ...fetches });
  } catch (error) {
    if (!(error instanceof Error) || error.message !== REFUSAL) throw error;
  }
}

type MakeTensor = (
  name: string,
  data: TensorData | Int8Array | undefined,
  spec: { shape: Shape; dtype: DType | 'int8' | 'uint8' },
) => Ort.Tensor;

/** What onnxruntime is fed: the caller's arrays as they are, and what lies on its device already. */
export function feedsOf(
  inputs: Record<string, TensorSpec>,
  feeds: Record<string, Feed>,
  tensor: MakeTensor,
): Record<string, Ort.Tensor> {
  const fed: Record<string, Ort.Tensor> = {};
  for (const [name, spec] of Object.entries(inputs)) {
    const feed = feeds[name];
    fed[name] = isOnDevice(feed) ? (feed as OrtDeviceTensor).as(name, spec.shape) : tensor(name, feed, spec);
  }
  return fed;
}

/** A tensor that onnxruntime keeps in its device's memory. */
export interface OrtDeviceTensor extends DeviceTensor {
  /** The same numbers in another shape, for the input of that name. */
  as(name: string, shape: Shape): Ort.Tensor;
}

/** One onnxruntime tensor for each array ever passed under a name: making hundreds a step would show. */
export function tensorCache(ort: OnnxRuntime): MakeTensor {
  const cache = new Map<string, Ort.Tensor>();
  return (name, data, { shape, dtype }) => {
    if (data?.length !== sizeOf(shape)) {
      throw new Error(`executor: ${name} needs ${sizeOf(shape)} values, got ${data?.length ?? 'none'}`);
    }
    const known = cache.get(name);
    if (known?.data === data) return known;
    const made = new ort.Tensor(dtype, data as never, shape);
    cache.set(name, made);
    return made;
  };
}

/**
 * `table[ids[i]] += rows[i]`, in order and so the same every time. The table is zero elsewhere: it is cleared whole
 * the first time it is seen and afterwards only where it was last written: whoever else writes to it zeroes it after.
 */
function addRows(
  { segments }: SegmentSum,
  rows: Float32Array,
  ids: Int32Array,
  table: Float32Array,
  lastRows: WeakMap<Float32Array, Int32Array>,
): void {
  const width = table.length / segments;
  const previous = lastRows.get(table);
  if (previous) for (const id of previous) table.fill(0, id * width, (id + 1) * width);
  else clear(table);
  lastRows.set(table, Int32Array.from(ids));
  for (let i = 0; i < ids.length; i++) {
    const to = ids[i]! * width;
    const from = i * width;
    for (let j = 0; j < width; j++) table[to + j]! += rows[from + j]!;
  }
}

/** Fills with 0 from the first other number on: memory that is still untouched is read, and stays without pages. */
function clear(values: Float32Array): void {
  let i = 0;
  while (i < values.length && values[i] === 0) i++;
  values.fill(0, i);
}
