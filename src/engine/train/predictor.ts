import type { BackendChoice, Prediction } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { createExecutor } from '../executors/create.ts';
import { openModelFolder } from '../hub/model-folder.ts';
import { createEncoder } from '../models/registry.ts';
import { type TextInput, Tokenizer } from '../text/tokenizer.ts';
import { Classifier } from './classifier.ts';
import { loadWeights } from './load-weights.ts';
import type { Note } from './types.ts';

export interface PredictorOptions {
  note?: Note;
  backend?: BackendChoice;
  /** Texts in one pass through the model. */
  batchSize?: number;
  /** Longest text in tokens; default: what the model's tokenizer_config.json says, at most its positions. */
  maxLength?: number;
}

export interface Predictor {
  readonly labels: string[];
  readonly modelFolder: string;
  /** `[texts, labels]` in the order given. `onProgress` hears how many are done; an aborted signal ends with `cancelled`. */
  logits(texts: readonly TextInput[], onProgress?: (done: number) => void, signal?: AbortSignal): Promise<Float32Array>;
  predict(texts: readonly string[], onProgress?: (done: number) => void, signal?: AbortSignal): Promise<Prediction[]>;
  dispose(): void;
}

/**
 * Loads a trained classifier's folder for predictions.
 * @throws LuthierError `model-invalid` when the folder's model has no trained classifier
 */
export async function createPredictor(modelFolder: string, options: PredictorOptions = {}): Promise<Predictor> {
  const { note = () => {}, backend = 'auto', batchSize = 64 } = options;
  const [folder, tokenizer, executor] = await Promise.all([
    openModelFolder(modelFolder),
    Tokenizer.load(modelFolder),
    createExecutor(backend),
  ]);
  try {
    const encoder = createEncoder(folder.config, `${folder.path}/config.json`);
    tokenizer.checkFits(encoder.vocabSize);
    const labels = classifierLabels(folder.config, folder.path, folder.weights.names());
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
    await loadWeights(folder, encoder, classifier.store, { keepClassifier: true, seed: 0, note });
    const maxLength = Math.min(options.maxLength ?? tokenizer.maxLength ?? 512, encoder.maxPositions);
    return new ClassifierPredictor(folder.path, labels, classifier, tokenizer, maxLength, batchSize, () =>
      executor.dispose(),
    );
  } finally {
    await folder.weights.close();
  }
}

function classifierLabels(config: Record<string, unknown>, path: string, names: readonly string[]): string[] {
  const names_ = config.id2label as Record<string, string> | undefined;
  if (!names.includes('classifier.weight')) {
    throw new LuthierError(
      'model-invalid',
      `${path} holds a pretrained model without a trained classifier, so it cannot predict.`,
      'Fine-tune it first (luthier train), then name the run or its model folder.',
    );
  }
  if (!names_) return ['LABEL_0', 'LABEL_1'];
  return Object.keys(names_)
    .sort((a, b) => Number(a) - Number(b))
    .map((id) => String(names_[id]));
}

class ClassifierPredictor implements Predictor {
  constructor(
    readonly modelFolder: string,
    readonly labels: string[],
    private readonly classifier: Classifier,
    private readonly tokenizer: Tokenizer,
    private readonly maxLength: number,
    private readonly batchSize: number,
    private readonly release: () => void,
  ) {}

  async logits(
    texts: readonly TextInput[],
    onProgress?: (done: number) => void,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const classes = this.labels.length;
    const logits = new Float32Array(texts.length * classes);
    const { encodings } = this.tokenizer.encodeAll(texts, this.maxLength);
    // Longest first: like lengths share a batch, and the first batch is the one that needs the most memory.
    const order = encodings
      .map((_, i) => i)
      .sort((a, b) => encodings[b]!.ids.length - encodings[a]!.ids.length || a - b);
    for (let i = 0; i < order.length; i += this.batchSize) {
      if (signal?.aborted) throw new LuthierError('cancelled', 'The prediction was cancelled.');
      const rows = order.slice(i, i + this.batchSize);
      const values = await this.classifier.logits(rows.map((row) => encodings[row]!));
      rows.forEach((row, k) => {
        logits.set(values.subarray(k * classes, (k + 1) * classes), row * classes);
      });
      onProgress?.(Math.min(i + this.batchSize, order.length));
    }
    return logits;
  }

  async predict(
    texts: readonly string[],
    onProgress?: (done: number) => void,
    signal?: AbortSignal,
  ): Promise<Prediction[]> {
    const logits = await this.logits(texts, onProgress, signal);
    const classes = this.labels.length;
    return texts.map((text, i) => {
      const probabilities = softmax(logits.subarray(i * classes, (i + 1) * classes));
      const best = probabilities.indexOf(Math.max(...probabilities));
      return {
        text,
        label: this.labels[best]!,
        score: probabilities[best]!,
        scores: Object.fromEntries(this.labels.map((label, c) => [label, probabilities[c]!])),
      };
    });
  }

  dispose(): void {
    this.classifier.dispose();
    this.release();
  }
}

/** Probabilities of one row of logits. */
export function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const max = Math.max(...values);
  const exps = values.map((v) => Math.exp(v - max));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((e) => e / sum);
}
