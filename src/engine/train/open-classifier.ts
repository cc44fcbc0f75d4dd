import type { BackendChoice } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { createExecutor } from '../executors/create.ts';
import { type ModelConfig, openModelFolder } from '../hub/model-folder.ts';
import { createEncoder } from '../models/registry.ts';
import { Tokenizer } from '../text/tokenizer.ts';
import { Classifier } from './classifier.ts';
import { loadWeights } from './load-weights.ts';
import type { Note } from './types.ts';

export interface OpenClassifier {
  /** Absolute. */
  readonly path: string;
  readonly config: ModelConfig;
  readonly labels: string[];
  readonly classifier: Classifier;
  readonly tokenizer: Tokenizer;
  dispose(): void;
}

/**
 * Loads a trained classifier's folder, nothing of it to be trained further.
 * @param note hears which backend was chosen, where that is not the usual one
 * @throws LuthierError `model-invalid` when the folder's model has no trained classifier, and all that can be wrong
 *   with a model folder
 */
export async function openClassifier(
  modelFolder: string,
  backend: BackendChoice,
  note: Note = () => {},
): Promise<OpenClassifier> {
  const model = openModelFolder(modelFolder);
  const executorReady = createExecutor(backend, { model, note });
  executorReady.catch(() => {});
  const [folder, tokenizer] = await Promise.all([model, Tokenizer.load(modelFolder)]);
  try {
    const encoder = createEncoder(folder.config, `${folder.path}/config.json`);
    tokenizer.checkFits(encoder.vocabSize);
    const labels = classifierLabels(folder.config, folder.path, folder.weights.names());
    const executor = await executorReady;
    const classifier = new Classifier({
      executor,
      encoder,
      numLabels: labels.length,
      padId: tokenizer.padId,
      isTrained: () => false,
      accumulate: false,
      labelSmoothing: 0,
      maxBatch: { texts: 1, tokens: 1 },
      seed: 0,
    });
    await loadWeights(folder, encoder, classifier.store, { keepClassifier: true, seed: 0, note: () => {} });
    const dispose = () => {
      classifier.dispose();
      executor.dispose();
    };
    return { path: folder.path, config: folder.config, labels, classifier, tokenizer, dispose };
  } finally {
    await folder.weights.close();
  }
}

function classifierLabels(config: ModelConfig, path: string, weights: readonly string[]): string[] {
  if (!weights.includes('classifier.weight')) {
    throw new LuthierError(
      'model-invalid',
      `${path} holds a pretrained model without a trained classifier, so it cannot predict.`,
      'Fine-tune it first (luthier train), then name the run or its model folder.',
    );
  }
  const names = config.id2label as Record<string, unknown> | undefined;
  // transformers' default when a config names no classes.
  if (!names) return ['LABEL_0', 'LABEL_1'];
  return Object.keys(names)
    .sort((a, b) => Number(a) - Number(b))
    .map((id) => String(names[id]));
}
