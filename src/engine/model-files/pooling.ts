import type { Note, Pooling, Recipe } from '../../protocol/index.ts';
import type { ModelConfig, ModelFolder, WeightSource } from '../hub/model-folder.ts';
import { type Architecture, answerNames } from '../models/architecture.ts';
import { OWN_KEY, poolingOfModel } from '../models/config.ts';
import { mapWeights } from '../models/names.ts';
import { type MadeTensor, poolingTensors } from '../models/pooling.ts';
import { architectureOf } from '../models/registry.ts';
import { requirePooling } from '../recipes/pooling.ts';
import { kindOf } from '../strategies/index.ts';
import type { AnyTask } from '../tasks/task.ts';
import { sentencePooling } from './sentence-pooling.ts';

/**
 * A base model's folder as a run starts from it: its texts are read as the recipe says, or, where the recipe leaves that
 * to a strategy that embeds, as the model was made for. For the mean it has one layer more than its files; everything
 * that opens, loads or saves a folder does so with this one.
 * @param plain the architecture of the folder as it is
 * @throws LuthierError `recipe-invalid` where the model or the strategy cannot be read so
 */
export async function pooledFolder(
  folder: ModelFolder,
  plain: Architecture,
  task: AnyTask,
  recipe: Pick<Recipe, 'pooling' | 'strategy'>,
  note: Note,
): Promise<ModelFolder> {
  requirePooling(folder, plain, recipe);
  if (plain.pooling === undefined) return folder;
  const { pooling, why } = await chosenPooling(folder, plain, recipe, note);
  if (pooling === 'pooler') {
    if (recipe.pooling !== undefined || why !== '')
      note('info', `Texts are read by their first token’s state through the model’s pooler${why}.`);
    return folder;
  }
  const pooled = await withPooling(folder, plain, task, pooling);
  note(
    'info',
    pooling === 'mean'
      ? `Texts are read by the mean of their tokens’ states${why}. The model gets a layer that takes it (layer ${plain.numLayers + 1}), so that it stays a model of its class, ${plain.className}, with one layer more than the base model.`
      : `Texts are read by their first token’s state as it leaves the last layer${why}: the pooler passes it on.`,
  );
  return pooled;
}

/** @returns why it is so, to be put behind a sentence; empty where it is as always */
async function chosenPooling(
  folder: ModelFolder,
  plain: Architecture,
  { pooling, strategy }: Pick<Recipe, 'pooling' | 'strategy'>,
  note: Note,
): Promise<{ pooling: Pooling; why: string }> {
  const own = poolingOfModel(folder.config);
  // The layer is there already.
  if (own !== undefined)
    return { pooling: 'pooler', why: `, which gives the pooling "${own}" that it was trained with` };
  const hasPooler = !mapWeights(plain, folder.weights.names()).missingHead.includes(`${plain.pooling!.dense}.weight`);
  if (pooling === 'pooler' && !hasPooler)
    note(
      'warning',
      'The model has no trained pooler: with pooling "pooler", its texts are read through random weights.',
    );
  if (pooling !== undefined) return { pooling, why: ' (pooling in the recipe)' };
  if (!kindOf(strategy).embeds?.(strategy)) return { pooling: 'pooler', why: '' };
  const said = await sentencePooling(folder, note);
  if (said.pooling) return { pooling: said.pooling, why: `, as ${said.file} of the model says` };
  // What pairs teach is an embedding; sentence-transformers takes the mean where nothing is said.
  if (kindOf(strategy).pairs) return { pooling: 'mean', why: ', which is the embedding that pairs teach' };
  return hasPooler ? { pooling: 'pooler', why: '' } : { pooling: 'mean', why: ', as the model has no trained pooler' };
}

/** The folder with a pooling in the place of its pooler. */
async function withPooling(
  folder: ModelFolder,
  plain: Architecture,
  task: AnyTask,
  pooling: Exclude<Pooling, 'pooler'>,
): Promise<ModelFolder> {
  const { layers, layer, norm } = plain.pooling!;
  const own = folder.config[OWN_KEY];
  const config: ModelConfig = {
    ...folder.config,
    ...(pooling === 'mean' && { [layers]: plain.numLayers + 1 }),
    [OWN_KEY]: { ...(typeof own === 'object' ? own : {}), pooling },
  };
  const architecture = architectureOf(config, `${folder.path}/config.json`, task);
  const { files } = mapWeights(plain, folder.weights.names());
  const read = async (part: string) => {
    const stored = files.get(`${layer(plain.numLayers - 1)}.${norm}.${part}`);
    const values = new Float32Array(plain.hiddenSize);
    if (stored !== undefined) await folder.weights.readInto(stored, values);
    return values;
  };
  const last = pooling === 'cls' ? { weight: await read('weight'), bias: await read('bias') } : undefined;
  const made = poolingTensors(architecture, pooling, last);
  // Answers that were learnt on what the pooler gave mean nothing here.
  const gone = new Set([...made.keys(), ...answerNames(plain)].map((name) => files.get(name) ?? name));
  return { ...folder, config, weights: withMade(folder.weights, made, gone) };
}

/** Tensors of a folder, some of them made, and without those that are gone. */
function withMade(
  stored: WeightSource,
  made: ReadonlyMap<string, MadeTensor>,
  gone: ReadonlySet<string>,
): WeightSource {
  return {
    names: () => [...stored.names().filter((name) => !gone.has(name)), ...made.keys()],
    shape: (name) => made.get(name)?.shape ?? stored.shape(name),
    dtype: (name) => (made.has(name) ? 'F32' : stored.dtype(name)),
    readInto: async (name, target) => {
      const its = made.get(name);
      if (its) its.fill(target);
      else await stored.readInto(name, target);
    },
    close: () => stored.close(),
  };
}
