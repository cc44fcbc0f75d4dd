import type { BackendChoice } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { type ModelConfig, type ModelFolder, saveModelFolder } from '../hub/model-folder.ts';
import { openClassifier } from '../infer/open-classifier.ts';
import type { Encoder } from '../models/encoder.ts';
import { mergeLora } from '../models/lora.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { Classifier } from './classifier.ts';
import { inputsEntry } from './inputs.ts';
import type { PackableText } from './packing.ts';
import { type BaseModel, saveAdapter } from './save-adapter.ts';

/** Largest difference of a logit that passes for the same answer. */
export const LOGIT_TOLERANCE = 1e-4;

export interface SaveOptions {
  classifier: Classifier;
  labels: readonly string[];
  /** The folder that the weights came from; its config is carried over. */
  source: ModelFolder;
  tokenizer: Tokenizer;
  maxLength: number;
  /** Columns that the model was trained on, one for each of its texts. */
  inputs: readonly string[];
  /** Texts on which the written model must answer as this one. */
  probes: readonly PackableText[];
  backend: BackendChoice;
  /** Where an adapter that was trained goes, and what it was trained on. */
  adapter: { folder: string; base: BaseModel };
}

/**
 * Writes a folder that AutoModelForSequenceClassification.from_pretrained loads, adapters merged into their weights,
 * then reads it again and compares its logits with the trained model's. Adapters are written by themselves, too.
 * @throws LuthierError `export-mismatch` when they differ by more than 1e-4, `disk-full`, `not-writable`
 */
export async function saveClassifier(target: string, options: SaveOptions): Promise<void> {
  const { classifier, labels, source, tokenizer, probes, backend, maxLength } = options;
  const expected = probes.length > 0 ? Float32Array.from(await classifier.logits(probes)) : new Float32Array();
  const { adapters } = classifier.encoder;
  const { parameters } = classifier.store;
  const plain = adapters ? mergeLora(adapters, parameters, classifier.declaration().parameters) : parameters;
  if (adapters) await saveAdapter(options.adapter.folder, classifier, adapters, options.adapter.base);
  // What a pipeline cuts to: more than the positions and the model would fail there.
  await tokenizer.save(target, Math.min(maxLength, classifier.encoder.maxPositions));
  await saveModelFolder(target, {
    config: classifierConfig(source.config, classifier.encoder, labels, options.inputs),
    tensors: [...plain].map(([name, { shape, weight }]) => ({
      name,
      shape,
      dtype: 'F32',
      data: weight,
    })),
  });
  if (probes.length === 0) return;
  const difference = await reloadedDifference(target, probes, expected, backend);
  if (!(difference <= LOGIT_TOLERANCE)) {
    throw new LuthierError(
      'export-mismatch',
      `${target}: the saved model's logits differ by ${difference.toExponential(2)} from the trained model's; at most ${LOGIT_TOLERANCE} is expected.`,
      'This machine’s disk or memory may be faulty. The checkpoint still has the trained weights.',
    );
  }
}

async function reloadedDifference(
  target: string,
  probes: readonly PackableText[],
  expected: Float32Array,
  backend: BackendChoice,
): Promise<number> {
  const reloaded = await openClassifier(target, backend);
  try {
    return maxDifference(await reloaded.classifier.logits(probes), expected);
  } finally {
    reloaded.dispose();
  }
}

/** Largest absolute difference; NaN when either has one. */
export function maxDifference(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i]! - b[i]!);
    if (!(d <= largest)) largest = d;
  }
  return largest;
}

/** config.json of a classifier: the source's, with what transformers needs to load and name the classes. */
export function classifierConfig(
  source: ModelConfig,
  encoder: Encoder,
  labels: readonly string[],
  inputs: readonly string[],
): ModelConfig {
  const { _name_or_path: _, torch_dtype: __, ...rest } = source;
  return {
    ...rest,
    architectures: [encoder.architecture],
    dtype: 'float32',
    id2label: Object.fromEntries(labels.map((label, i) => [String(i), label])),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
    problem_type: 'single_label_classification',
    ...inputsEntry(inputs),
  };
}
