import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { openModelFolder, saveModelFolder } from '../../src/engine/hub/model-folder.ts';
import { createPredictor } from '../../src/engine/infer/predictor.ts';
import { exportFolderAsOnnx } from '../../src/engine/model-files/export-onnx.ts';
import { declarationOf } from '../../src/engine/models/architecture.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { type Executor, sizeOf } from '../../src/engine/tensor/executors/executor.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import { TINY_VOCAB, tinyRows } from '../faults/tiny.ts';
import { allOk, judgeAll, type RunOptions, read, run, TOLERANCE } from './bert-run.ts';
import { EXECUTORS, figures } from './executors.ts';
import { findPython, runPython } from './python.ts';
import { relativeError, uniform, weight } from './values.ts';

/** A tokenizer's files, and how many ids it has. */
const WORD_PIECES = {
  size: TINY_VOCAB.length,
  files: { 'vocab.txt': `${TINY_VOCAB.join('\n')}\n`, 'tokenizer_config.json': '{"tokenizer_class": "BertTokenizer"}' },
};

const special = { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>', pad_token: '<pad>', mask_token: '<mask>' };
const BYTE_PIECES = {
  size: 425,
  files: {
    'tokenizer.json': readFileSync(figures('tokenizers/roberta.json'), 'utf8'),
    'tokenizer_config.json': JSON.stringify({ tokenizer_class: 'RobertaTokenizer', ...special }),
  },
};

/** Tokenizers that add nothing around a text. GPT-2's has no padding token. */
const bytesOf = (name: string, size: number, special: object) => ({
  size,
  files: {
    'tokenizer.json': readFileSync(figures(`tokenizers/${name}.json`), 'utf8'),
    'tokenizer_config.json': JSON.stringify({ tokenizer_class: 'PreTrainedTokenizerFast', ...special }),
  },
});

const UNIGRAM_PIECES = {
  size: 505,
  files: {
    'tokenizer.json': readFileSync(figures('tokenizers/xlm-roberta.json'), 'utf8'),
    'tokenizer_config.json': JSON.stringify({ tokenizer_class: 'XLMRobertaTokenizer', ...special }),
  },
};

const ROBERTA = {
  config: {
    ...{ hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4 },
    ...{ intermediate_size: 48, max_position_embeddings: 40, type_vocab_size: 1, pad_token_id: 1 },
  },
  targets: ['query', 'value'],
  whole: ['classifier'],
  positions: 38,
  sites: [
    ['roberta.embeddings', 0.1],
    ['roberta.encoder.layer.0.attention.self', 0.1],
    ['roberta.encoder.layer.0.attention.output', 0.1],
    ['roberta.encoder.layer.0.output', 0.1],
    ['roberta.encoder.layer.1.attention.self', 0.1],
    ['roberta.encoder.layer.1.attention.output', 0.1],
    ['roberta.encoder.layer.1.output', 0.1],
    ['classifier.dense', 0.1],
    ['classifier.out_proj', 0.1],
  ],
} as const;

/** Those beside BERT: a small config of each, what it must say of itself, and what peft adapts by default. */
const FAMILIES = {
  roberta: {
    ...ROBERTA,
    config: { model_type: 'roberta', ...ROBERTA.config },
    tokenizer: BYTE_PIECES,
    architecture: 'RobertaForSequenceClassification',
  },
  'xlm-roberta': {
    ...ROBERTA,
    config: { model_type: 'xlm-roberta', ...ROBERTA.config },
    tokenizer: UNIGRAM_PIECES,
    architecture: 'XLMRobertaForSequenceClassification',
  },
  distilbert: {
    config: { model_type: 'distilbert', dim: 32, n_layers: 2, n_heads: 4, hidden_dim: 48, max_position_embeddings: 40 },
    tokenizer: WORD_PIECES,
    architecture: 'DistilBertForSequenceClassification',
    targets: ['q_lin', 'v_lin'],
    whole: ['pre_classifier', 'classifier'],
    positions: 40,
    sites: [
      ['distilbert.embeddings', 0.1],
      ['distilbert.transformer.layer.0.attention', 0.1],
      ['distilbert.transformer.layer.0.ffn', 0.1],
      ['distilbert.transformer.layer.1.attention', 0.1],
      ['distilbert.transformer.layer.1.ffn', 0.1],
      ['classifier', 0.2],
    ],
  },
  gpt2: {
    config: { model_type: 'gpt2', n_embd: 32, n_layer: 2, n_head: 4, n_positions: 40 },
    tokenizer: bytesOf('gpt2', 424, { eos_token: '<|endoftext|>' }),
    architecture: 'GPT2ForSequenceClassification',
    targets: ['c_attn'],
    whole: ['score'],
    positions: 40,
    sites: [
      ['transformer.drop', 0.1],
      ['transformer.h.0.attn', 0.1],
      ['transformer.h.0.attn.resid', 0.1],
      ['transformer.h.0.mlp', 0.1],
      ['transformer.h.1.attn', 0.1],
      ['transformer.h.1.attn.resid', 0.1],
      ['transformer.h.1.mlp', 0.1],
    ],
  },
  llama: {
    config: {
      ...{ model_type: 'llama', hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 40 },
      ...{ num_key_value_heads: 2, max_position_embeddings: 40, rms_norm_eps: 1e-5, pad_token_id: 420 },
      ...{ rope_theta: 500, rope_scaling: { type: 'linear', factor: 2 }, tie_word_embeddings: true },
    },
    tokenizer: bytesOf('llama3', 424, { bos_token: '<|begin|>', pad_token: '<m>' }),
    architecture: 'LlamaForSequenceClassification',
    targets: ['q_proj', 'v_proj'],
    whole: ['score'],
    positions: 40,
    sites: [],
  },
  qwen3: {
    config: {
      ...{ model_type: 'qwen3', hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 40 },
      ...{ num_key_value_heads: 2, head_dim: 16, max_position_embeddings: 40, tie_word_embeddings: false },
      ...{ rope_parameters: { rope_type: 'default', rope_theta: 1000 } },
    },
    tokenizer: bytesOf('qwen2', 424, { eos_token: '<|endoftext|>', pad_token: '<|endoftext|>' }),
    architecture: 'Qwen3ForSequenceClassification',
    targets: ['q_proj', 'v_proj'],
    whole: ['score'],
    positions: 40,
    sites: [],
  },
} as const;
const NAMES = Object.keys(FAMILIES) as (keyof typeof FAMILIES)[];

describe.each(EXECUTORS)("Families against transformers' in float64: $title", ({ isThere, create }) => {
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  const ways: [string, RunOptions][] = [
    ['one text a row', {}],
    ['packed, several texts a row', { packedInto: 26 }],
  ];
  const cases = (['roberta', 'distilbert'] as const).flatMap((name) =>
    ways.map(([way, options]) => [name, way, options] as const),
  );
  test.skipIf(!isThere).each(cases)('%s, %s: every gradient', { timeout: 240_000 }, async (name, _, options) => {
    const f = read(`${name}-small.json`);
    const result = await run(executor, f, options);
    expect(relativeError(result.logits, f.logits.flat())).toBeLessThan(TOLERANCE);
    expect(relativeError([result.loss], [f.loss])).toBeLessThan(TOLERANCE);
    expect(await judgeAll(result.gradients, f, `${name}-small.safetensors`)).toEqual(allOk(result.gradients.keys()));
  });
});

const TEXTS = ['the parcel was broken and late', 'a lovely screen', 'it is very very very kind today', 'the'];
const python = findPython();
const needsPython = 'skipped without the peers’ Python';
// Installed by `npm test` alone (test/package.json).
const transformers = fileURLToPath(new URL('../node_modules/@huggingface/transformers/package.json', import.meta.url));

describe.each(NAMES)('%s as others load it', (name) => {
  const family = FAMILIES[name];
  const config = { ...family.config, vocab_size: family.tokenizer.size };
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), `luthier-${name}-`));
    const folder = join(place, 'base');
    const head = new Set(['classifier', 'pre_classifier', 'score']);
    const parameters = [...declarationOf(architectureOf(config, folder)).parameters.values()];
    await mkdir(folder);
    await saveModelFolder(folder, {
      config,
      tensors: parameters.flatMap(({ name, shape }) =>
        head.has(name.split('.')[0]!)
          ? []
          : [{ name, shape, dtype: 'F32' as const, data: weight(name, sizeOf(shape), 0.1) }],
      ),
    });
    for (const [file, content] of Object.entries(family.tokenizer.files)) await writeFile(join(folder, file), content);
    await writeFile(join(place, 'rows.csv'), tinyRows(80));
  });
  afterAll(() => rm(place, { recursive: true, force: true }));

  /** A run's folder with the model that a few steps made, and what it answers to the texts. */
  async function train(run: string, strategy: object, more: object = {}): Promise<string> {
    const keys = { model: 'base', dataset: 'rows.csv', max_steps: 8, max_length: 36, learning_rate: 1e-2, ...more };
    const trainer = await createTrainer({ recipe: parseRecipe({ ...keys, strategy }), base: place, note: () => {} });
    while (trainer.step < trainer.totalSteps) await trainer.trainStep();
    // After so few steps adapters are too small to be missed.
    const shifted = [...trainer.state().parameters].map(
      ([key, { data }]) => [key, data.map((x, i) => x + 0.05 * uniform(key, data.length)[i]!)] as const,
    );
    trainer.loadParameters(new Map(shifted));
    const folder = join(place, run);
    await trainer.saveModel(join(folder, 'model'));
    trainer.dispose();
    const predictor = await createPredictor(join(folder, 'model'));
    const logits = await predictor.logits(TEXTS);
    predictor.dispose();
    const rows = TEXTS.map((_, i) => [...logits.subarray(2 * i, 2 * i + 2)]);
    const expected = { texts: TEXTS, logits: rows, model: join(folder, 'model') };
    await writeFile(join(folder, 'expected.json'), JSON.stringify(expected));
    return folder;
  }
  const inPython = async (script: string, ...args: string[]) => {
    const file = fileURLToPath(new URL(script, import.meta.url));
    const { code, stdout, stderr } = await runPython(python!, [file, ...args]);
    expect(stdout, stderr).toContain('"ok": true');
    expect(code).toBe(0);
  };

  it('says how far its positions reach and where it drops', () => {
    const architecture = architectureOf(config, 'config.json');
    expect([architecture.maxPositions, architecture.loraTargets]).toEqual([family.positions, family.targets]);
    expect([...declarationOf(architecture).sites.values()].map(({ name, rate }) => [name, rate])).toEqual(family.sites);
  });

  it(`trained whole: Python’s from_pretrained answers alike (${needsPython})`, { timeout: 300_000 }, async () => {
    const folder = await train('full', { type: 'full' });
    const saved = await openModelFolder(join(folder, 'model'));
    await saved.weights.close();
    expect(saved.config.architectures).toEqual([family.architecture]);
    if (python) await inPython('./from_pretrained.py', join(folder, 'model'), join(folder, 'expected.json'));
  });

  it(`with adapters: merged, and by themselves in peft (${needsPython})`, { timeout: 300_000 }, async () => {
    const folder = await train('lora', { type: 'lora', r: 4, target_modules: [...family.targets] });
    const adapter: unknown = JSON.parse(await readFile(join(folder, 'adapter', 'adapter_config.json'), 'utf8'));
    const whole = [...new Set([...family.whole, 'classifier', 'score'])];
    expect(adapter).toMatchObject({ target_modules: family.targets, modules_to_save: whole });
    if (python) await inPython('./from_pretrained_peft.py', join(folder, 'adapter'), join(folder, 'expected.json'));
  });

  it.skipIf(architectureOf(config, name).isCausal)(
    `by the mean of its tokens: an ordinary model with a layer more (${needsPython})`,
    { timeout: 300_000 },
    async () => {
      const folder = await train('mean', { type: 'head' }, { pooling: 'mean' });
      const saved = await openModelFolder(join(folder, 'model'));
      await saved.weights.close();
      expect(saved.config).toMatchObject({ architectures: [family.architecture], luthier: { pooling: 'mean' } });
      expect(saved.config.num_hidden_layers ?? saved.config.n_layers).toBe(3);
      expect((await exportFolderAsOnnx(join(folder, 'model'))).max_difference).toBeLessThan(1e-5);
      if (python) await inPython('./from_pretrained.py', join(folder, 'model'), join(folder, 'expected.json'));
    },
  );

  it('with the layers frozen: the head learns from cached features, and half of them', {
    timeout: 120_000,
  }, async () => {
    await train('head', { type: 'head' });
    await train('freeze', { type: 'freeze', num_frozen_layers: 1 });
  });

  it('as ONNX, which takes no input that it does not read', { timeout: 120_000 }, async () => {
    const folder = await train('onnx', { type: 'full' });
    const { max_difference, path } = await exportFolderAsOnnx(join(folder, 'model'));
    expect(max_difference).toBeLessThan(1e-5);
    const { InferenceSession } = await import('onnxruntime-node');
    const session = await InferenceSession.create(path);
    expect(session.inputNames).toEqual(['input_ids', 'attention_mask']);
    await session.release();
    // transformers.js knows no classifiers of decoders, only language models (decoders.test.ts).
    if (!existsSync(transformers) || architectureOf(config, folder).isCausal) return;
    const entry = createRequire(transformers).resolve('@huggingface/transformers');
    const { pipeline, env } = (await import(pathToFileURL(entry).href)) as {
      pipeline: (...args: unknown[]) => Promise<(texts: string[], options: object) => Promise<unknown>>;
      env: Record<string, unknown>;
    };
    Object.assign(env, { allowRemoteModels: false, localModelPath: folder });
    const classify = await pipeline('text-classification', 'model', { dtype: 'fp32', device: 'cpu' });
    // Padded together, and each against ours by itself.
    const answers = (await classify(TEXTS, { top_k: null })) as { label: string; score: number }[][];
    const predictor = await createPredictor(join(folder, 'model'));
    for (const [i, { scores }] of (await predictor.predict(TEXTS)).entries())
      for (const { label, score } of answers[i]!) expect(score).toBeCloseTo(scores[label]!, 5);
    predictor.dispose();
  });
});
