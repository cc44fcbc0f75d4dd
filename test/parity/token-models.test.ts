import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModelFolder, saveModelFolder } from '../../src/engine/hub/model-folder.ts';
import { createPredictor } from '../../src/engine/infer/predictor.ts';
import { exportFolderAsOnnx } from '../../src/engine/model-files/export-onnx.ts';
import { declarationOf } from '../../src/engine/models/architecture.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { softmax } from '../../src/engine/tasks/text-classification/predictions.ts';
import { sizeOf } from '../../src/engine/tensor/executors/executor.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import { TINY_VOCAB } from '../faults/tiny.ts';
import { figures } from './executors.ts';
import { findPython, runPython } from './python.ts';
import { uniform, weight } from './values.ts';

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
const layers = { hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 48 };
const FAMILIES = {
  bert: {
    config: { model_type: 'bert', ...layers, max_position_embeddings: 40 },
    tokenizer: WORD_PIECES,
    architecture: 'BertForTokenClassification',
    targets: ['query', 'value'],
  },
  roberta: {
    config: { model_type: 'roberta', ...layers, max_position_embeddings: 40, type_vocab_size: 1, pad_token_id: 1 },
    tokenizer: BYTE_PIECES,
    architecture: 'RobertaForTokenClassification',
    targets: ['query', 'value'],
  },
  distilbert: {
    config: { model_type: 'distilbert', dim: 32, n_layers: 2, n_heads: 4, hidden_dim: 48, max_position_embeddings: 40 },
    tokenizer: WORD_PIECES,
    architecture: 'DistilBertForTokenClassification',
    targets: ['q_lin', 'v_lin'],
  },
};
const NAMES = Object.keys(FAMILIES) as (keyof typeof FAMILIES)[];
const TEXTS = ['the lovely shop was late', 'a rude parcel', 'it is very very kind today', 'the'];
const SENTENCES = [
  'the O\nlovely B-GOOD\nshop O\n',
  'a O\nrude B-BAD\nslow I-BAD\nparcel O\n',
  'kind B-GOOD\ntoday O\n',
];
const LABELS = ['O', 'B-BAD', 'I-BAD', 'B-GOOD'];
const python = findPython();
const needsPython = 'skipped without the peers’ Python';
// Installed by `npm test` alone (test/package.json).
const transformers = fileURLToPath(new URL('../node_modules/@huggingface/transformers/package.json', import.meta.url));

describe.each(NAMES)('a token classifier of %s, as others load it', (name) => {
  const family = FAMILIES[name];
  const config = { ...family.config, vocab_size: family.tokenizer.size };
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), `luthier-tokens-${name}-`));
    const folder = join(place, 'base');
    const parameters = [...declarationOf(architectureOf(config, folder)).parameters.values()];
    await mkdir(folder);
    await saveModelFolder(folder, {
      config,
      tensors: parameters.flatMap(({ name, shape, place }) =>
        place === 'head' ? [] : [{ name, shape, dtype: 'F32' as const, data: weight(name, sizeOf(shape), 0.1) }],
      ),
    });
    for (const [file, content] of Object.entries(family.tokenizer.files)) await writeFile(join(folder, file), content);
    const rows = Array.from({ length: 24 }, (_, i) => SENTENCES[i % 3]);
    await writeFile(join(place, 'rows.conll'), rows.join('\n'));
  });
  afterAll(() => rm(place, { recursive: true, force: true }));

  /** A run's folder with the model that a few steps made, and what it answers to the texts' tokens. */
  async function train(run: string, strategy: object): Promise<string> {
    const recipe = parseRecipe({
      ...{ task: 'token-classification', model: 'base', dataset: 'rows.conll', validation_split: 0 },
      ...{ max_steps: 4, max_length: 32, learning_rate: 1e-2, strategy },
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
    const predictor = await createPredictor(join(folder, 'model'));
    const logits = await predictor.logits(TEXTS);
    expect([predictor.task.name, predictor.labels]).toEqual(['token-classification', LABELS]);
    predictor.dispose();
    const rows = Array.from({ length: logits.length / 4 }, (_, i) => [...logits.subarray(4 * i, 4 * i + 4)]);
    const expected = { auto: 'TokenClassification', texts: TEXTS, logits: rows, model: join(folder, 'model') };
    await writeFile(
      join(folder, 'expected.json'),
      JSON.stringify({ ...expected, id2label: Object.fromEntries(LABELS.entries()) }),
    );
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
    expect(saved.config.architectures).toEqual([family.architecture]);
    if (python) await inPython('./from_pretrained.py', join(folder, 'model'), join(folder, 'expected.json'));
  });

  it(`with adapters: merged, and by themselves in peft (${needsPython})`, { timeout: 300_000 }, async () => {
    const folder = await train('lora', { type: 'lora', r: 4, target_modules: family.targets });
    const adapter: unknown = JSON.parse(await readFile(join(folder, 'adapter', 'adapter_config.json'), 'utf8'));
    expect(adapter).toMatchObject({
      ...{ task_type: 'TOKEN_CLS', target_modules: family.targets, modules_to_save: ['classifier', 'score'] },
    });
    if (!python) return;
    await inPython('./from_pretrained.py', join(folder, 'model'), join(folder, 'expected.json'));
    await inPython('./from_pretrained_peft.py', join(folder, 'adapter'), join(folder, 'expected.json'));
  });

  it('with other strategies: head, frozen layers, biases', { timeout: 120_000 }, async () => {
    await train('head', { type: 'head' });
    await train('freeze', { type: 'freeze', num_frozen_layers: 1 });
    await train('bitfit', { type: 'bitfit' });
  });

  it('as ONNX, answered by transformers.js’s pipeline where that is installed', { timeout: 120_000 }, async () => {
    const folder = await train('onnx', { type: 'full' });
    const { max_difference } = await exportFolderAsOnnx(join(folder, 'model'));
    expect(max_difference).toBeLessThan(1e-5);
    if (!existsSync(transformers)) return;
    const entry = createRequire(transformers).resolve('@huggingface/transformers');
    const { pipeline, env } = (await import(pathToFileURL(entry).href)) as {
      pipeline: (...args: unknown[]) => Promise<(texts: string[], options: object) => Promise<unknown>>;
      env: Record<string, unknown>;
    };
    Object.assign(env, { allowRemoteModels: false, localModelPath: folder });
    const tag = await pipeline('token-classification', 'model', { dtype: 'fp32', device: 'cpu' });
    // Padded together, and each token against ours.
    const answers = (await tag(TEXTS, { ignore_labels: [] })) as { entity: string; score: number; index: number }[][];
    const predictor = await createPredictor(join(folder, 'model'));
    for (const [i, text] of TEXTS.entries()) {
      const logits = await predictor.logits([text]);
      expect(answers[i]!.length).toBeGreaterThan(0);
      for (const { entity, score, index } of answers[i]!) {
        const shares = softmax(logits.subarray(4 * index, 4 * index + 4));
        expect(score).toBeCloseTo(Math.max(...shares), 5);
        expect(LABELS[shares.indexOf(Math.max(...shares))]).toBe(entity);
      }
    }
    predictor.dispose();
  });
});
