import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openModelFolder, saveModelFolder, TOKENIZER_FILES } from '../src/engine/hub/model-folder.ts';
import { initializeAll } from '../src/engine/model-files/load-weights.ts';
import { declarationOf } from '../src/engine/models/architecture.ts';
import { architectureOf } from '../src/engine/models/registry.ts';
import { ParameterStore } from '../src/engine/runtime/parameter-store.ts';
import { timed } from './process.ts';

/** Folders of models that were made for the bench, kept between its calls. */
const made = (root: string, name: string) => join(root, '.luthier/bench', name);

/** Makes a folder once; one that was left half-made is made anew. */
async function once(target: string, make: (folder: string) => Promise<void>): Promise<string> {
  if (existsSync(target)) return target;
  mkdirSync(join(target, '..'), { recursive: true });
  const folder = mkdtempSync(`${target}-`);
  try {
    await make(folder);
    renameSync(folder, target);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return target;
}

/**
 * A folder with BERT-base's shape and random weights, and the tokenizer of MiniLM, which is the same: for speed alone,
 * since random weights learn nothing.
 */
export function randomBertBase(root: string, minilm: string): Promise<string> {
  return once(made(root, 'bert-base-random'), async (folder) => {
    const { config: small, files, weights } = await openModelFolder(minilm);
    await weights.close();
    const config = {
      ...small,
      architectures: ['BertForSequenceClassification'],
      hidden_size: 768,
      intermediate_size: 3072,
      num_attention_heads: 12,
      num_hidden_layers: 12,
    };
    const architecture = architectureOf(config, `${minilm}/config.json`);
    const store = new ParameterStore(declarationOf(architecture, { outputs: 2 }).parameters, () => false);
    initializeAll(architecture, store, 1);
    const tensors = [...store.parameters.values()].filter(({ name }) => !name.startsWith('classifier'));
    await saveModelFolder(folder, {
      config,
      tensors: tensors.map(({ name, shape, weight }) => ({ name, shape, dtype: 'F32' as const, data: weight })),
    });
    for (const file of TOKENIZER_FILES) if (files.includes(file)) cpSync(join(minilm, file), join(folder, file));
  });
}

/** A classifier to predict with, made by a few steps from MiniLM. @param data folder of SST-2's stsa.binary.* files */
export function minilmClassifier(root: string, minilm: string, data: string): Promise<string> {
  const dataset = { train: join(data, 'stsa.binary.train') };
  return classifier(root, 'minilm-classifier', { model: minilm, dataset, max_steps: 10, validation_split: 0 });
}

/** One that is computed in 8 bits: it has learned enough for its answers to be compared on validation rows. */
export async function minilmIn8Bit(root: string, minilm: string, data: string): Promise<string> {
  const dataset = { train: join(data, 'stsa.binary.train'), validation: join(data, 'stsa.binary.dev') };
  const more = { max_steps: 150, predict_in_8bit: true, backend: 'onnxruntime' };
  const folder = await classifier(root, 'minilm-classifier-8bit', { model: minilm, dataset, ...more });
  const { luthier } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  if (luthier.predict_in_8bit?.used !== true)
    throw new Error(`${folder}: its answers in 8 bits were not compared, or are too far from those in float`);
  return folder;
}

function classifier(root: string, name: string, settings: object): Promise<string> {
  return once(made(root, name), async (folder) => {
    const recipe = join(folder, 'prepare.recipe.json');
    const run = join(folder, 'run');
    writeFileSync(
      recipe,
      JSON.stringify({ task: 'text-classification', per_device_train_batch_size: 16, ...settings }),
    );
    await timed(process.execPath, [join(root, 'dist/engine/cli.cjs'), 'train', recipe, '--out', run, '--json']);
    cpSync(join(run, 'model'), folder, { recursive: true });
    for (const left of [recipe, run]) rmSync(left, { recursive: true, force: true });
  });
}

/** Configurations as their models' config.json has them. */
const DECODERS = {
  /** HuggingFaceTB/SmolLM2-135M-Instruct */
  'smollm2-135m': {
    ...{ model_type: 'llama', architectures: ['LlamaForCausalLM'], hidden_act: 'silu', rms_norm_eps: 1e-5 },
    ...{ vocab_size: 49_152, hidden_size: 576, intermediate_size: 1536, num_hidden_layers: 30 },
    ...{ num_attention_heads: 9, num_key_value_heads: 3, max_position_embeddings: 8192, tie_word_embeddings: true },
    ...{ bos_token_id: 1, eos_token_id: 2, pad_token_id: 2, rope_theta: 100_000 },
  },
  /** Qwen/Qwen2.5-0.5B */
  'qwen2.5-0.5b': {
    ...{ model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], hidden_act: 'silu', rms_norm_eps: 1e-6 },
    ...{ vocab_size: 151_936, hidden_size: 896, intermediate_size: 4864, num_hidden_layers: 24 },
    ...{ num_attention_heads: 14, num_key_value_heads: 2, max_position_embeddings: 32_768, tie_word_embeddings: true },
    ...{ bos_token_id: 1, eos_token_id: 2, pad_token_id: 2, rope_theta: 1_000_000, use_sliding_window: false },
  },
} as const;

/** A folder with a decoder's shape and random weights, and the tokenizer of starters/decoder. */
export function randomDecoder(root: string, name: keyof typeof DECODERS): Promise<string> {
  return once(made(root, `${name}-random`), async (folder) => {
    const starter = join(root, 'starters/decoder');
    const config = DECODERS[name];
    const architecture = architectureOf(config, 'config.json', { name: 'text-generation', reads: 'all' });
    const outputs = architecture.outputs!;
    const store = new ParameterStore(declarationOf(architecture, { outputs }).parameters, () => false);
    initializeAll(architecture, store, 1);
    await saveModelFolder(folder, {
      config,
      tensors: [...store.parameters.values()].map(({ name, shape, weight }) => ({
        ...{ name, shape, dtype: 'F32' as const, data: weight },
      })),
    });
    for (const file of TOKENIZER_FILES)
      if (existsSync(join(starter, file))) cpSync(join(starter, file), join(folder, file));
  });
}
