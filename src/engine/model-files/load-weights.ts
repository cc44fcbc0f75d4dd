import { LuthierError, type Note } from '../../protocol/index.ts';
import { Random } from '../data/random.ts';
import type { ModelFolder } from '../hub/model-folder.ts';
import { type Architecture, answerNames, declarationOf, moduleOf } from '../models/architecture.ts';
import { outputNorms } from '../models/lora.ts';
import { mapWeights } from '../models/names.ts';
import type { Init } from '../models/scope.ts';
import type { Parameter, ParameterStore } from '../runtime/parameter-store.ts';
import { sameShape } from '../tensor/graph/ir.ts';

interface LoadOptions {
  /** Row of the folder's classifier for each class (models/classes.ts); null to start from new weights. */
  classifierRows: readonly number[] | null;
  seed: number;
  note: Note;
}

/**
 * Compares what config.json calls for with what the weights' headers say, before memory of that size is asked for.
 * @throws LuthierError `model-invalid` naming the tensor that is missing or has another shape
 */
export function checkWeights(folder: ModelFolder, architecture: Architecture): void {
  const map = mapWeights(architecture, folder.weights.names());
  if (map.missing.length > 0) {
    const more = map.missing.length > 1 ? ` and ${map.missing.length - 1} more` : '';
    throw new LuthierError(
      'model-invalid',
      `${folder.path}: the weights are missing ${map.missing[0]}${more}, which config.json requires.`,
      'The files are from different models, or a download is incomplete. Download or copy the model again.',
    );
  }
  if (architecture.reads === 'named' && map.missingHead.length > 0) {
    throw new LuthierError(
      'model-invalid',
      `${folder.path}: the weights are missing ${map.missingHead[0]}, so the model has no masked-language head and cannot fill in masks.`,
      `Use one that has it (its class is ${architecture.className}), such as bert-base-uncased or distilroberta-base, or download or copy the model again.`,
    );
  }
  if (architecture.outputs !== undefined && map.missingHead.length > 0) {
    throw new LuthierError(
      'model-invalid',
      `${folder.path}: the weights are missing ${map.missingHead[0]}, which a language model needs: tie_word_embeddings in config.json is not true, so that it has a head of its own.`,
      'If the model uses its embeddings as its head, set tie_word_embeddings to true there. If not, a download is incomplete, or these are the layers alone: download the whole model again.',
    );
  }
  const answers = answerNames(architecture);
  for (const { name, shape } of declarationOf(architecture).parameters.values()) {
    const stored = map.files.get(name);
    // A classifier has as many rows as it has classes: models/classes.ts compares them with their names.
    if (stored !== undefined && !answers.includes(name)) requireShape(folder, stored, shape);
  }
}

function requireShape({ path, weights }: ModelFolder, stored: string, shape: readonly number[]): void {
  const there = weights.shape(stored);
  if (sameShape(there, shape)) return;
  throw new LuthierError(
    'model-invalid',
    `${path}: ${stored} has shape [${there}], but config.json requires [${shape}].`,
    'The files are from different models. Download or copy the model again.',
  );
}

/**
 * Fills the store from a model folder. What the folder lacks of the head is initialised as the family says, and said;
 * what a strategy adds as peft does.
 * @throws LuthierError `model-invalid` naming the tensor that is missing, has another shape than config.json says, or
 *   holds a value that is no finite number
 */
export async function loadWeights(
  folder: ModelFolder,
  architecture: Architecture,
  store: ParameterStore,
  options: LoadOptions,
): Promise<void> {
  checkWeights(folder, architecture);
  const map = mapWeights(architecture, folder.weights.names());
  const answers = answerNames(architecture);
  const { parameters } = declarationOf(architecture);
  const { classifierRows } = options;
  const fresh: string[] = [];
  for (const { name, shape, weight } of store.parameters.values()) {
    const stored = map.files.get(name);
    const isAnswer = answers.includes(name);
    if (parameters.get(name)!.isAdapter && folder.prompt) {
      await folder.prompt.weights.readInto(name, weight);
      requireFinite(folder, name, store, name);
    } else if (stored !== undefined && !(isAnswer && classifierRows === null)) {
      if (isAnswer) await readRows(folder, stored, shape, weight, classifierRows!);
      else await folder.weights.readInto(stored, weight);
      requireFinite(folder, stored, store, name);
    } else {
      initialize(weight, parameters.get(name)!.init, store, options.seed, fresh.length);
      fresh.push(name);
    }
  }
  const lacking = fresh.find((name) => !answers.includes(name) && !parameters.get(name)!.isAdapter);
  if (lacking !== undefined)
    options.note('info', `The model has no ${moduleOf(lacking)}; this part starts from random weights.`);
}

/** Reads a classifier's weight `[classes, H]` or bias `[classes]`, each class from its row of the file. */
async function readRows(
  folder: ModelFolder,
  stored: string,
  shape: readonly number[],
  weight: Float32Array,
  rows: readonly number[],
): Promise<void> {
  requireShape(folder, stored, shape);
  if (rows.every((row, i) => row === i)) return folder.weights.readInto(stored, weight);
  const all = new Float32Array(weight.length);
  await folder.weights.readInto(stored, all);
  const width = weight.length / rows.length;
  rows.forEach((row, i) => {
    weight.set(all.subarray(row * width, (row + 1) * width), i * width);
  });
}

/** Weights of a training that diverged, or of a damaged file: nothing can be computed with them. */
function requireFinite({ path }: ModelFolder, stored: string, store: ParameterStore, name: string): void {
  if (store.isFinite(name)) return;
  const values = store.get(name).weight;
  const at = values.findIndex((value) => !Number.isFinite(value));
  const what = Number.isNaN(values[at]) ? 'NaN' : 'infinity';
  throw new LuthierError(
    'model-invalid',
    `${path}: ${stored} contains ${what} (value ${at + 1} of ${values.length}), so the model cannot give answers.`,
    'The training that produced it diverged, or the file is damaged. Download or copy the model again, or use an earlier checkpoint.',
  );
}

/** Fills every parameter at random, as if nothing had been pretrained. */
export function initializeAll(architecture: Architecture, store: ParameterStore, seed: number): void {
  const { parameters } = declarationOf(architecture);
  [...store.parameters.values()].forEach(({ name, weight }, stream) => {
    initialize(weight, parameters.get(name)!.init, store, seed, stream);
  });
}

/** @param store has the parameters that stand before this one */
function initialize(weight: Float32Array, init: Init, store: ParameterStore, seed: number, stream: number): void {
  if (init === 'zeros') weight.fill(0);
  else if (init === 'ones') weight.fill(1);
  else if ('rows' in init) copyRows(weight, store.get(init.of), init.rows);
  else if ('norms' in init) weight.set(outputNorms(store.get(init.of), init.norms));
  else if ('normal' in init) fillNormal(weight, init.normal, new Random(seed, 1_000_000 + stream));
  else fillUniform(weight, init.uniform, new Random(seed, 1_000_000 + stream));
}

function copyRows(
  target: Float32Array,
  { shape, weight }: Pick<Parameter, 'shape' | 'weight'>,
  rows: readonly number[],
): void {
  const width = shape[1]!;
  rows.forEach((row, i) => {
    target.set(weight.subarray(row * width, (row + 1) * width), i * width);
  });
}

function fillUniform(values: Float32Array, bound: number, random: Random): void {
  for (let i = 0; i < values.length; i++) values[i] = bound * (2 * random.float() - 1);
}

/** Normal numbers by Box and Muller (1958), the same on every platform up to Math's last digit. */
function fillNormal(values: Float32Array, deviation: number, random: Random): void {
  for (let i = 0; i < values.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random.float()));
    const angle = 2 * Math.PI * random.float();
    values[i] = radius * Math.cos(angle);
    if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle);
  }
}
