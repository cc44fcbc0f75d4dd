import { type BackendChoice, largest, type Prediction } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import type { TextInput } from '../text/tokenizer.ts';
import { inputsOf, refuseWrongInputs } from '../train/inputs.ts';
import type { Note } from '../train/types.ts';
import { afterTurns } from '../turns.ts';
import { inBatches } from './inference.ts';
import { type OpenClassifier, openClassifier } from './open-classifier.ts';

export interface PredictorOptions {
  backend?: BackendChoice;
  /** Texts in one pass through the model. */
  batchSize?: number;
  /** Longest text in tokens; default: what the model was trained with, at most its positions. */
  maxLength?: number;
  /** Hears which backend was chosen, where that is not the usual one. */
  note?: Note;
}

export interface Predictor {
  readonly labels: string[];
  readonly modelFolder: string;
  /** `[texts, labels]` in the order given. `onProgress` hears how many are done; an aborted signal ends with `cancelled`. */
  logits(texts: readonly TextInput[], onProgress?: (done: number) => void, signal?: AbortSignal): Promise<Float32Array>;
  /** Columns that the model was trained on, one for each of its texts; undefined where its folder does not say. */
  readonly inputs: readonly string[] | undefined;
  /** @throws LuthierError `usage` for half a pair */
  predict(
    texts: readonly TextInput[],
    onProgress?: (done: number) => void,
    signal?: AbortSignal,
  ): Promise<Prediction[]>;
  dispose(): void;
}

/** Loads a trained classifier's folder for predictions. Errors as openClassifier. */
export async function createPredictor(modelFolder: string, options: PredictorOptions = {}): Promise<Predictor> {
  const open = await openClassifier(modelFolder, options.backend ?? 'auto', options.note);
  const positions = open.classifier.encoder.maxPositions;
  const maxLength = Math.min(options.maxLength ?? open.tokenizer.maxLength ?? positions, positions);
  return new ClassifierPredictor(open, maxLength, options.batchSize ?? 64);
}

class ClassifierPredictor implements Predictor {
  constructor(
    private readonly open: OpenClassifier,
    private readonly maxLength: number,
    private readonly batchSize: number,
  ) {}

  get labels() {
    return this.open.labels;
  }
  get modelFolder() {
    return this.open.path;
  }
  get inputs() {
    return inputsOf(this.open.config);
  }

  async logits(texts: readonly TextInput[], onProgress?: (done: number) => void, signal?: AbortSignal) {
    const { classifier, tokenizer } = this.open;
    const refuseAborted = () => {
      if (signal?.aborted) throw new LuthierError('cancelled', 'Prediction cancelled.');
    };
    refuseAborted();
    const { encodings } = tokenizer.encodeAll(texts, this.maxLength);
    return inBatches({
      texts: encodings,
      batchSize: this.batchSize,
      width: this.labels.length,
      run: (batch) => classifier.logits(batch),
      between: async (done) => {
        onProgress?.(done);
        if (signal) await afterTurns();
        refuseAborted();
      },
    });
  }

  async predict(texts: readonly TextInput[], onProgress?: (done: number) => void, signal?: AbortSignal) {
    refuseWrongInputs(texts, this.inputs);
    const logits = await this.logits(texts, onProgress, signal);
    const classes = this.labels.length;
    return texts.map((text, i): Prediction => {
      const probabilities = softmax(logits.subarray(i * classes, (i + 1) * classes));
      if (!Number.isFinite(probabilities[0]!)) {
        throw new LuthierError(
          'model-invalid',
          `The answer of ${this.open.path} for text ${i + 1} of ${texts.length} is not a finite number: its weights are too large.`,
          'The training that produced it diverged. Train again with a lower learning_rate, or download or copy the model again.',
        );
      }
      const best = probabilities.indexOf(largest(probabilities));
      return {
        ...(typeof text === 'string' ? { text } : text),
        label: this.labels[best]!,
        score: probabilities[best]!,
        scores: Object.fromEntries(this.labels.map((label, c) => [label, probabilities[c]!])),
      };
    });
  }

  dispose(): void {
    this.open.dispose();
  }
}

/** Probabilities of one row of logits. */
export function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const max = largest(values);
  const exps = values.map((v) => Math.exp(v - max));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((e) => e / sum);
}
