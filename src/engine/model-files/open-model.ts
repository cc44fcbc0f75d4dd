import { join } from 'node:path';
import { type BackendChoice, LuthierError, type Note } from '../../protocol/index.ts';
import { type ModelConfig, type ModelFolder, openModelFolder, TEMPLATE_FILE } from '../hub/model-folder.ts';
import { isLayerWeight } from '../models/architecture.ts';
import { classesOf } from '../models/classes.ts';
import { architectureOf, hiddenSizeOf } from '../models/registry.ts';
import { openRowTemplate, type RowTemplate } from '../prompts/row-template.ts';
import { readKeptTemplate } from '../recipes/template.ts';
import { TaskModel } from '../runtime/model.ts';
import { answeringOfModel } from '../tasks/registry.ts';
import type { AnyAnswering } from '../tasks/task.ts';
import { createExecutor } from '../tensor/executors/create.ts';
import { Tokenizer } from '../text/tokenizer.ts';
import { hasTemplate } from './inputs.ts';
import { checkWeights, loadWeights } from './load-weights.ts';
import { withFolderPrompt } from './prompt.ts';

export interface OpenModel {
  /** Absolute. */
  readonly path: string;
  /** Names of the files in it. */
  readonly files: readonly string[];
  readonly config: ModelConfig;
  readonly task: AnyAnswering;
  readonly labels: string[];
  readonly model: TaskModel;
  readonly tokenizer: Tokenizer;
  /** What its rows were read through, where its folder says so. */
  readonly template: RowTemplate | undefined;
  dispose(): void;
}

/**
 * Loads a trained model's folder, nothing of it to be trained further.
 * @param note hears which backend was chosen, where that is not the usual one, and what the weights lack
 * @param taskOf what it is loaded for; may throw where it is another model
 * @param load_in_8bit a graphics card is to have the layers of a model that writes in 8 bits alone
 * @throws LuthierError as classesOf where the folder's model is no text classifier, and all that can be wrong with a
 *   model folder
 */
export async function openModel(
  modelFolder: string,
  backend: BackendChoice,
  note: Note = () => {},
  taskOf: (folder: ModelFolder, hasChatTemplate: boolean) => AnyAnswering = ({ config }, has) =>
    answeringOfModel(config, has),
  load_in_8bit = false,
): Promise<OpenModel> {
  const opening = openModelFolder(modelFolder);
  const executorReady = createExecutor(backend, { hiddenSize: opening.then(hiddenSizeOf), note });
  const loading = Tokenizer.load(modelFolder);
  for (const pending of [executorReady, loading]) pending.catch(() => {});
  // A folder that is no model lacks a tokenizer, too: what it is says more.
  const folder = await opening;
  try {
    const tokenizer = await loading;
    const task = taskOf(folder, tokenizer.chatTemplate !== null);
    const architecture = withFolderPrompt(folder, architectureOf(folder.config, `${folder.path}/config.json`, task));
    tokenizer.checkFits(architecture.vocabSize);
    const labels = architecture.outputs === undefined ? classesOf(folder, architecture) : [];
    checkWeights(folder, architecture);
    const template = await templateIn(folder, () => loading);
    const executor = await executorReady;
    const model = new TaskModel({
      executor,
      architecture,
      numLabels: architecture.outputs ?? labels.length,
      padId: tokenizer.padId,
      isTrained: () => false,
      ...(load_in_8bit && executor.openBytes && { held: { bits: 8, has: isLayerWeight(architecture) } }),
      accumulate: false,
      maxBatch: { texts: 1, tokens: 1 },
      seed: 0,
    });
    await loadWeights(folder, architecture, model.store, {
      classifierRows: labels.map((_, i) => i),
      seed: 0,
      note,
    });
    const dispose = () => {
      model.dispose();
      executor.dispose();
    };
    const { path, files, config } = folder;
    return { path, files, config, task, labels, model, tokenizer, template, dispose };
  } finally {
    await folder.weights.close();
  }
}

/** @throws LuthierError `model-invalid` where a folder lacks the template that it says its rows were read through */
async function templateIn(
  { path, files, config }: ModelFolder,
  tokenizer: () => Promise<Tokenizer>,
): Promise<RowTemplate | undefined> {
  if (!hasTemplate(config)) return undefined;
  if (files.includes(TEMPLATE_FILE))
    return openRowTemplate(await readKeptTemplate(join(path, TEMPLATE_FILE)), tokenizer);
  throw new LuthierError(
    'model-invalid',
    `${path} lacks ${TEMPLATE_FILE}, through which the model learned its rows.`,
    `Copy it from the run’s model folder, or take “template” out of “luthier” in config.json: texts then go in as they are, which the model has not learned.`,
  );
}
