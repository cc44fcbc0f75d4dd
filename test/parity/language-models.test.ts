import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModelFolder, readGeneration, saveModelFolder } from '../../src/engine/hub/model-folder.ts';
import { exportFolderAsOnnx } from '../../src/engine/model-files/export-onnx.ts';
import { openModel } from '../../src/engine/model-files/open-model.ts';
import { declarationOf } from '../../src/engine/models/architecture.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { sizeOf } from '../../src/engine/tensor/executors/executor.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import { figures } from './executors.ts';
import { findPython, runPython } from './python.ts';
import { uniform, weight } from './values.ts';

/** A tied model whose tokenizer has no padding token, and one with a head of its own and grouped queries. */
const FAMILIES = {
  gpt2: {
    config: { model_type: 'gpt2', n_embd: 32, n_layer: 2, n_head: 4, n_positions: 40, vocab_size: 424 },
    tokenizer: { file: 'gpt2', special: { eos_token: '<|endoftext|>' } },
    architecture: 'GPT2LMHeadModel',
    targets: ['c_attn'],
    adapter: { fan_in_fan_out: true },
    pads: 0,
  },
  llama: {
    config: {
      ...{ model_type: 'llama', hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 40 },
      ...{ num_key_value_heads: 2, max_position_embeddings: 40, vocab_size: 424, tie_word_embeddings: false },
      ...{ rope_theta: 500, rope_scaling: { type: 'linear', factor: 2 } },
    },
    tokenizer: { file: 'llama3', special: { bos_token: '<|begin|>', pad_token: '<m>' } },
    architecture: 'LlamaForCausalLM',
    targets: ['q_proj', 'v_proj'],
    adapter: { fan_in_fan_out: false },
    pads: 420,
  },
};
const NAMES = Object.keys(FAMILIES) as (keyof typeof FAMILIES)[];
const TEXTS = ['the parcel was broken and late', 'a lovely screen, 12 days early', 'the'];
const GENERATION = { eos_token_id: [3, 5], do_sample: true, temperature: 0.6 };
const WRITES = { name: 'text-generation', reads: 'all' } as const;
const python = findPython();
const needsPython = 'skipped without the peers’ Python';
// Installed by `npm test` alone (test/package.json).
const transformers = fileURLToPath(new URL('../node_modules/@huggingface/transformers/package.json', import.meta.url));

describe.each(NAMES)('a language model of %s, as others load it', (name) => {
  const { config, tokenizer, architecture, targets, adapter, pads } = FAMILIES[name];
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), `luthier-language-${name}-`));
    const folder = join(place, 'base');
    const parameters = [...declarationOf(architectureOf(config, folder, WRITES)).parameters.values()];
    await mkdir(folder);
    await saveModelFolder(folder, {
      config: { ...config, architectures: [architecture] },
      generation: GENERATION,
      tensors: parameters.map(({ name, shape }) => ({
        ...{ name, shape, dtype: 'F32' as const, data: weight(name, sizeOf(shape), 0.1) },
      })),
    });
    const written = JSON.stringify({ tokenizer_class: 'PreTrainedTokenizerFast', ...tokenizer.special });
    await writeFile(join(folder, 'tokenizer.json'), readFileSync(figures(`tokenizers/${tokenizer.file}.json`)));
    await writeFile(join(folder, 'tokenizer_config.json'), written);
    const rows = Array.from({ length: 24 }, (_, i) => JSON.stringify({ text: `${TEXTS[i % 3]} ${i}` }));
    await writeFile(join(place, 'rows.jsonl'), `${rows.join('\n')}\n`);
  });
  afterAll(() => rm(place, { recursive: true, force: true }));

  /** A run's folder with the model that a few steps made, and what it answers to the texts' tokens. */
  async function train(run: string, strategy: object): Promise<string> {
    const recipe = parseRecipe({
      ...{ task: 'text-generation', model: 'base', dataset: 'rows.jsonl', validation_split: 0, strategy },
      ...{ max_steps: 4, max_length: 32, learning_rate: 1e-2 },
    });
    const trainer = await createTrainer({ recipe, base: place, note: () => {} });
    while (trainer.step < trainer.totalSteps) await trainer.trainStep();
    // After so few steps adapters are too small to be missed.
    const shifted = [...trainer.state().parameters].map(([key, { data }]) => {
      const moved = uniform(key, data.length);
      return [key, data.map((x, i) => x + 0.05 * moved[i]!)] as const;
    });
    trainer.loadParameters(new Map(shifted));
    const folder = join(place, run);
    await trainer.saveModel(join(folder, 'model'));
    trainer.dispose();
    const open = await openModel(join(folder, 'model'), 'onnxruntime');
    const logits = await open.model.logits(TEXTS.map((text) => open.tokenizer.encode(text, 32)));
    open.dispose();
    const V = config.vocab_size;
    const rows = Array.from({ length: logits.length / V }, (_, i) => [...logits.subarray(V * i, V * (i + 1))]);
    const expected = { auto: 'CausalLM', texts: TEXTS, logits: rows, model: join(folder, 'model') };
    await writeFile(join(folder, 'expected.json'), JSON.stringify(expected));
    return folder;
  }
  const inPython = async (script: string, ...args: string[]) => {
    const file = fileURLToPath(new URL(script, import.meta.url));
    const { code, stdout, stderr } = await runPython(python!, [file, ...args]);
    expect(stdout, stderr).toContain('"ok": true');
    expect(code).toBe(0);
  };

  it(`trained whole: Python’s from_pretrained answers alike (${needsPython})`, { timeout: 300_000 }, async () => {
    const folder = await train('full', { type: 'full' });
    const saved = await openModelFolder(join(folder, 'model'));
    await saved.weights.close();
    expect(saved.config).toMatchObject({ architectures: [architecture], pad_token_id: pads });
    expect(saved.config).not.toHaveProperty('id2label');
    expect(await readGeneration(saved)).toEqual(GENERATION);
    expect(saved.weights.names().includes('lm_head.weight')).toBe(name === 'llama');
    if (python) await inPython('./from_pretrained.py', join(folder, 'model'), join(folder, 'expected.json'));
  });

  it(`with adapters: merged, and by themselves in peft (${needsPython})`, { timeout: 300_000 }, async () => {
    const folder = await train('lora', { type: 'lora', r: 4, target_modules: targets });
    const config: unknown = JSON.parse(await readFile(join(folder, 'adapter', 'adapter_config.json'), 'utf8'));
    const own = { task_type: 'CAUSAL_LM', target_modules: targets, modules_to_save: null };
    expect(config).toMatchObject({ ...own, ...adapter });
    if (python) await inPython('./from_pretrained_peft.py', join(folder, 'adapter'), join(folder, 'expected.json'));
  });

  it('as ONNX, answered by transformers.js where that is installed', { timeout: 120_000 }, async () => {
    const folder = await train('onnx', { type: 'full' });
    const { max_difference } = await exportFolderAsOnnx(join(folder, 'model'));
    expect(max_difference).toBeLessThan(1e-5);
    if (!existsSync(transformers)) return;
    const entry = createRequire(transformers).resolve('@huggingface/transformers');
    const { AutoModelForCausalLM, AutoTokenizer, env } = (await import(pathToFileURL(entry).href)) as {
      AutoModelForCausalLM: { from_pretrained(name: string, options: object): Promise<Ask> };
      AutoTokenizer: { from_pretrained(name: string): Promise<(text: string) => object> };
      env: Record<string, unknown>;
    };
    type Ask = (inputs: object) => Promise<{ logits: { data: Float32Array; dims: number[] } }>;
    Object.assign(env, { allowRemoteModels: false, localModelPath: folder });
    const ask = await AutoModelForCausalLM.from_pretrained('model', { dtype: 'fp32', device: 'cpu' });
    const encode = await AutoTokenizer.from_pretrained('model');
    const { logits: expected } = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as {
      logits: number[][];
    };
    const { logits } = await ask(encode(TEXTS[0]!));
    const worst = logits.data.reduce(
      (most, value, i) =>
        Math.max(most, Math.abs(value - expected[Math.floor(i / config.vocab_size)]![i % config.vocab_size]!)),
      0,
    );
    expect(logits.dims[2]).toBe(config.vocab_size);
    expect(worst).toBeLessThan(1e-4);
  });
});
