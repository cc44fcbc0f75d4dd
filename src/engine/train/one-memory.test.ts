import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Strategy } from '../../protocol/index.ts';
import { saveModelFolder } from '../hub/model-folder.ts';
import { declarationOf } from '../models/architecture.ts';
import { architectureOf } from '../models/registry.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import type { Workload } from './estimate.ts';
import { requireOneMemory } from './one-memory.ts';
import { createTrainer } from './trainer.ts';

/** BERT-large: 24 layers × 1,024, 335 M parameters. */
const LARGE = {
  model_type: 'bert',
  vocab_size: 30522,
  hidden_size: 1024,
  num_hidden_layers: 24,
  num_attention_heads: 16,
  intermediate_size: 4096,
  max_position_embeddings: 512,
};
const work: Workload = {
  architecture: architectureOf(LARGE, 'config.json'),
  numLabels: 2,
  trainLengths: [10, 10],
  validationLengths: [],
};
const LORA: Strategy = { type: 'lora', r: 8, lora_alpha: 8, lora_dropout: 0, target_modules: ['query', 'value'] };

const refusal = (strategy: Strategy, more = {}) => {
  try {
    requireOneMemory(work, parseRecipe({ model: 'm', dataset: 'd', strategy, ...more }));
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  return null;
};

describe('requireOneMemory', () => {
  it('refuses what 4 GiB do not hold, with the figure and what fits', () => {
    const refused = refusal({ type: 'full' })!;
    expect(refused.code).toBe('not-enough-memory');
    expect(refused.message).toMatch(/335 million parameters.*5\.4 GB.*at most 4\.0 GB/);
    expect(refused.hint).toMatch(/"freeze", "num_frozen_layers": \d+.*"lora".*load_in_8bit.*"head"/);
    const frozen = Number(/num_frozen_layers": (\d+)/.exec(refused.hint)![1]);
    expect(refusal({ type: 'freeze', num_frozen_layers: frozen })).toBeNull();
    if (frozen > 1) expect(refusal({ type: 'freeze', num_frozen_layers: frozen - 1 })).not.toBeNull();
    expect(refused.hint).not.toContain('"full"');
    expect(refused.hint).toContain(
      '{"type": "bitfit"}, {"type": "prompt-tuning"} (with "load_in_8bit": true if speed matters) or {"type": "head"}.',
    );
    expect(refusal(LORA)).toBeNull();
    expect(refusal({ type: 'bitfit' })).toBeNull();
    expect(refusal({ type: 'head' })).toBeNull();
  });

  it('counts the sum of gradients where they are accumulated', () => {
    const strategy = { type: 'freeze', num_frozen_layers: 7 } as const;
    expect(refusal(strategy)).toBeNull();
    expect(refusal(strategy, { gradient_accumulation_steps: 2 })).not.toBeNull();
  });
});

describe('a model that is too large', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'luthier-large-'));
  afterAll(() => rmSync(root, { recursive: true }));
  const vocab = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'good', 'bad', 'day', 'night'];
  const dataset = path.join(root, 'rows.csv');
  const rows = Array.from({ length: 40 }, (_, i) => `${i % 2 ? 'good' : 'bad'} day ${i},${i % 2}`);
  writeFileSync(dataset, `text,label\n${rows.join('\n')}\n`);

  it('is refused before its weights are read or memory is taken', async () => {
    const model = path.join(root, 'large');
    mkdirSync(model);
    writeFileSync(path.join(model, 'config.json'), JSON.stringify(LARGE));
    writeFileSync(path.join(model, 'vocab.txt'), `${vocab.join('\n')}\n`);
    writeHoles(path.join(model, 'model.safetensors'), declarationOf(work.architecture, { outputs: 2 }).parameters);
    const before = process.memoryUsage.rss();
    await expect(
      createTrainer({ recipe: parseRecipe({ model, dataset }), base: root, note: () => {} }),
    ).rejects.toMatchObject({
      code: 'not-enough-memory',
      message: expect.stringContaining('335 million parameters'),
    });
    expect(process.memoryUsage.rss() - before).toBeLessThan(500e6);
  });

  it('is no model where config.json only says so: what its weights lack is named first', async () => {
    const model = path.join(root, 'boasting');
    await saveModelFolder(model, {
      config: LARGE,
      tensors: [{ name: 'bert.embeddings.LayerNorm.bias', shape: [1], dtype: 'F32', data: new Float32Array(1) }],
    });
    writeFileSync(path.join(model, 'vocab.txt'), `${vocab.join('\n')}\n`);
    const before = process.memoryUsage.rss();
    await expect(
      createTrainer({ recipe: parseRecipe({ model, dataset }), base: root, note: () => {} }),
    ).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/the weights are missing bert\.embeddings\..* and \d+ more/),
    });
    expect(process.memoryUsage.rss() - before).toBeLessThan(500e6);
  });
});

/** A safetensors file of the right header and size that takes no room on the disk: all of its numbers are a hole. */
function writeHoles(file: string, parameters: ReadonlyMap<string, { shape: readonly number[] }>): void {
  let end = 0;
  const entries = [...parameters].map(([name, { shape }]) => {
    const begin = end;
    end += 4 * shape.reduce((a, b) => a * b, 1);
    return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }] as const;
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(file, Buffer.concat([length, header]));
  truncateSync(file, 8 + header.length + end);
}
