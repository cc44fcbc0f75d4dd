import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../files/write-file.ts';
import { type BackendChoice, LuthierError, type Strategy } from '../../protocol/index.ts';
import type { JsonRecord } from '../hub/json-file.ts';
import { type ModelConfig, type ModelFolder, saveModelFolder, TEMPLATE_FILE } from '../hub/model-folder.ts';
import type { Architecture } from '../models/architecture.ts';
import { poolingOfModel } from '../models/config.ts';
import { mergeLora } from '../models/lora.ts';
import type { TaskModel } from '../runtime/model.ts';
import { kindOf } from '../strategies/index.ts';
import type { AnyTask, Item, LabelledItem, TaskSettings } from '../tasks/task.ts';
import { createOnnxRuntimeExecutor } from '../tensor/executors/onnxruntime.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { compareIn8Bit } from './compare-in-8-bit.ts';
import { type EightBitCheck, keepEightBit, type NotCompared } from './eight-bit.ts';
import { removeRoundings } from './eight-bit-file.ts';
import { ownEntry } from './inputs.ts';
import { openModel } from './open-model.ts';
import { differenceOf, isSame, saysDifference } from './same-answers.ts';
import { type BaseModel, saveAdapter } from './save-adapter.ts';

export interface SaveOptions {
  task: AnyTask;
  model: TaskModel;
  labels: readonly string[];
  /** The folder that the weights came from; its config is carried over. */
  source: ModelFolder;
  /** generation_config.json of that folder, which goes with a model that writes. */
  generation: JsonRecord | undefined;
  tokenizer: Tokenizer;
  maxLength: number;
  /** Columns that the model was trained on, one for each of its texts. */
  inputs: readonly string[];
  /** What was chosen for its answers, and how its data are written. */
  settings: TaskSettings;
  /** Texts on which the written model must answer as this one. */
  probes: readonly Item[];
  /** Rows on which predictions in 8 bits are compared with those in float, where the recipe asks for them. */
  eightBit?: { compared: readonly LabelledItem[]; seen: readonly LabelledItem[] } | undefined;
  backend: BackendChoice;
  /** Where an adapter that was trained goes, what it was trained on, and by which strategy. */
  adapter: { folder: string; base: BaseModel; strategy: Strategy };
}

/**
 * Writes a folder that transformers' class for the task loads with from_pretrained, adapters merged into their weights
 * (with a prompt, one that peft loads), then reads it again and compares its logits with the trained model's. Adapters and
 * prompts are written by themselves, too.
 * @returns what was found of its predictions in 8 bits, or why they were not compared; undefined where nobody asked
 * @throws LuthierError `export-mismatch` when they differ by more than rounding (same-answers.ts), `disk-full`, `not-writable`
 */
export async function saveTaskModel(
  target: string,
  options: SaveOptions,
): Promise<EightBitCheck | NotCompared | undefined> {
  const { task, model, labels, source, tokenizer, maxLength } = options;
  const probes = fewStates(options.probes, model);
  const expected = probes.length > 0 ? await answersOf(model, probes) : new Float32Array();
  const { adapters, prompt } = model.architecture;
  const { parameters } = model.store;
  const declared = model.declaration().parameters;
  const merged = adapters ? mergeLora(adapters, parameters, declared) : parameters;
  const plain = [...merged].filter(([name]) => !declared.get(name)!.isAdapter);
  const { folder, base, strategy } = options.adapter;
  const peft = kindOf(strategy).peftConfig?.(strategy, model.architecture, base.nameOrPath);
  const { template } = task;
  if (peft) await saveAdapter(folder, task, model, base, peft);
  // No weight has a prompt in it: it stays what it is.
  if (peft && prompt) await saveAdapter(target, task, model, base, peft);
  if (peft && template) await writeFileAtomically(join(folder, TEMPLATE_FILE), template.text);
  // What a pipeline cuts to: more than the positions and the model would fail there.
  await tokenizer.save(target, Math.min(maxLength, model.architecture.maxPositions));
  // Of an earlier model in the same place.
  await rm(join(target, TEMPLATE_FILE), { force: true });
  await removeRoundings(target);
  if (template) await writeFileAtomically(join(target, TEMPLATE_FILE), template.text);
  await saveModelFolder(target, {
    config: modelConfig(task, source.config, model.architecture, labels, options.inputs, options.settings),
    generation: options.generation,
    tensors: plain.map(([name, { shape, weight }]) => ({
      name,
      shape,
      dtype: 'F32',
      data: weight,
    })),
    hasPrompt: prompt !== undefined,
  });
  if (probes.length === 0) return options.eightBit && 'no-rows';
  try {
    return await compareSaved(target, probes, expected, options);
  } catch (error) {
    // On a graphics card there are two models now.
    if (!(error instanceof LuthierError) || error.code !== 'not-enough-memory' || !model.device) throw error;
    await model.vacate();
    return await compareSaved(target, probes, expected, options);
  }
}

/** The trained model's logits, in float. */
async function answersOf(model: TaskModel, probes: readonly Item[]): Promise<Float32Array> {
  if (!model.device?.heldBits) return Float32Array.from(await model.logits(probes));
  const processor = await createOnnxRuntimeExecutor();
  try {
    return await model.logitsInFloat(processor, probes);
  } finally {
    processor.dispose();
  }
}

/** Reads the folder that was written, and compares its answers with the trained model's. */
async function compareSaved(
  target: string,
  probes: readonly Item[],
  expected: Float32Array,
  options: SaveOptions,
): ReturnType<typeof saveTaskModel> {
  // A card that has the trained model in 8 bits may have no room for its float weights.
  const reloaded = await openModel(target, options.model.device?.heldBits ? 'onnxruntime' : options.backend);
  try {
    const difference = differenceOf(await reloaded.model.logits(probes), expected);
    if (!isSame(difference)) {
      throw new LuthierError(
        'export-mismatch',
        `${target}: the saved model's logits ${saysDifference(difference)}.`,
        'This machine’s disk or memory may be faulty. The checkpoint still has the trained weights.',
      );
    }
    return await checkedIn8Bit(target, reloaded.model, options);
  } finally {
    reloaded.dispose();
  }
}

/** The model as it was read again: what LoRA trained is merged there. */
async function checkedIn8Bit(
  target: string,
  model: TaskModel,
  { task, labels, settings, eightBit: rows }: SaveOptions,
): ReturnType<typeof saveTaskModel> {
  const { compare } = task;
  if (!rows || !compare) return undefined;
  if (rows.compared.length === 0) return 'no-rows';
  if (!(await model.isFastIn8Bit())) return 'not-fast';
  const { check, roundings } = await compareIn8Bit(model, compare, { labels, settings, ...rows });
  await keepEightBit(target, check, check.used ? roundings : undefined);
  return check;
}

/** Logits that are compared at most: of a vocabulary's, those of few tokens are many. */
const MOST_LOGITS = 2 ** 22;

/** The beginning of the probes, where every token has logits and they are many. */
function fewStates(probes: readonly Item[], model: TaskModel): Item[] {
  if (model.architecture.reads !== 'all') return [...probes];
  let left = Math.ceil(MOST_LOGITS / model.numLabels);
  return probes.flatMap((item) => {
    const length = Math.min(left, item.ids.length);
    left -= length;
    return length === 0 ? [] : [{ ids: item.ids.slice(0, length), typeIds: item.typeIds?.slice(0, length) ?? null }];
  });
}

/** config.json of a trained model: the source's, with what transformers needs to load and name the classes. */
export function modelConfig(
  task: AnyTask,
  source: ModelConfig,
  architecture: Architecture,
  labels: readonly string[],
  inputs: readonly string[],
  settings: TaskSettings,
): ModelConfig {
  const { _name_or_path: _, torch_dtype: __, problem_type: ___, ...rest } = source;
  return {
    ...rest,
    architectures: [architecture.className],
    dtype: 'float32',
    ...(architecture.outputs === undefined && {
      id2label: Object.fromEntries(labels.map((label, i) => [String(i), label])),
      label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
    }),
    ...task.save.config,
    ...ownEntry(task.name, inputs, settings, task.template !== undefined, poolingOfModel(source)),
  };
}
