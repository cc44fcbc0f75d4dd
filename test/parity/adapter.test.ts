import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModelFolder } from '../../src/engine/hub/model-folder.ts';
import { SafetensorsFile } from '../../src/engine/hub/safetensors.ts';
import { createPredictor } from '../../src/engine/infer/predictor.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import type { Trainer } from '../../src/engine/train/types.ts';
import { makeTinyBert, tinyRows } from '../faults/tiny.ts';
import { findPython, runPython } from './python.ts';
import { uniform } from './values.ts';

const TEXTS = ['the parcel was broken and late', 'a lovely screen', 'it is very very very kind today', 'the'];
const python = findPython();

describe('a run of strategy lora', () => {
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'luthier-lora-'));
    await makeTinyBert(join(place, 'tiny'));
    await writeFile(join(place, 'rows.csv'), tinyRows(80));
  });
  afterAll(() => rm(place, { recursive: true, force: true }));

  const train = async (strategy: object, steps: number, work: (trainer: Trainer) => Promise<void>) => {
    const recipe = parseRecipe({
      ...{ model: 'tiny', dataset: 'rows.csv', max_steps: 8, max_length: 32, learning_rate: 3e-2 },
      strategy: { type: 'lora', r: 4, lora_alpha: 16, lora_dropout: 0.1, ...strategy },
    });
    const trainer = await createTrainer({ recipe, base: place, note: () => {} });
    const losses: number[] = [];
    while (trainer.step < steps) losses.push((await trainer.trainStep()).loss);
    await work(trainer);
    trainer.dispose();
    return losses;
  };

  it.each([[{}], [{ load_in_8bit: true }], [{ use_dora: true }], [{ use_dora: true, load_in_8bit: true }]])(
    '%o: repeats bit for bit, and goes on from adapters and head alone',
    async (strategy) => {
      const parameters = new Map<string, Float32Array>();
      const moments = new Map<string, Float32Array>();
      const first = await train(strategy, 4, async (trainer) => {
        const state = trainer.state();
        const modules = ['query', 'value'].flatMap((part) =>
          [0, 1].map((layer) => `bert.encoder.layer.${layer}.attention.self.${part}`),
        );
        const isDora = 'use_dora' in strategy;
        const parts = ['lora_A.weight', 'lora_B.weight', ...(isDora ? ['lora_magnitude_vector'] : [])];
        const names = modules.flatMap((module) => parts.map((part) => `${module}.${part}`));
        expect([...state.parameters.keys()].sort()).toEqual([...names, 'classifier.weight', 'classifier.bias'].sort());
        expect(trainer.numTrainableParameters).toBe(4 * (4 * 32 + 32 * 4 + (isDora ? 32 : 0)) + 2 * 32 + 2);
        for (const [name, { data }] of state.parameters) parameters.set(name, Float32Array.from(data));
        for (const [name, { data }] of state.moments) moments.set(name, Float32Array.from(data));
      });
      const whole = await train(strategy, 8, async () => {});
      expect(whole.slice(0, 4)).toEqual(first);
      const rest: number[] = [];
      await train(strategy, 0, async (trainer) => {
        trainer.restore({ step: 4, parameters, moments });
        while (trainer.step < 8) rest.push((await trainer.trainStep()).loss);
      });
      expect(rest).toEqual(whole.slice(4));
    },
  );

  // Every layer, so that a module under another name shows; the pooler's adapter is a head's.
  it.each([
    ['query-value', {}],
    ['all-linear', { target_modules: 'all-linear' }],
    ['8 bits', { load_in_8bit: true }],
    ['rank-stabilised', { use_rslora: true }],
    ['dora', { use_dora: true, target_modules: 'all-linear' }],
    ['dora, 8 bits', { use_dora: true, load_in_8bit: true, target_modules: 'all-linear' }],
  ])('%s: writes a merged model and an adapter', async (name, strategy) => {
    const run = join(place, name);
    await train(strategy, 8, async (trainer) => {
      // After so few steps adapters are too small to be missed.
      const state = trainer.state();
      trainer.loadParameters(
        new Map([...state.parameters].map(([key, { data }]) => [key, Float32Array.from(uniform(key, data.length))])),
      );
      await trainer.saveModel(join(run, 'model'));
    });
    const predictor = await createPredictor(join(run, 'model'));
    const logits = await predictor.logits(TEXTS);
    const rows = TEXTS.map((_, i) => [...logits.subarray(2 * i, 2 * i + 2)]);
    predictor.dispose();
    expect(Math.abs(rows[0]![0]! - rows[1]![0]!)).toBeGreaterThan(0.05);
    const file = await SafetensorsFile.open(join(run, 'adapter', 'adapter_model.safetensors'));
    expect([...file.tensors.keys()].every((key) => /^base_model\.model\.(bert|classifier)\./.test(key))).toBe(true);
    await file.close();
    const config: unknown = JSON.parse(await readFile(join(run, 'adapter', 'adapter_config.json'), 'utf8'));
    const { use_rslora = false, use_dora = false } = strategy as { use_rslora?: boolean; use_dora?: boolean };
    const own = { r: 4, use_rslora, use_dora };
    expect(config).toMatchObject({ peft_type: 'LORA', base_model_name_or_path: join(place, 'tiny'), ...own });
    await writeFile(
      join(run, 'expected.json'),
      JSON.stringify({ texts: TEXTS, logits: rows, model: join(run, 'model') }),
    );
  });

  it.skipIf(!python)(
    'is loaded by peft with equal logits (skipped without the peers’ Python)',
    async () => {
      for (const name of ['query-value', 'all-linear', '8 bits', 'rank-stabilised', 'dora']) {
        const run = join(place, name);
        const script = fileURLToPath(new URL('./from_pretrained_peft.py', import.meta.url));
        const args = [script, join(run, 'adapter'), join(run, 'expected.json')];
        const { code, stdout, stderr } = await runPython(python!, args);
        expect(stdout, stderr).toContain('"ok": true');
        expect(code).toBe(0);
      }
    },
    300_000,
  );

  it('begins DoRA at the model’s own answers: magnitudes are the lengths of its weights', async () => {
    await train({ use_dora: true }, 0, async (trainer) => {
      const { weights } = await openModelFolder(join(place, 'tiny'));
      for (const [name, { data }] of trainer.state().parameters) {
        if (!name.endsWith('.lora_magnitude_vector')) continue;
        const own = new Float32Array(32 * 32);
        await weights.readInto(name.replace('lora_magnitude_vector', 'weight'), own);
        const norms = Array.from({ length: 32 }, (_, i) => Math.hypot(...own.subarray(32 * i, 32 * i + 32)));
        for (const [i, norm] of norms.entries()) expect(data[i]).toBeCloseTo(norm, 6);
      }
      await weights.close();
    });
  });

  it('refuses a target that the model does not have, naming those that it has', async () => {
    await expect(train({ target_modules: ['query', 'q_proj'] }, 0, async () => {})).rejects.toMatchObject({
      code: 'recipe-invalid',
      message: 'strategy.target_modules names "q_proj", but the model has no linear layer with that name.',
      hint: expect.stringContaining('query, key, value, dense'),
    });
    await expect(train({ target_modules: ['classifier'] }, 0, async () => {})).rejects.toMatchObject({
      message: 'strategy.target_modules names "classifier", which LoRA already trains in full.',
    });
  });
});
