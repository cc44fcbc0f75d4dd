import { join } from 'node:path';
import { LuthierError } from '../errors.ts';
import type { TensorSpec } from '../executors/executor.ts';
import { createOnnxRuntimeSession } from '../executors/onnxruntime.ts';
import type { Constant, Graph, ValueType } from '../graph/ir.ts';
import { writeOnnx } from '../graph/onnx.ts';
import { ELEMENT_TYPE_NUMBER } from '../graph/operators.ts';
import { openDimensions, unmistakable } from '../graph/passes/open-dimensions.ts';
import { standardOperators } from '../graph/passes/standard-operators.ts';
import { makeFolder, sweepAside, writeFileAtomically } from '../hub/write-file.ts';
import { openClassifier } from '../infer/open-classifier.ts';
import type { RowInputs } from '../models/bert.ts';
import type { Encoder } from '../models/registry.ts';
import { record } from '../record/recorder.ts';
import type { Encoding } from '../text/tokenizer.ts';
import type { Classifier } from './classifier.ts';
import { PARAMETER } from './programs.ts';
import { LOGIT_TOLERANCE, maxDifference } from './save.ts';

/** What a BERT in ONNX is fed by transformers.js and Optimum; int64, `[batch, sequence]`. */
const INPUTS = ['input_ids', 'attention_mask', 'token_type_ids'] as const;

/** Sentences that need no knowledge of the task: what is compared is the arithmetic. */
const PROBES = [
  'Yes.',
  'It works as described, and it arrived a day early.',
  'Why was I charged twice? Please check, then write back.',
];

/** exportOnnx for a model folder on disk, checked on a few fixed sentences. */
export async function exportFolderAsOnnx(modelFolder: string, target = modelFolder) {
  const open = await openClassifier(modelFolder, 'onnxruntime');
  try {
    const { encodings } = open.tokenizer.encodeAll(PROBES, Math.min(64, open.classifier.encoder.maxPositions));
    return await exportOnnx(target, open.classifier, encodings);
  } finally {
    open.dispose();
  }
}

/**
 * Writes `onnx/model.onnx` into a model folder, with open batch and sequence dimensions and ONNX's own operators
 * (opset 18), as transformers.js's and Optimum's text-classification pipelines load it; then runs it on the probes.
 * @returns path, size and the largest difference of a logit from the trained model's
 * @throws LuthierError `export-mismatch` when that is above 1e-4, `disk-full`, `not-writable`
 */
export async function exportOnnx(
  folder: string,
  classifier: Classifier,
  probes: readonly Encoding[],
): Promise<{ path: string; bytes: number; max_difference: number }> {
  const bytes = writeOnnx(recordClassifier(classifier), {
    dimensions: {
      ...Object.fromEntries(INPUTS.map((name) => [name, ['batch', 'sequence']])),
      logits: ['batch', classifier.numLabels],
    },
  });
  const path = join(folder, 'onnx', 'model.onnx');
  await makeFolder(join(folder, 'onnx'));
  await sweepAside(join(folder, 'onnx'));
  await writeFileAtomically(path, (file) => file.writeFile(bytes));
  const max_difference = await probedDifference(path, classifier, probes);
  if (!(max_difference <= LOGIT_TOLERANCE)) {
    throw new LuthierError(
      'export-mismatch',
      `${path}: the exported model's logits differ by ${max_difference.toExponential(2)} from the trained model's; at most ${LOGIT_TOLERANCE} is expected.`,
      'Export again. If it happens again, use the model folder itself, which still answers as trained.',
    );
  }
  return { path, bytes: bytes.byteLength, max_difference };
}

function recordClassifier(classifier: Classifier): Graph {
  const { encoder, store } = classifier;
  const sizes = [...store.parameters.values()].flatMap(({ shape }) => [...shape]);
  const inUse = [...sizes, ...headSizes(encoder)];
  const [R, S] = unmistakable([undefined, encoder.maxPositions], inUse) as [number, number];
  const specs: Record<string, TensorSpec> = {};
  for (const name of INPUTS) specs[name] = { shape: [R, S], dtype: 'int32' };
  for (const { name, shape } of store.parameters.values()) specs[PARAMETER + name] = { shape, dtype: 'float32' };
  const graph = record((inputs) => {
    const p = Object.fromEntries([...store.parameters.keys()].map((name) => [name, inputs[PARAMETER + name]!]));
    return { logits: encoder.classifier(p, encoder.rowFirstTokens(p, inputs as unknown as RowInputs, R, S), {}) };
  }, specs);
  const opened = openDimensions(standardOperators(graph), [
    { size: R, input: 'input_ids', axis: 0 },
    { size: S, input: 'input_ids', axis: 1 },
  ]);
  return withWeights(opened, classifier);
}

const headSizes = (encoder: Encoder): number[] => [encoder.numLayers, encoder.hiddenSize];

/** Parameters become constants, and token inputs int64, as they come from JavaScript's and Python's tokenizers. */
function withWeights(graph: Graph, { store }: Classifier): Graph {
  const constants = new Map<string, Constant>(graph.constants);
  for (const { name, shape, weight } of store.parameters.values()) {
    constants.set(PARAMETER + name, { shape, dtype: 'float32', data: weight });
  }
  const types = new Map<string, ValueType>(graph.types);
  const casts = INPUTS.map((name) => {
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
  const tokens = new Set<string>(INPUTS);
  const nodes = graph.nodes.map((node) =>
    node.op === 'Shape' ? node : { ...node, inputs: node.inputs.map((i) => (tokens.has(i) ? `${i}.int32` : i)) },
  );
  return { ...graph, inputs: [...INPUTS], nodes: [...casts, ...nodes], constants, types };
}

/** Runs the written model on the probes one by one, each at its own length and again padded. */
async function probedDifference(path: string, classifier: Classifier, probes: readonly Encoding[]): Promise<number> {
  if (probes.length === 0) return 0;
  const { ort, session } = await createOnnxRuntimeSession(path);
  try {
    const expected = await classifier.logits(probes);
    const classes = classifier.numLabels;
    let largest = 0;
    for (const [i, probe] of probes.entries()) {
      const want = expected.subarray(i * classes, (i + 1) * classes);
      const room = Math.min(probe.ids.length + 3, classifier.encoder.maxPositions);
      for (const length of [probe.ids.length, room]) {
        const padded = (at: (j: number) => number) =>
          new ort.Tensor(
            'int64',
            BigInt64Array.from({ length }, (_, j) => BigInt(j < probe.ids.length ? at(j) : 0)),
            [1, length],
          );
        const result = await session.run({
          input_ids: padded((j) => probe.ids[j]!),
          attention_mask: padded(() => 1),
          token_type_ids: padded((j) => probe.typeIds?.[j] ?? 0),
        });
        const difference = maxDifference(result.logits!.data as Float32Array, want);
        if (!(difference <= largest)) largest = difference;
      }
    }
    return largest;
  } finally {
    await session.release();
  }
}
