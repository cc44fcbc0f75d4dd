import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SafetensorsFile } from '../../src/engine/hub/safetensors.ts';
import { type Architecture, declarationOf, type HeadKind, statesIn } from '../../src/engine/models/architecture.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { type Packing, packTexts, writeBatch } from '../../src/engine/runtime/packing.ts';
import { forwardProgram, GRADIENT, MASK, PARAMETER, trainingProgram } from '../../src/engine/runtime/programs.ts';
import { classLoss } from '../../src/engine/tasks/loss.ts';
import { IGNORED } from '../../src/engine/tasks/task.ts';
import { type Executor, sizeOf, type TensorData } from '../../src/engine/tensor/executors/executor.ts';
import { figures } from './executors.ts';
import { relativeError, uniform, weight } from './values.ts';

/** What bert_figures.py wrote. */
export interface Figures {
  made_with: string;
  config: Record<string, unknown>;
  /** A text classifier's where left out; a language model learns each token's next one. */
  task?: HeadKind['name'];
  num_labels: number;
  deviation: number;
  texts: { ids: number[]; second_from: number; label: number }[];
  /** Of a language model those of all of a text's tokens, one after the other. */
  logits: number[][];
  loss: number;
  largest_gradient: number;
  /** Largest value that PyTorch in float32 gives for a key's bias, by either of its attention kernels. */
  key_bias_noise: number;
  gradients?: Record<string, { norm: number; max: number; at: number[]; values: number[] }>;
}

export const read = (name: string) => JSON.parse(readFileSync(figures(name), 'utf8')) as Figures;

/** Made once for all executors: BERT-base's widths mean 21 million numbers. */
const made = new Map<string, Float32Array>();
function weightOf(name: string, size: number, deviation: number): Float32Array {
  const key = `${name} ${size}`;
  if (!made.has(key)) made.set(key, weight(name, size, deviation));
  return made.get(key)!;
}

export interface Result {
  loss: number;
  logits: Float32Array;
  gradients: Map<string, Float32Array>;
}

export interface RunOptions {
  /** Changes the architecture that the figures' config describes. */
  adapt?: (architecture: Architecture) => Architecture;
  /** Tokens a row, into which short texts are packed together; left out, each text has a row of the longest's length. */
  packedInto?: number;
  isTrained?: (name: string) => boolean;
  /** Drop by the masks that bert_figures.py makes as well. */
  dropout?: boolean;
}

/** Logits without labels and dropout, then loss and gradients. */
export async function run(executor: Executor, f: Figures, options: RunOptions = {}): Promise<Result> {
  const { adapt = (it) => it, packedInto, isTrained = () => true, dropout = false } = options;
  const off = {
    ...{ hidden_dropout_prob: 0, attention_probs_dropout_prob: 0, classifier_dropout: 0 },
    ...{ dropout: 0, attention_dropout: 0, seq_classif_dropout: 0 },
  };
  const task: HeadKind | undefined = f.task && { name: f.task, reads: f.task === 'text-generation' ? 'all' : 'first' };
  const architecture = adapt(architectureOf({ ...f.config, ...(dropout ? {} : off) }, 'figures', task));
  const texts = f.texts.map(({ ids, second_from }) => ({
    ids: Int32Array.from(ids),
    typeIds: Uint8Array.from(ids, (_, i) => (i < second_from ? 0 : 1)),
  }));
  const lengths = texts.map((text) => text.ids.length);
  const packing =
    packedInto === undefined
      ? {
          shape: { rows: texts.length, length: Math.max(...lengths), texts: texts.length },
          places: texts.map((_, row) => ({ row, start: 0 })),
        }
      : packTexts(lengths, packedInto, texts.length);
  const batch = packing.shape;
  const make = () => new Int32Array(batch.rows * batch.length);
  const arrays = {
    ...{ input_ids: make(), token_type_ids: make(), position_ids: make(), text_ids: make() },
    read_token: new Int32Array(batch.texts),
  };
  writeBatch(arrays, texts, packing, (f.config.pad_token_id as number | undefined) ?? 0, architecture);
  const feeds: Record<string, TensorData> = {
    ...arrays,
    ...(architecture.reads === 'all'
      ? nextTokens(texts, packing)
      : {
          labels: Int32Array.from(f.texts, (text) => text.label),
          weights: new Float32Array(texts.length).fill(1 / texts.length),
        }),
  };
  const programOptions = { architecture, outputs: f.num_labels, shape: batch };
  const { parameters, sites } = declarationOf(architecture, programOptions);
  for (const { name, shape } of parameters.values())
    feeds[PARAMETER + name] = weightOf(name, sizeOf(shape), f.deviation);
  for (const { name, shape, isAdapter } of sites.values()) {
    const made = isAdapter ? name : name.replace(/^bert\.(encoder\.)?/, '');
    feeds[MASK + name] = Uint8Array.from(uniform(`mask/${made}`, sizeOf(shape)), (u) => (u > -0.5 ? 1 : 0));
  }

  const forward = forwardProgram('all', programOptions);
  const output = new Float32Array(statesIn(architecture, batch) * f.num_labels);
  const predict = await executor.compile(forward.program, forward.inputs);
  await predict.run(feeds, { output });
  predict.dispose();
  const logits = architecture.reads === 'all' ? inOrder(output, lengths, packing, f.num_labels) : output;

  const trained = [...parameters.keys()].filter(isTrained);
  const training = trainingProgram({ ...programOptions, part: 'all', trained, loss: classLoss() });
  const step = await executor.compile(training.program, training.inputs);
  const loss = new Float32Array(1);
  const gradients = new Map(trained.map((name) => [name, new Float32Array(sizeOf(parameters.get(name)!.shape))]));
  await step.run(feeds, {
    loss,
    ...Object.fromEntries([...gradients].map(([name, gradient]) => [GRADIENT + name, gradient])),
  });
  step.dispose();
  return { loss: loss[0]!, logits, gradients };
}

/** What is learnt of every token but each text's last. */
function nextTokens(texts: readonly { ids: Int32Array }[], { shape, places }: Packing) {
  const labels = new Int32Array(shape.rows * shape.length).fill(IGNORED);
  texts.forEach(({ ids }, i) => {
    labels.set(ids.subarray(1), places[i]!.row * shape.length + places[i]!.start);
  });
  const learnt = labels.filter((label) => label !== IGNORED).length;
  return { labels, weights: Float32Array.from(labels, (label) => (label === IGNORED ? 0 : 1 / learnt)) };
}

/** Logits of texts one after the other. */
function inOrder(output: Float32Array, lengths: readonly number[], { shape, places }: Packing, width: number) {
  const parts = lengths.map((length, i) => {
    const from = (places[i]!.row * shape.length + places[i]!.start) * width;
    return [...output.subarray(from, from + length * width)];
  });
  return Float32Array.from(parts.flat());
}

export const TOLERANCE = 1e-4;

/**
 * 'ok', or what is wrong with a gradient. The true one of a key's bias is 0 (softmax does not see what is added to a
 * whole row), so rounding is all there is of it, and it may be 4 times PyTorch's own; `error`, which every other
 * gradient is held to, is over the larger of the tensor's greatest value and a millionth of the model's.
 */
export function judge(name: string, gradient: Float32Array, f: Figures, error: (floor: number) => number): string {
  if (/\.(key|k_lin)\.bias$/.test(name)) {
    const noise = gradient.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
    return noise <= 4 * f.key_bias_noise ? 'ok' : `noise of ${noise}, PyTorch's is ${f.key_bias_noise}`;
  }
  const off = error(1e-6 * f.largest_gradient);
  return off < TOLERANCE ? 'ok' : `error of ${off}`;
}

/** A verdict on every gradient, element by element, against those in a file of the figures. */
export async function judgeAll(
  gradients: Result['gradients'],
  f: Figures,
  fileName: string,
): Promise<Record<string, string>> {
  const file = await SafetensorsFile.open(fileURLToPath(figures(fileName)));
  const verdicts: Record<string, string> = {};
  for (const [name, { size }] of file.tensors) {
    const expected = new Float32Array(size);
    await file.readInto(name, expected);
    const gradient = gradients.get(name)!;
    verdicts[name] = judge(name, gradient, f, (floor) => relativeError(gradient, expected, floor));
  }
  await file.close();
  return verdicts;
}

/** What the verdicts must be: neither more nor fewer gradients than PyTorch has, and each as it is there. */
export const allOk = (names: Iterable<string>) => Object.fromEntries([...names].map((name) => [name, 'ok']));
