import type * as Ort from 'onnxruntime-node';
import type { Target } from '../graph/optimize.ts';
import { BlockWeights, sessionInBlocks, takesBlocks } from './blocks-on-processor.ts';
import { EightBitWeights, eightBitRange, FULL_RANGE } from './eight-bit.ts';
import type { Executor } from './executor.ts';
import { sharesMalloc } from './malloc.ts';
import { DENORMAL_AS_ZERO, libraryOf, loadOnnxRuntime, type OnnxRuntime } from './onnxruntime-library.ts';
import { builtInSession, compiledSession, openSession } from './session.ts';

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
  let weights: EightBitWeights | undefined;
  const inBlocks = new BlockWeights();
  let range: Promise<number> | undefined;
  return {
    name: 'onnxruntime',
    numThreads,
    library: libraryOf(ort),
    computesIn8Bit: true,
    isFastIn8Bit: async () => {
      range ??= eightBitRange(ort);
      return (await range) === FULL_RANGE;
    },
    recomputes: true,
    computesInFloat16: async () => roundsToFloat16(),
    compile: async (program, inputs, { singleNodes, float16 } = {}) => {
      const session = sessionOptions({ ...options, numThreads });
      const target: Target = {
        provider: 'cpu',
        isHeldIn8Bit: (input) => inputs[input]?.held === 8,
        besideOf: (input) => inputs[input]?.beside,
        singleNodes,
        ...(float16 ? { float16: 'rounded' as const } : {}),
      };
      if (Object.values(inputs).some(({ builtIn }) => builtIn)) {
        range ??= eightBitRange(ort);
        return builtInSession(ort, program, inputs, target, session, await range);
      }
      if (takesBlocks() && Object.values(inputs).some(({ held }) => held))
        return sessionInBlocks(ort, program, inputs, target, session, lastRows, inBlocks);
      const opened = await openSession(ort, program, inputs, target, session);
      if (opened.operands.length > 0) {
        range ??= eightBitRange(ort);
        weights ??= new EightBitWeights(await range);
      }
      const compiled = compiledSession(ort, opened, inputs, lastRows, weights);
      if (!options.profile) return compiled;
      const dispose = () => {
        opened.session.endProfiling();
        compiled.dispose();
      };
      return { ...compiled, dispose };
    },
    dispose: () => {},
  };
}

/**
 * Whether programs of float16 are taken, in float32 with products rounded: a processor gains nothing by that, but shows what
 * float16 does to a model where no card has it.
 */
const roundsToFloat16 = () => process.env.LUTHIER_TEST_FLOAT16 === '1';

/** A session for a model that lies on disk: the export's check reads what was written, as anyone else will. */
export async function createOnnxRuntimeSession(
  path: string,
): Promise<{ ort: OnnxRuntime; session: Ort.InferenceSession }> {
  const ort = await loadOnnxRuntime();
  return {
    ort,
    session: await ort.InferenceSession.create(path, { logSeverityLevel: 3, extra: { session: DENORMAL_AS_ZERO } }),
  };
}

function sessionOptions({
  numThreads,
  profile,
}: OnnxRuntimeOptions & { numThreads: number }): Ort.InferenceSession.SessionOptions {
  return {
    intraOpNumThreads: numThreads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    // A session a shape: planned patterns would hold each shape's peak for good, and so would arenas.
    enableCpuMemArena: !sharesMalloc(),
    enableMemPattern: false,
    // Each shape is a session with threads of its own: those of the one that ran before would spin beside this one's.
    extra: { session: { force_spinning_stop: '1', ...DENORMAL_AS_ZERO } },
    ...(profile ? { enableProfiling: true, profileFilePrefix: profile } : {}),
  };
}
