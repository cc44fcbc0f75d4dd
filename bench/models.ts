import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

/** A classifier to predict with, made by a few steps from MiniLM. */
export function minilmClassifier(root: string, minilm: string, trainFile: string): Promise<string> {
  return once(made(root, 'minilm-classifier'), async (folder) => {
    const recipe = join(folder, 'prepare.recipe.json');
    const run = join(folder, 'run');
    const settings = { per_device_train_batch_size: 16, max_steps: 10, validation_split: 0 };
    writeFileSync(
      recipe,
      JSON.stringify({ task: 'text-classification', model: minilm, dataset: { train: trainFile }, ...settings }),
    );
    await timed(process.execPath, [join(root, 'dist/engine/cli.cjs'), 'train', recipe, '--out', run, '--json']);
    cpSync(join(run, 'model'), folder, { recursive: true });
    for (const left of [recipe, run]) rmSync(left, { recursive: true, force: true });
  });
}
