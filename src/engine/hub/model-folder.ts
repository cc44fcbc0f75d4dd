import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errnoOf } from '../../files/errno.ts';
import { makeFolder, sweepAside, writeFileAtomically } from '../../files/write-file.ts';
import { LuthierError } from '../../protocol/index.ts';
import { isRecord, type JsonRecord, readJsonRecord } from './json-file.ts';
import { SafetensorsFile, type TensorToWrite, writeSafetensors } from './safetensors.ts';
import { quoteName } from './safetensors-header.ts';

export const CONFIG_FILE = 'config.json';
export const WEIGHTS_FILE = 'model.safetensors';
export const WEIGHTS_INDEX_FILE = 'model.safetensors.index.json';
export const ADAPTER_CONFIG_FILE = 'adapter_config.json';
export const ADAPTER_WEIGHTS_FILE = 'adapter_model.safetensors';
/**
 * Where a model that reads a prompt in front of each text has its weights, beside the prompt in peft's files. Were they in
 * the folder itself, transformers without peft would load them and answer without the prompt.
 */
export const BASE_FOLDER = 'base';
/** What ends a generated text, and how its makers would generate one. */
export const GENERATION_FILE = 'generation_config.json';
/** The model card. */
export const CARD_FILE = 'README.md';
/** sentence-transformers' list of what follows each other in a model, each with a folder of its settings. */
export const MODULES_FILE = 'modules.json';
export const POOLING_FILE = '1_Pooling/config.json';
/** The template that a model learned its rows through. */
export const TEMPLATE_FILE = 'prompt.prompty';
/** How predictions in 8 bits round what goes into the layers. */
export const EIGHT_BIT_FILE = 'predict_in_8bit.safetensors';

/** What a tokenizer may consist of, whichever model it belongs to. */
export const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.txt',
  'vocab.json',
  'merges.txt',
  'spiece.model',
  'sentencepiece.bpe.model',
  'tokenizer.model',
  'chat_template.jinja',
] as const;

/** Weights that we do not read: pickles, which can run code when loaded, and other frameworks' formats. */
const FOREIGN_WEIGHTS = /^(pytorch_model.*\.bin|.*\.pth?|tf_model\.h5|flax_model\.msgpack|.*\.ckpt.*|.*\.gguf)$/;

/** config.json as it is; models/registry.ts checks what it says. */
export type ModelConfig = JsonRecord;

/** Tensors by name, whichever file each is in. */
export interface WeightSource {
  names(): string[];
  /** @throws LuthierError `model-invalid` for a name that is not there, as readInto does */
  shape(name: string): readonly number[];
  /** How it is stored: `F32`, `F16`, `BF16`… */
  dtype(name: string): string;
  /** Fills `target` (as long as the shape's product) with the tensor as float32, row-major. */
  readInto(name: string, target: Float32Array): Promise<void>;
  close(): Promise<void>;
}

export interface ModelFolder {
  /** Absolute. */
  path: string;
  config: ModelConfig;
  /** To be closed by whoever opened the folder. */
  weights: WeightSource;
  /** Names of the files in it. */
  files: string[];
  /** peft's files of the prompt that the model reads in front of each text, where it has one. */
  prompt?: { config: JsonRecord; weights: WeightSource };
}

/**
 * Opens a Hugging Face model folder: config.json, and model.safetensors or its sharded form. Headers are read and
 * checked, weights are not read yet.
 * @throws LuthierError `model-not-found` (no such folder), `model-invalid` (a file is missing or damaged),
 *   `model-unsupported` (weights only in another format; the hint says how to convert them)
 */
export async function openModelFolder(folder: string): Promise<ModelFolder> {
  const path = resolve(folder);
  const files = await listFiles(path);
  if (!files.includes(CONFIG_FILE)) throw await lacking(path, files, CONFIG_FILE);
  const config = await readJsonRecord(join(path, CONFIG_FILE));
  if (hasPrompt(files)) return openWithPrompt(path, config, files);
  if (files.includes(WEIGHTS_FILE)) return { path, config, files, weights: await openShards(path, [WEIGHTS_FILE]) };
  if (files.includes(WEIGHTS_INDEX_FILE)) return { path, config, files, weights: await openIndexed(path, files) };
  throw await lacking(path, files, WEIGHTS_FILE);
}

const hasPrompt = (files: readonly string[]): boolean =>
  files.includes(ADAPTER_CONFIG_FILE) && files.includes(BASE_FOLDER);

async function openWithPrompt(path: string, config: ModelConfig, files: string[]): Promise<ModelFolder> {
  const adapter = await readJsonRecord(join(path, ADAPTER_CONFIG_FILE));
  const prompt = await openShards(path, [ADAPTER_WEIGHTS_FILE]);
  try {
    const base = await openShards(join(path, BASE_FOLDER), [WEIGHTS_FILE]);
    const close = async () => {
      await base.close();
      await prompt.close();
    };
    return { path, config, files, weights: { ...base, close }, prompt: { config: adapter, weights: prompt } };
  } catch (error) {
    await prompt.close();
    throw error;
  }
}

async function listFiles(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') throw new LuthierError('model-not-found', `The folder ${path} does not exist.`);
    if (code === 'ENOTDIR') {
      throw new LuthierError(
        'model-invalid',
        `${path} is a file, not a model folder.`,
        'Name the folder that contains config.json and model.safetensors.',
      );
    }
    throw new LuthierError('model-invalid', `${path} cannot be read (${code ?? error}).`, undefined, { cause: error });
  }
}

async function lacking(path: string, files: string[], file: string): Promise<LuthierError> {
  if (files.includes(ADAPTER_CONFIG_FILE)) {
    return adapterAlone(path, await readJsonRecord(join(path, ADAPTER_CONFIG_FILE)).catch(() => ({})));
  }
  const foreign = files.find((name) => FOREIGN_WEIGHTS.test(name));
  return file === WEIGHTS_FILE && foreign !== undefined
    ? foreignWeights(path, foreign)
    : new LuthierError(
        'model-invalid',
        `The model folder ${path} lacks ${file}.`,
        `A model folder contains ${CONFIG_FILE}, a tokenizer and ${WEIGHTS_FILE}; download or copy the missing file.`,
      );
}

/**
 * What generation_config.json says; undefined where there is none.
 * @throws LuthierError `model-invalid` where it cannot be read
 */
export const readGeneration = async ({
  path,
  files,
}: {
  path: string;
  files: readonly string[];
}): Promise<JsonRecord | undefined> =>
  files.includes(GENERATION_FILE) ? readJsonRecord(join(path, GENERATION_FILE)) : undefined;

/**
 * Refuses to train a model that reads a prompt: what is learnt would belong to the weights with it.
 * @throws LuthierError `model-unsupported`
 */
export function refusePrompt({ path, prompt }: ModelFolder): void {
  if (!prompt) return;
  throw new LuthierError(
    'model-unsupported',
    `${path} reads a prompt that was learnt (${String(prompt.config.peft_type)}), and such a model is not trained further.`,
    `Start from its base model${baseOf(prompt.config) && `, ${baseOf(prompt.config)}`}.`,
  );
}

/** The model that peft's adapter_config.json names; '' where it names none. */
const baseOf = ({ base_model_name_or_path: base }: JsonRecord): string =>
  typeof base === 'string' ? base.replace(/\p{C}/gu, '').slice(0, 300) : '';

/** Kinds of peft's prompts that a model may read: virtual tokens, or what its layers keep of such. */
export const PROMPT_TYPES = ['PROMPT_TUNING', 'PREFIX_TUNING'] as const;

/** `place` is a folder or a Hugging Face name. The base model is named as the adapter's config has it, be it there or not. */
export function adapterAlone(place: string, config: JsonRecord): LuthierError {
  const name = baseOf(config);
  // Which no weight can be merged with.
  const isPrompt = PROMPT_TYPES.some((type) => type === config.peft_type);
  const named = name === '' ? '' : ` It was trained on the model ${name} (base_model_name_or_path).`;
  return new LuthierError(
    'model-unsupported',
    `${place} contains a peft adapter (${typeof config.peft_type === 'string' ? config.peft_type : ADAPTER_CONFIG_FILE}), not a complete model.${named}`,
    `Name that model or its folder${isPrompt ? '' : ", or merge the two once in Python with peft's merge_and_unload"}. For a run that Luthier trained, the ${isPrompt ? 'model with its prompt' : 'merged model'} is in the folder “model” next to the adapter.`,
  );
}

/** `place` is a folder or a Hugging Face name, `file` the weights that are there instead of safetensors. */
export function foreignWeights(place: string, file: string): LuthierError {
  const hint = file.endsWith('.bin')
    ? `Convert them once with Python, in the model's folder: ${CONVERT_COMMAND} — or use the Space https://huggingface.co/spaces/safetensors/convert for a model on the Hugging Face hub.`
    : 'Look for a copy of the model with model.safetensors, or save it from Python with save_pretrained(folder, safe_serialization=True).';
  return new LuthierError(
    'model-unsupported',
    `${place} has its weights only as ${file}; Luthier reads only safetensors, because a pickle can run code when it is loaded.`,
    hint,
  );
}

/** One line for a shell. `clone` parts weights that share memory, which safetensors does not store. */
export const CONVERT_COMMAND =
  "python -c \"import torch, safetensors.torch as s; s.save_file({k: v.clone().contiguous() for k, v in torch.load('pytorch_model.bin', map_location='cpu', weights_only=True).items()}, 'model.safetensors', {'format': 'pt'})\"";

/** Names of the files that make a folder's model: config, weights, tokenizer, card and licence; no ONNX, nothing else. */
export async function modelFiles(folder: string): Promise<string[]> {
  const path = resolve(folder);
  const there = await listFiles(path);
  if (hasPrompt(there)) {
    const own = [CONFIG_FILE, WEIGHTS_FILE].map((name) => join(BASE_FOLDER, name));
    return [
      ...there.filter((name) => [ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE].includes(name) || isBeside(name)),
      ...own,
    ];
  }
  const whole = there.includes(WEIGHTS_FILE);
  const index = join(path, WEIGHTS_INDEX_FILE);
  const weights = whole
    ? [WEIGHTS_FILE]
    : [WEIGHTS_INDEX_FILE, ...new Set(shardMap(index, await readJsonRecord(index)).values())];
  return there.filter((name) => weights.includes(name) || isBeside(name));
}

const BESIDE: readonly string[] = [
  ...[CONFIG_FILE, GENERATION_FILE, ...TOKENIZER_FILES, CARD_FILE, TEMPLATE_FILE],
  EIGHT_BIT_FILE,
];
const isBeside = (name: string): boolean => BESIDE.includes(name) || LICENCE.test(name);

const LICENCE = /^(LICEN[CS]E|NOTICE)(\.(txt|md))?$/i;

async function openIndexed(path: string, files: string[]): Promise<WeightSource> {
  const indexPath = join(path, WEIGHTS_INDEX_FILE);
  const weightMap = shardMap(indexPath, await readJsonRecord(indexPath));
  const shards = [...new Set(weightMap.values())].sort();
  const missing = shards.filter((shard) => !files.includes(shard));
  if (missing.length > 0) {
    throw new LuthierError(
      'model-invalid',
      `The model folder ${path} lacks ${missing[0]}${missing.length > 1 ? ` and ${missing.length - 1} more` : ''} of the ${shards.length} files that ${WEIGHTS_INDEX_FILE} names.`,
      'Download or copy the missing files.',
    );
  }
  return openShards(path, shards, weightMap);
}

/**
 * Reads an index's `weight_map`: file by tensor name.
 * @throws LuthierError `model-invalid`; a file outside the folder is refused too
 */
export function shardMap(indexPath: string, index: JsonRecord): Map<string, string> {
  const map = index.weight_map;
  if (!isRecord(map)) throw new LuthierError('model-invalid', `${indexPath} has no weight_map.`, 'Download it again.');
  const entries = Object.entries(map).map(([name, file]): [string, string] => {
    if (typeof file !== 'string' || !/^[\w-][\w.-]*\.safetensors$/.test(file)) {
      throw new LuthierError(
        'model-invalid',
        `${indexPath} assigns tensor ${quoteName(name)} to the file ${quoteName(String(file))}, which is not a safetensors file in the same folder.`,
      );
    }
    return [name, file];
  });
  return new Map(entries);
}

/** Opens the files and says which holds what; with a weight map, what it names is all that is there. */
async function openShards(path: string, shards: string[], weightMap?: Map<string, string>): Promise<WeightSource> {
  const open = new Map<string, SafetensorsFile>();
  const close = async () => {
    for (const file of open.values()) await file.close();
  };
  const homes = new Map<string, SafetensorsFile>();
  try {
    for (const shard of shards) {
      const file = await SafetensorsFile.open(join(path, shard));
      open.set(shard, file);
      if (weightMap === undefined) for (const name of file.tensors.keys()) homes.set(name, file);
    }
    for (const [name, shard] of weightMap ?? []) {
      const file = open.get(shard)!;
      if (!file.tensors.has(name)) {
        throw new LuthierError(
          'model-invalid',
          `${join(path, WEIGHTS_INDEX_FILE)} says that ${shard} contains tensor ${quoteName(name)}, but it does not.`,
          'The files are not from the same model. Download them again.',
        );
      }
      homes.set(name, file);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const homeOf = (name: string): SafetensorsFile => {
    const file = homes.get(name);
    if (file === undefined) throw new LuthierError('model-invalid', `${path} has no tensor ${quoteName(name)}.`);
    return file;
  };
  return {
    names: () => [...homes.keys()],
    shape: (name) => homeOf(name).tensors.get(name)!.shape,
    dtype: (name) => homeOf(name).tensors.get(name)!.dtype,
    readInto: async (name, target) => homeOf(name).readInto(name, target),
    close,
  };
}

export interface ModelToSave {
  config: ModelConfig;
  /** generation_config.json, of a model that writes. */
  generation?: JsonRecord | undefined;
  /** Under Hugging Face's names. */
  tensors: readonly TensorToWrite[];
  /** Its prompt is in the folder, in peft's files. */
  hasPrompt?: boolean;
}

/**
 * Writes a model folder that `from_pretrained` loads; its tokenizer is text/tokenizer.ts's to write. Each file is written atomically and config.json last, so that a
 * folder left half-written is seen to lack it; files that have nothing to do with the model stay as they are.
 * @throws LuthierError `disk-full`, `not-writable`
 */
export async function saveModelFolder(folder: string, model: ModelToSave): Promise<void> {
  const path = resolve(folder);
  await makeFolder(path);
  await sweepAside(path);
  const place = model.hasPrompt ? join(path, BASE_FOLDER) : path;
  if (model.hasPrompt) await makeFolder(place);
  await writeSafetensors(join(place, WEIGHTS_FILE), model.tensors);
  const write = (file: string, content: JsonRecord) =>
    writeFileAtomically(join(path, file), `${JSON.stringify(content, null, 2)}\n`);
  if (model.generation) await write(GENERATION_FILE, model.generation);
  if (model.hasPrompt) await write(join(BASE_FOLDER, CONFIG_FILE), model.config);
  await write(CONFIG_FILE, model.config);
}
