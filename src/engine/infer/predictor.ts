import { afterTurns } from '../../files/turns.ts';
import {
  type BackendChoice,
  columnFields,
  counted,
  isTaskName,
  LuthierError,
  type Note,
  type Prediction,
} from '../../protocol/index.ts';
import { inputsOf, refuseWrongInputs } from '../model-files/inputs.ts';
import { type OpenModel, openModel } from '../model-files/open-model.ts';
import { type RowTemplate, valuesOfText } from '../prompts/row-template.ts';
import { FittingBatch } from '../runtime/fitting-batch.ts';
import type { Roundings } from '../runtime/programs.ts';
import { requireTask } from '../tasks/registry.ts';
import { settingsOf } from '../tasks/settings.ts';
import type { AnyAnswering, Item, LabelledItem, Logits, TaskSettings } from '../tasks/task.ts';
import type { TextInput, Tokenizer } from '../text/tokenizer.ts';
import type { Reads } from './file-texts.ts';
import { inBatches, measure } from './inference.ts';

export interface PredictorOptions {
  backend?: BackendChoice;
  /** Texts in one pass through the model. */
  batchSize?: number;
  /** Longest text in tokens; default: what the model was trained with, at most its positions. */
  maxLength?: number;
  /** Hears which backend was chosen, where that is not the usual one. */
  note?: Note;
  /** Linear layers that are computed in 8 bits where texts are answered; evaluations are never. */
  eightBit?: Roundings | undefined;
}

/** A trained model that answers. */
export interface Predictor {
  readonly task: AnyAnswering;
  readonly labels: string[];
  readonly modelFolder: string;
  readonly tokenizer: Tokenizer;
  /** Longest item in tokens. */
  readonly maxLength: number;
  /** Columns that the model was trained on, one for each of its texts; undefined where its folder does not say. */
  readonly inputs: readonly string[] | undefined;
  /** What its folder says of how it answers. */
  readonly settings: TaskSettings;
  /** Of texts, as `run` gives them. */
  logits(texts: readonly TextInput[], onProgress?: (done: number) => void, signal?: AbortSignal): Promise<Logits>;
  /** Logits of items in their order. `onProgress` hears how many are done; an aborted signal ends with `cancelled`. */
  run(items: readonly Item[], onProgress?: (done: number) => void, signal?: AbortSignal): Promise<Logits>;
  /** What the task's evaluation needs, likewise. */
  measure(
    items: readonly LabelledItem[],
    onProgress?: (done: number) => void,
    signal?: AbortSignal,
  ): ReturnType<typeof measure>;
  /** Through its template, where it has one. @throws LuthierError `usage` for half a pair */
  predict(
    texts: readonly TextInput[],
    onProgress?: (done: number) => void,
    signal?: AbortSignal,
  ): Promise<Prediction[]>;
  /** The same for texts that a template has made already. */
  answer: Predictor['predict'];
  /** What its rows were read through. */
  readonly template: RowTemplate | undefined;
  dispose(): void;
}

/** What it answers: texts as its folder says, or the words of sentences. */
export const readsOf = ({ task, inputs, template }: Pick<Predictor, 'task' | 'inputs' | 'template'>): Reads => ({
  template,
  kind: isTaskName(task.name) && columnFields(task.name).some(({ name }) => name === 'tokens') ? 'words' : 'texts',
  inputs,
});

/** Loads a trained model's folder for predictions. Errors as openModel. */
export async function createPredictor(modelFolder: string, options: PredictorOptions = {}): Promise<Predictor> {
  return predictorOf(await openModel(modelFolder, options.backend ?? 'auto', options.note), options);
}

/** A model that is open already, asked for predictions. */
export function predictorOf(
  open: OpenModel,
  options: Pick<PredictorOptions, 'batchSize' | 'maxLength' | 'eightBit' | 'note'> = {},
): Predictor {
  const { task, labels, model, tokenizer, path, template } = open;
  const positions = model.architecture.maxPositions;
  const maxLength = Math.min(options.maxLength ?? tokenizer.maxLength ?? positions, positions);
  const inputs = inputsOf(open.config);
  const settings = settingsOf(open.config);
  const batchSize = options.batchSize ?? 64;
  const fitting = new FittingBatch(batchSize, model, (size, before) =>
    options.note?.(
      'warning',
      `The graphics card ran out of memory. From now on ${counted(size, 'text')} instead of ${before} ${size === 1 ? 'is' : 'are'} answered at a time, which takes longer and gives the same results.`,
    ),
  );
  const batches = (onProgress?: (done: number) => void, signal?: AbortSignal) => {
    const refuseAborted = () => {
      if (signal?.aborted) throw new LuthierError('cancelled', 'Prediction cancelled.');
    };
    refuseAborted();
    const between = async (done: number) => {
      onProgress?.(done);
      if (signal) await afterTurns();
      refuseAborted();
    };
    return { batchSize, fitting, between };
  };
  const run: Predictor['run'] = async (items, onProgress, signal) =>
    inBatches({
      ...batches(onProgress, signal),
      texts: items,
      width: model.numLabels,
      statesOf: (item) => model.statesOf(item),
      run: (batch) => model.logits(batch, options.eightBit),
    });
  const answer: Predictor['answer'] = (texts, onProgress, signal) => answered(texts, texts, onProgress, signal);
  return {
    ...{ task, labels, modelFolder: path, tokenizer, maxLength, inputs, settings, run, template, answer },
    measure: async (items, onProgress, signal) =>
      measure(requireTask(task, path), model, items, batches(onProgress, signal)),
    logits: (texts, onProgress, signal) => run(task.prepare(texts, tokenizer, maxLength), onProgress, signal),
    predict: async (texts, onProgress, signal) => {
      if (!template) return answer(texts, onProgress, signal);
      const read: string[] = [];
      for (const text of texts) read.push((await template.render(valuesOfText(template, text), signal)).text);
      return answered(texts, read, onProgress, signal);
    },
    dispose: () => open.dispose(),
  };

  /** @param texts as they were given @param read as the model reads them */
  async function answered(
    texts: readonly TextInput[],
    read: readonly TextInput[],
    onProgress: ((done: number) => void) | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Prediction[]> {
    refuseWrongInputs(read, inputs);
    const items = task.prepare(read, tokenizer, maxLength);
    const logits = await run(items, onProgress, signal);
    const answers: Prediction[] = task.decode({ texts, items, logits, labels, settings, tokenizer, model: path });
    if (task.reads !== 'first') return answers;
    return answers.map((answer, i) => {
      const unknown_tokens = tokenizer.unknownIn(
        items[i]!.ids,
        typeof read[i] !== 'string' && read[i]!.text_pair !== undefined,
      );
      return {
        ...answer,
        ...(unknown_tokens.count > 0 && { unknown_tokens }),
        ...(items[i]!.truncated && { truncated: true as const }),
      };
    });
  }
}
