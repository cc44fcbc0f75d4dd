import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../data/random.ts';
import { type ModelConfig, type ModelFolder, openModelFolder, saveModelFolder } from '../hub/model-folder.ts';
import { type Architecture, declarationOf } from '../models/architecture.ts';
import { poolingOfModel } from '../models/config.ts';
import { DENSE_SCALE, MEAN_SCALE } from '../models/pooling.ts';
import { architectureOf } from '../models/registry.ts';
import { TaskModel } from '../runtime/model.ts';
import { taskNamed } from '../tasks/registry.ts';
import type { Item } from '../tasks/task.ts';
import { type Executor, sizeOf } from '../tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../tensor/executors/onnxruntime.ts';
import { checkWeights, loadWeights } from './load-weights.ts';
import { pooledFolder } from './pooling.ts';
import { sentencePooling } from './sentence-pooling.ts';

const BERT_LIKE = {
  ...{ vocab_size: 60, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4 },
  ...{ intermediate_size: 48, max_position_embeddings: 40 },
};
const CONFIGS: Record<string, ModelConfig> = {
  bert: { model_type: 'bert', ...BERT_LIKE },
  roberta: { model_type: 'roberta', ...BERT_LIKE, type_vocab_size: 1, pad_token_id: 1, layer_norm_eps: 1e-5 },
  'xlm-roberta': { model_type: 'xlm-roberta', ...BERT_LIKE, type_vocab_size: 1, pad_token_id: 1 },
  distilbert: {
    ...{ model_type: 'distilbert', vocab_size: 60, dim: 32, n_layers: 2, n_heads: 4, hidden_dim: 48 },
    max_position_embeddings: 40,
  },
};
const H = 32;
const HEAD = { type: 'head', solver: 'lbfgs' };
const classification = taskNamed('text-classification');
const random = new Random(3);
const items: Item[] = [3, 11, 1, 7, 20, 4].map((length) => ({
  ids: Int32Array.from({ length }, () => 2 + random.below(58)),
  typeIds: null,
}));

let place: string;
let executor: Executor;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-pooling-'));
  executor = await createOnnxRuntimeExecutor({ numThreads: 1 });
});
afterAll(async () => {
  executor.dispose();
  await rm(place, { recursive: true, force: true });
});

/** A folder of random weights, without a head but for what is asked. */
async function makeFolder(
  name: string,
  config: ModelConfig,
  isKept = (name: string) => !/classifier|pooler/.test(name),
) {
  const folder = join(place, name);
  const random = new Random(5);
  const parameters = [...declarationOf(architectureOf(config, name), { outputs: 2 }).parameters.values()];
  await mkdir(folder, { recursive: true });
  await saveModelFolder(folder, {
    config,
    tensors: parameters
      .filter(({ name }) => isKept(name))
      .map(({ name, shape, init }) => ({
        ...{ name, shape, dtype: 'F32' as const },
        data: Float32Array.from({ length: sizeOf(shape) }, () => (init === 'ones' ? 1 : 0) + random.float() - 0.5),
      })),
  });
  return folder;
}

async function modelOf(folder: ModelFolder, architecture: Architecture): Promise<TaskModel> {
  const model = new TaskModel({
    ...{ executor, architecture, numLabels: 3, padId: 0, isTrained: () => false, accumulate: false, seed: 0 },
    maxBatch: { texts: 1, tokens: 1 },
  });
  await loadWeights(folder, architecture, model.store, { classifierRows: null, seed: 0, note: () => {} });
  return model;
}

/** A folder with the pooling that a recipe asks for, what was said, and its architecture. */
async function pooled(path: string, recipe: Parameters<typeof pooledFolder>[3]) {
  const folder = await openModelFolder(path);
  const notes: string[] = [];
  try {
    const plain = architectureOf(folder.config, path, classification);
    const made = await pooledFolder(folder, plain, classification, recipe, (_, message) => notes.push(message));
    const architecture = architectureOf(made.config, path, classification);
    checkWeights(made, architecture);
    return { folder: made, plain, architecture, notes, model: await modelOf(made, architecture) };
  } finally {
    await folder.weights.close();
  }
}

/** The last layer's states of each token of a text, by the untouched model. */
async function tokenStates(path: string): Promise<Float32Array[]> {
  const folder = await openModelFolder(path);
  const model = await modelOf(folder, architectureOf(folder.config, path, taskNamed('token-classification')));
  await folder.weights.close();
  const states: Float32Array[] = [];
  for (const item of items) states.push((await model.features([item])).slice(0, item.ids.length * H));
  model.dispose();
  return states;
}

/** Minus mean, over deviation: what a norm with weight 1 and bias 0 makes of it. */
function normed(x: readonly number[]): number[] {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const deviation = Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length);
  return x.map((v) => (v - mean) / deviation);
}

const row = (values: Float32Array, i: number): number[] => [...values.subarray(i * H, (i + 1) * H)];
const largestDifference = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

describe.each(Object.keys(CONFIGS))('%s', (name) => {
  const config = CONFIGS[name]!;

  it('reads the mean of a text’s tokens, whatever is packed or padded beside it', async () => {
    const path = await makeFolder(name, config);
    const { model, architecture, plain, folder, notes } = await pooled(path, { strategy: HEAD });
    expect(architecture.numLayers).toBe(plain.numLayers + 1);
    expect(poolingOfModel(folder.config)).toBe('mean');
    expect(notes.join()).toMatch(/mean of their tokens’ states, as the model has no trained pooler\. .*\(layer 3\)/);
    const states = await tokenStates(path);
    const together = await model.features(items);
    for (const [i, item] of items.entries()) {
      const tokens = item.ids.length;
      const sums = Array.from({ length: H }, (_, k) =>
        states[i]!.reduce((sum, v, at) => (at % H === k ? sum + v : sum), 0),
      );
      const mean = sums.map((sum) => sum / tokens);
      const first = row(states[i]!, 0);
      // Exactly the mean with a 1024th of the first token's state...
      expect(largestDifference(row(together, i), normed(mean.map((m, k) => m + first[k]! / MEAN_SCALE)))).toBeLessThan(
        2e-5,
      );
      // ...which is at most as far from the mean alone as that share, for states that are as long as these.
      expect(largestDifference(row(together, i), normed(mean))).toBeLessThan(0.02);
      expect(largestDifference(row(await model.features([item]), 0), row(together, i))).toBeLessThan(1e-5);
    }
    // What the answers are given: tanh and a straight line part by x³ / 3; a ReLU cuts nothing off.
    const given = await model.pooled(await model.features(items));
    const isTanh = plain.pooling!.activation === 'tanh';
    const shift = DENSE_SCALE * Math.sqrt(H);
    for (const [i] of items.entries())
      for (const [k, x] of row(together, i).entries())
        expect(given[i * H + k]! - (isTanh ? 0 : shift)).toBeCloseTo(
          isTanh ? Math.tanh(DENSE_SCALE * x) : DENSE_SCALE * x,
          5,
        );
    model.dispose();
  });

  it('reads the first token’s state as it leaves the last layer', async () => {
    const path = await makeFolder(name, config);
    const { model, architecture, plain } = await pooled(path, { strategy: HEAD, pooling: 'cls' });
    expect(architecture.numLayers).toBe(plain.numLayers);
    const states = await tokenStates(path);
    const given = await model.pooled(await model.features(items));
    const isTanh = plain.pooling!.activation === 'tanh';
    const { weight: bias } = model.store.get(`${plain.pooling!.dense}.bias`);
    for (const [i] of items.entries())
      for (const [k, x] of row(states[i]!, 0).entries()) {
        const scaled = DENSE_SCALE * x;
        expect(given[i * H + k]! - bias[k]!).toBeCloseTo(isTanh ? Math.tanh(scaled) : scaled, 5);
      }
    model.dispose();
  });
});

describe('which pooling', () => {
  const all = () => true;

  it('is that of a trained pooler, and of recipes that say nothing', async () => {
    const trained = await makeFolder('pooler', CONFIGS.bert!, all);
    const { folder, notes, model } = await pooled(trained, { strategy: HEAD });
    expect(notes).toEqual([]);
    expect(poolingOfModel(folder.config)).toBeUndefined();
    model.dispose();
    const bare = await pooled(await makeFolder('bare', CONFIGS.bert!), { strategy: { type: 'head' } });
    expect(bare.architecture.numLayers).toBe(2);
    bare.model.dispose();
  });

  it('is what sentence-transformers says, and a classifier for another is not gone on from', async () => {
    const path = await makeFolder('sentences', CONFIGS.bert!, all);
    await writeFile(join(path, 'modules.json'), JSON.stringify(MODULES));
    await mkdir(join(path, '1_Pooling'), { recursive: true });
    await writeFile(join(path, '1_Pooling', 'config.json'), JSON.stringify({ pooling_mode_mean_tokens: true }));
    const { folder, architecture, notes, model } = await pooled(path, { strategy: HEAD });
    expect(architecture.numLayers).toBe(3);
    expect(notes[0]).toMatch(/as 1_Pooling\/config\.json of the model says/);
    expect(folder.weights.names().filter((name) => name.startsWith('classifier'))).toEqual([]);
    model.dispose();
  });

  it('is there already in a model that a run made: no second layer', async () => {
    const config = { ...CONFIGS.bert!, luthier: { inputs: ['text'], pooling: 'mean' } };
    const { architecture, notes, model, folder } = await pooled(await makeFolder('made', config, all), {
      strategy: HEAD,
    });
    expect(architecture.numLayers).toBe(2);
    expect(notes[0]).toMatch(/gives the pooling "mean" that it was trained with/);
    expect(poolingOfModel(folder.config)).toBe('mean');
    model.dispose();
  });

  it('is refused with its reason where it cannot be', async () => {
    const config = { model_type: 'gpt2', vocab_size: 60, n_embd: 32, n_layer: 1, n_head: 2, n_positions: 40 };
    const decoder = await makeFolder('decoder', config, (name) => !name.startsWith('score'));
    await expect(pooled(decoder, { strategy: HEAD, pooling: 'mean' })).rejects.toThrow(/is a decoder \(gpt2\)/);
    const bare = await makeFolder('bare', CONFIGS.bert!);
    await expect(pooled(bare, { strategy: { type: 'lora' }, pooling: 'mean' })).rejects.toThrow(/writes an adapter/);
    const other = await makeFolder('made', { ...CONFIGS.bert!, luthier: { pooling: 'mean' } }, all);
    await expect(pooled(other, { strategy: HEAD, pooling: 'cls' })).rejects.toThrow(/trained with pooling "mean"/);
  });
});

const module = (type: string, path: string) => ({
  idx: 0,
  name: '',
  path,
  type: `sentence_transformers.models.${type}`,
});
const MODULES = [module('Transformer', ''), module('Pooling', '1_Pooling'), module('Normalize', '2_Normalize')];

describe('modules.json', () => {
  const read = async (modules: unknown, pooling?: object) => {
    const path = await mkdtemp(join(place, 'modules-'));
    await writeFile(join(path, 'modules.json'), typeof modules === 'string' ? modules : JSON.stringify(modules));
    await mkdir(join(path, '1_Pooling'));
    if (pooling) await writeFile(join(path, '1_Pooling', 'config.json'), JSON.stringify(pooling));
    const said: string[] = [];
    const found = await sentencePooling({ path, files: ['modules.json'] }, (_, message) => said.push(message));
    return { pooling: found.pooling, said: said.join('\n') };
  };

  it.each([
    ['flags', { pooling_mode_cls_token: false, pooling_mode_mean_tokens: true }, 'mean'],
    ['flags, of the first token', { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }, 'cls'],
    ['a name', { pooling_mode: 'cls' }, 'cls'],
    ['a list', { pooling_mode: ['mean'] }, 'mean'],
    ['a mean of another length', { pooling_mode_mean_sqrt_len_tokens: true }, 'mean'],
    ['no file', undefined, 'mean'],
  ])('is read: %s', async (_, config, pooling) => {
    expect(await read(MODULES, config)).toEqual({ pooling, said: '' });
  });

  it('is read under the newer names of its modules', async () => {
    const newer = MODULES.map((it) => ({ ...it, type: it.type.replace('.models.', '.base.modules.') }));
    expect(await read(newer, { pooling_mode: 'mean' })).toEqual({ pooling: 'mean', said: '' });
  });

  it('says what it asks for in vain', async () => {
    const dense = await read([...MODULES, module('Dense', '2_Dense')], { pooling_mode: 'mean' });
    expect(dense).toMatchObject({
      pooling: 'mean',
      said: expect.stringMatching(/names Dense \(2_Dense\), which Luthier does not compute/),
    });
    const max = await read(MODULES, { pooling_mode_max_tokens: true });
    expect(max).toMatchObject({ pooling: undefined, said: expect.stringMatching(/pools by max_tokens/) });
    const both = await read(MODULES, { pooling_mode: ['mean', 'max'] });
    expect(both).toMatchObject({
      pooling: 'mean',
      said: expect.stringMatching(/by mean and max, .*: mean alone is used/),
    });
  });

  it.each([['{'], ['{}'], ['[1]'], [[module('Pooling', '../elsewhere')]], [[module('Pooling', '..')]]])(
    'is passed over, and said, where it is at fault: %j',
    async (modules) => {
      expect(await read(modules)).toMatchObject({
        pooling: undefined,
        said: expect.stringMatching(/modules\.json: .* is not known\.$/),
      });
    },
  );
});
