import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { makeFolder, sweepAside, writeFileAtomically } from '../../files/write-file.ts';
import { LuthierError, taskOf } from '../../protocol/index.ts';
import { rowBatch } from '../models/batch.ts';
import type { TaskModel } from '../runtime/model.ts';
import { PARAMETER, parameterSpecs, sourceOf } from '../runtime/programs.ts';
import { requireTask } from '../tasks/registry.ts';
import { createOnnxRuntimeSession } from '../tensor/executors/onnxruntime.ts';
import type { Constant, Graph, ValueType } from '../tensor/graph/ir.ts';
import { writeOnnx } from '../tensor/graph/onnx.ts';
import { ELEMENT_TYPE_NUMBER } from '../tensor/graph/operators.ts';
import { openDimensions, unmistakable } from '../tensor/graph/passes/open-dimensions.ts';
import { standardOperators } from '../tensor/graph/passes/standard-operators.ts';
import { record } from '../tensor/record/recorder.ts';
import type { Encoding } from '../text/tokenizer.ts';
import { openModel } from './open-model.ts';
import { type Difference, differenceOf, isSame, LOGIT_TOLERANCE, saysDifference } from './same-answers.ts';

/** What a model in ONNX is fed by transformers.js and Optimum, as far as it reads it; int64, `[batch, sequence]`. */
const INPUTS = ['input_ids', 'attention_mask', 'token_type_ids'] as const;

/** Sentences that need no knowledge of the task: what is compared is the arithmetic. */
const PROBES = [
  'Yes.',
  'It works as described, and it arrived a day early.',
  'Why was I charged twice? Please check, then write back.',
];

/** What is said of a model that writes: transformers.js gives a model its newest token alone once it has begun. */
const WITHOUT_CACHE =
  'The ONNX model reads a text as a whole and has no past_key_values: it gives logits, and transformers.js’s text-generation pipeline does not work with it. To generate elsewhere, use the Hugging Face folder, or export that with Optimum.';

/**
 * exportOnnx for a model folder on disk, checked on a few fixed sentences.
 * @returns also what should be said of what was written
 */
export async function exportFolderAsOnnx(modelFolder: string, target = modelFolder) {
  const open = await openModel(modelFolder, 'onnxruntime');
  try {
    requireTask(open.task, modelFolder);
    const { encodings } = open.tokenizer.encodeAll(PROBES, Math.min(64, open.model.architecture.maxPositions));
    const exported = await exportOnnx(target, open.model, encodings);
    const writes = taskOf(open.task.name).writes !== undefined;
    return { ...exported, ...(writes && { note: WITHOUT_CACHE }) };
  } finally {
    open.dispose();
  }
}

/**
 * Writes `onnx/model.onnx` into a model folder, with open batch and sequence dimensions and ONNX's own operators
 * (opset 18), as transformers.js's and Optimum's text-classification pipelines load it; then runs it on the probes.
 * @returns path, size and the largest difference of a logit from the trained model's
 * @throws LuthierError `export-mismatch` when that is above rounding (same-answers.ts), `disk-full`, `not-writable`
 */
export async function exportOnnx(
  folder: string,
  model: TaskModel,
  probes: readonly Encoding[],
): Promise<{ path: string; bytes: number; max_difference: number }> {
  const graph = recordModel(model);
  const bytes = writeOnnx(graph, {
    dimensions: {
      ...Object.fromEntries(graph.inputs.map((name) => [name, ['batch', 'sequence']])),
      logits: model.architecture.reads === 'all' ? ['batch', 'sequence', model.numLabels] : ['batch', model.numLabels],
    },
  });
  const path = join(folder, 'onnx', 'model.onnx');
  await makeFolder(join(folder, 'onnx'));
  await sweepAside(join(folder, 'onnx'));
  await writeFileAtomically(path, bytes);
  const difference = await probedDifference(path, model, probes);
  if (!isSame(difference)) {
    throw new LuthierError(
      'export-mismatch',
      `${path}: the exported model's logits ${saysDifference(difference)}.`,
      'Export again. If it happens again, use the model folder itself, which still answers as trained.',
    );
  }
  return { path, bytes: bytes.byteLength, max_difference: difference.max_difference };
}

function recordModel(model: TaskModel): Graph {
  const { architecture, numLabels: outputs, store } = model;
  const { maxPositions, numLayers, hiddenSize } = architecture;
  const sizes = [...store.parameters.values()].flatMap(({ shape }) => [...shape]);
  const [R, S] = unmistakable([undefined, maxPositions], [...sizes, numLayers, hiddenSize, maxPositions]) as [
    number,
    number,
  ];
  const tokens = Object.fromEntries(INPUTS.map((name) => [name, { shape: [R, S], dtype: 'int32' } as const]));
  const graph = record(
    (inputs) => {
      const scope = architecture.scope(sourceOf(inputs));
      const batch = rowBatch(inputs as Record<(typeof INPUTS)[number], tf.Tensor>, [R, S], maxPositions, architecture);
      const logits = architecture.head(scope, architecture.states(scope, batch).at(-1)!, outputs);
      return { logits: architecture.reads === 'all' ? tf.reshape(logits, [R, S, outputs]) : logits };
    },
    { ...tokens, ...parameterSpecs('all', { architecture, outputs }) },
  );
  const opened = openDimensions(standardOperators(graph), [
    { size: R, input: 'input_ids', axis: 0 },
    { size: S, input: 'input_ids', axis: 1 },
  ]);
  return withWeights(opened, model);
}

/** Parameters become constants, and token inputs int64, as they come from JavaScript's and Python's tokenizers. */
function withWeights(graph: Graph, { store }: TaskModel): Graph {
  const constants = new Map<string, Constant>(graph.constants);
  for (const { name, shape, weight } of store.parameters.values()) {
    constants.set(PARAMETER + name, { shape, dtype: 'float32', data: weight });
  }
  const types = new Map<string, ValueType>(graph.types);
  const read = INPUTS.filter((name) => graph.nodes.some(({ inputs }) => inputs.includes(name)));
  const casts = read.map((name) => {
    const type = types.get(name)!;
    types.set(`${name}.int32`, type);
    types.set(name, { ...type, dtype: 'int64' });
    return {
      op: 'Cast' as const,
      inputs: [name],
      outputs: [`${name}.int32`],
      attributes: { to: ELEMENT_TYPE_NUMBER.int32 },
    };
  });
  const tokens = new Set<string>(read);
  const nodes = graph.nodes.map((node) =>
    node.op === 'Shape' ? node : { ...node, inputs: node.inputs.map((i) => (tokens.has(i) ? `${i}.int32` : i)) },
  );
  return { ...graph, inputs: read, nodes: [...casts, ...nodes], constants, types };
}

/** Runs the written model on the probes one by one, each at its own length and again padded. */
async function probedDifference(path: string, model: TaskModel, probes: readonly Encoding[]): Promise<Difference> {
  const largest: Difference = { max_difference: 0, tolerance: LOGIT_TOLERANCE };
  if (probes.length === 0) return largest;
  const { ort, session } = await createOnnxRuntimeSession(path);
  try {
    const expected = await model.logits(probes);
    largest.tolerance = differenceOf(expected, expected).tolerance;
    const classes = model.numLabels;
    let from = 0;
    for (const probe of probes) {
      const want = expected.subarray(from, from + model.statesOf(probe) * classes);
      from += want.length;
      const room = Math.min(probe.ids.length + 3, model.architecture.maxPositions);
      for (const length of [probe.ids.length, room]) {
        const padded = (at: (j: number) => number) =>
          new ort.Tensor(
            'int64',
            BigInt64Array.from({ length }, (_, j) => BigInt(j < probe.ids.length ? at(j) : 0)),
            [1, length],
          );
        const feeds: Record<string, ReturnType<typeof padded>> = {
          input_ids: padded((j) => probe.ids[j]!),
          attention_mask: padded(() => 1),
          token_type_ids: padded((j) => probe.typeIds?.[j] ?? 0),
        };
        const result = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]!])));
        const { max_difference } = differenceOf((result.logits!.data as Float32Array).subarray(0, want.length), want);
        largest.max_difference = Math.max(largest.max_difference, max_difference);
      }
    }
    return largest;
  } finally {
    await session.release();
  }
}
