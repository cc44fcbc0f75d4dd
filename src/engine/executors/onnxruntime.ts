import type * as Ort from 'onnxruntime-node';
import { LuthierError } from '../errors.ts';
import { typeOf } from '../graph/ir.ts';
import { writeOnnx } from '../graph/onnx.ts';
import { optimize } from '../graph/optimize.ts';
import type { SegmentSum } from '../graph/passes/lift-segment-sums.ts';
import { record } from '../record/recorder.ts';
import { type Compiled, type Executor, type Program, sizeOf, type TensorData, type TensorSpec } from './executor.ts';
import { sharesMalloc } from './malloc.ts';

export interface OnnxRuntimeOptions {
  /** Threads for matrix products; default: as many as there are cores. */
  numThreads?: number;
  /** Where onnxruntime's profile of each session is written. */
  profile?: string;
}

/** Records a program, compiles it to one ONNX graph, and runs that on onnxruntime's CPU provider. */
export async function createOnnxRuntimeExecutor(options: OnnxRuntimeOptions = {}): Promise<Executor> {
  const ort = await loadOnnxRuntime();
  const { availableParallelism } = await import('node:os');
  const numThreads = options.numThreads ?? availableParallelism();
  // Shared by all graphs: one compiled for another shape writes to the same tables.
  const lastRows = new WeakMap<Float32Array, Int32Array>();
  return {
    name: 'onnxruntime',
    numThreads,
    library: `onnxruntime-node ${ort.env.versions.node ?? ort.env.versions.common}`,
    compile: async (program, inputs) => compile(ort, program, inputs, { ...options, numThreads }, lastRows),
    dispose: () => {},
  };
}

/** A session for a model that lies on disk: the export's check reads what was written, as anyone else will. */
export async function createOnnxRuntimeSession(
  path: string,
): Promise<{ ort: typeof Ort; session: Ort.InferenceSession }> {
  const ort = await loadOnnxRuntime();
  return { ort, session: await ort.InferenceSession.create(path, { logSeverityLevel: 3 }) };
}

async function loadOnnxRuntime(): Promise<typeof Ort> {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    throw new LuthierError(
      'backend-unavailable',
      `onnxruntime-node does not load on this system (${process.platform} ${process.arch}): ${(error as Error).message}`,
      'Use --backend wasm, which needs no native library.',
      { cause: error },
    );
  }
}

async function compile(
  ort: typeof Ort,
  program: Program,
  inputs: Record<string, TensorSpec>,
  options: OnnxRuntimeOptions & { numThreads: number },
  lastRows: WeakMap<Float32Array, Int32Array>,
): Promise<Compiled> {
  const recorded = record(program, inputs);
  const outputs = Object.fromEntries(
    [...recorded.outputs].map(([name, value]) => [name, typeOf(recorded, value) as TensorSpec]),
  );
  const { graph, sums } = optimize(recorded);
  const session = await ort.InferenceSession.create(writeOnnx(graph), {
    intraOpNumThreads: options.numThreads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    // A session a shape: planned patterns would hold each shape's peak for good, and so would arenas.
    enableCpuMemArena: !sharesMalloc(),
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...(options.profile ? { enableProfiling: true, profileFilePrefix: options.profile } : {}),
  });
  const scratch = new Map<string, Float32Array>();
  for (const sum of sums) {
    if (!scratch.has(sum.rows))
      scratch.set(sum.rows, new Float32Array(sizeOf(typeOf(graph, graph.outputs.get(sum.rows)!).shape)));
  }
  const tensor = tensorCache(ort);
  return {
    outputs,
    async run(feeds, fetches) {
      const fed: Record<string, Ort.Tensor> = {};
      for (const [name, spec] of Object.entries(inputs)) fed[name] = tensor(name, feeds[name], spec);
      const fetched: Record<string, Ort.Tensor> = {};
      for (const name of graph.outputs.keys()) {
        const spec = outputs[name] ?? (typeOf(graph, graph.outputs.get(name)!) as TensorSpec);
        fetched[name] = tensor(name, scratch.get(name) ?? fetches[name], spec);
      }
      await session.run(fed, fetched);
      for (const sum of sums)
        addRows(sum, scratch.get(sum.rows)!, feeds[sum.ids] as Int32Array, fetches[sum.output]!, lastRows);
    },
    dispose() {
      if (options.profile) session.endProfiling();
      void session.release();
    },
  };
}

/** One onnxruntime tensor for each array ever passed under a name: making hundreds a step would show. */
function tensorCache(ort: typeof Ort) {
  const cache = new Map<string, Ort.Tensor>();
  return (name: string, data: TensorData | undefined, { shape, dtype }: TensorSpec): Ort.Tensor => {
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
  else table.fill(0);
  lastRows.set(table, Int32Array.from(ids));
  for (let i = 0; i < ids.length; i++) {
    const to = ids[i]! * width;
    const from = i * width;
    for (let j = 0; j < width; j++) table[to + j]! += rows[from + j]!;
  }
}
