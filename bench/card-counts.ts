import { declarationOf } from '../src/engine/models/architecture.ts';
import { architectureOf } from '../src/engine/models/registry.ts';
import { flatBlocks } from '../src/engine/runtime/flat-blocks.ts';
import { matricesOf } from '../src/engine/runtime/matrices.ts';
import type { ParameterGroup } from '../src/engine/runtime/parameter-store.ts';
import { type ReadyProgram, trainingProgram } from '../src/engine/runtime/programs.ts';
import { piecesOf } from '../src/engine/runtime/table-pieces.ts';
import { spreadProgram, updateProgram } from '../src/engine/runtime/update-program.ts';
import { architectureFor, isTrainedIn } from '../src/engine/strategies/apply.ts';
import { classLoss } from '../src/engine/tasks/loss.ts';
import { LARGEST_BINDING } from '../src/engine/tensor/executors/card-memory.ts';
import { sizeOf } from '../src/engine/tensor/executors/executor.ts';
import type { Graph } from '../src/engine/tensor/graph/ir.ts';
import { bytesOfType } from '../src/engine/tensor/graph/liveness.ts';
import { optimize } from '../src/engine/tensor/graph/optimize.ts';
import { countOf, type Traffic, trafficOf } from '../src/engine/tensor/graph/traffic.ts';
import { record } from '../src/engine/tensor/record/recorder.ts';
import type { StepSpec } from './spec.ts';
import { ADAM_W, configOf, strategyOf } from './step-model.ts';

/** What a step on a card is made of. */
export interface Counts {
  /** Loss and gradients. */
  training: Traffic;
  update: Traffic;
  /** Parameters copied out of their blocks. */
  spread: Traffic;
  /** Bytes that a step sends to the card. */
  sent: number;
  transposes: number;
  casts: number;
  /** Products with a weight that lies the other way round. */
  transposedProducts: number;
}

/**
 * Records a step as it would run on a card, and runs nothing.
 * @param largestBinding bytes of a block
 * @param float16 whether products are computed in it
 */
export function countsOf(
  spec: Omit<StepSpec, 'backend' | 'threads'>,
  { largestBinding = LARGEST_BINDING, float16 = false } = {},
): Counts {
  const strategy = strategyOf(spec);
  const architecture = architectureFor(strategy, architectureOf(configOf(spec), 'config.json'));
  const isTrained = isTrainedIn(strategy, architecture);
  const declared = declarationOf(architecture, { outputs: 2 }).parameters;
  const parameters = [...declared.values()];
  const [decayed, plain] = [true, false].map(
    (decay): ParameterGroup => ({ start: 0, end: 0, decay, rate: 1, phases: [0] }),
  );
  const trained = parameters.filter(({ name }) => isTrained(0, name));
  const blocks = flatBlocks(
    trained.map(({ name, shape, decay }) => ({ name, shape, group: decay ? decayed! : plain! })),
    largestBinding,
  );
  const matrices = matricesOf(declared);
  const tables = piecesOf(declared, largestBinding);
  const program = trainingProgram({
    ...{ part: 'all', architecture, outputs: 2, trained: trained.map(({ name }) => name), loss: classLoss(), blocks },
    shape: { rows: spec.batch, length: spec.length, texts: spec.batch },
    hasTransposed: (name) => matrices.has(name),
    tables,
    float16,
  });
  const graph = graphOf(program);
  const shapes = new Map(trained.filter(({ name }) => matrices.has(name)).map(({ name, shape }) => [name, shape]));
  const sent = Object.entries(program.inputs).filter(([name]) => !name.startsWith('p:'));
  return {
    training: trafficOf(graph),
    update: trafficOf(graphOf(updateProgram(blocks, ADAM_W, float16))),
    spread: trafficOf(graphOf(spreadProgram(blocks, shapes, tables))),
    sent: sent.reduce((n, [, { shape, dtype }]) => n + sizeOf(shape) * bytesOfType(dtype), 0),
    transposes: countOf(graph, 'Transpose'),
    casts: countOf(graph, 'Cast'),
    transposedProducts: countOf(graph, 'Gemm', ({ attributes }) => attributes.transB === 1),
  };
}

const graphOf = ({ program, inputs, options }: ReadyProgram): Graph =>
  optimize(record(program, inputs), {
    ...{ provider: 'webgpu', isKept: () => true, float16: options?.float16 ? 'computed' : undefined },
    transposedOf: (input) => inputs[input]?.transposed,
  }).graph;
