import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveModelFolder } from '../../src/engine/hub/model-folder.ts';
import { evaluateModel } from '../../src/engine/infer/evaluate-model.ts';
import { declarationOf } from '../../src/engine/models/architecture.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { encodeConversations } from '../../src/engine/tasks/conversational/encode.ts';
import { conversational } from '../../src/engine/tasks/conversational/task.ts';
import { Tokenizer } from '../../src/engine/text/tokenizer.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import type { Strategy } from '../../src/protocol/index.ts';
import { figures } from './executors.ts';
import { findPython, runPython } from './python.ts';
import { weight } from './values.ts';

const STARTER = fileURLToPath(new URL('../../starters/decoder/', import.meta.url));
const python = findPython();

/** A small random Llama with the decoder starter's tokenizer, and conversations (language_figures.py). */
describe('a run of a language model', () => {
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'luthier-language-run-'));
    const { config, conversations } = JSON.parse(await readFile(figures('language.json'), 'utf8'));
    const { parameters } = declarationOf(architectureOf(config, 'config.json', conversational));
    const tensors = [...parameters.values()].map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return { name, shape, dtype: 'F32' as const, data: weight(name, size, 0.05) };
    });
    const base = join(place, 'base');
    await saveModelFolder(base, { config: { ...config, architectures: ['LlamaForCausalLM'] }, tensors });
    for (const name of ['tokenizer.json', 'tokenizer_config.json'])
      await copyFile(join(STARTER, name), join(base, name));
    const lines = (conversations as unknown[]).map((messages) => `${JSON.stringify({ messages })}\n`);
    await writeFile(join(place, 'chat.jsonl'), lines.join(''));
    await writeFile(join(place, 'texts.txt'), 'The parcel has been in the depot for nine days. '.repeat(200));
  });
  afterAll(() => rm(place, { recursive: true, force: true }));

  const begin = (strategy: Strategy, more: object = {}) => {
    const told: string[] = [];
    const written = { model: 'base', dataset: 'chat.jsonl', task: 'conversational', strategy, max_length: 96, seed: 3 };
    const sizes = { per_device_train_batch_size: 4, gradient_accumulation_steps: 2, validation_split: 0.2 };
    return createTrainer({
      recipe: parseRecipe({ ...written, ...sizes, backend: 'onnxruntime', ...more }),
      base: place,
      note: (_, message) => told.push(message),
    }).then((trainer) => Object.assign(trainer, { told }));
  };

  it.each<[string, Strategy]>([
    ['full', { type: 'full' }],
    ['LoRA', { type: 'lora', r: 4, lora_alpha: 8, lora_dropout: 0.1, target_modules: ['q_proj', 'v_proj'] }],
  ])(
    '%s: resumed it has the same losses bit for bit; samples change nothing',
    { timeout: 240_000 },
    async (_, strategy) => {
      const whole = await begin(strategy);
      const losses: number[] = [];
      for (let step = 0; step < 2; step++) losses.push((await whole.trainStep()).loss);
      const copied = (values: Map<string, { data: Float32Array }>) =>
        new Map([...values].map(([name, { data }]) => [name, data.slice()]));
      const { parameters, moments } = whole.state();
      const kept = { step: 2, parameters: copied(parameters), moments: copied(moments) };
      losses.push((await whole.trainStep()).loss);
      whole.dispose();
      const resumed = await begin(strategy);
      resumed.restore(kept);
      expect((await resumed.samples!(async () => {})).map(({ reference }) => typeof reference)).toContain('string');
      expect((await resumed.trainStep()).loss).toBe(losses[2]);
      resumed.dispose();
    },
  );

  // What is written there is the processor's (generation.test.ts); a software driver takes its time for each token.
  it.skipIf(process.env.LUTHIER_TEST_WEBGPU !== '1')(
    'on a graphics card samples are written, too, and change nothing',
    { timeout: 600_000 },
    async () => {
      const trained = async (backend: 'onnxruntime' | 'webgpu') => {
        const trainer = await begin({ type: 'full' }, { backend });
        await trainer.trainStep();
        let tokens = 0;
        const writing = trainer.samples!(async () => {
          if (++tokens === 4) throw new Error('enough');
        });
        await expect(writing).rejects.toThrow('enough');
        const { loss } = await trainer.trainStep();
        trainer.dispose();
        return loss;
      };
      expect(Math.abs((await trained('webgpu')) / (await trained('onnxruntime')) - 1)).toBeLessThan(1e-4);
    },
  );

  it('says before it starts what is learnt of three rows', { timeout: 120_000 }, async () => {
    const trainer = await begin({ type: 'full' });
    const shown = trainer.told.filter((line) => line.includes('between ⟦ and ⟧'));
    expect(shown).toHaveLength(3);
    expect(shown[0]).toMatch(
      /^chat\.jsonl, line \d+: \d+ of \d+ tokens are learnt, between ⟦ and ⟧: .*<\|im_start\|>assistant ⟦/,
    );
    trainer.dispose();
  });

  it('writes a folder that is measured alike, in Luthier and in transformers', {
    timeout: 240_000,
  }, async (context) => {
    const trainer = await begin({ type: 'full' }, { learning_rate: 1e-3 });
    for (let step = 0; step < 3; step++) await trainer.trainStep();
    const model = join(place, 'trained');
    await trainer.saveModel(model);
    trainer.dispose();
    expect(JSON.parse(await readFile(join(model, 'config.json'), 'utf8'))).toMatchObject({
      ...{ architectures: ['LlamaForCausalLM'], luthier: { task: 'conversational' }, tie_word_embeddings: true },
    });
    const data = { train: 'chat.jsonl', validation: 'chat.jsonl' };
    const report = await evaluateModel({
      ...{ model, data: data.validation, base: place, split: 'validation', note: () => {} },
      backend: 'onnxruntime',
    });
    expect(report.task).toBe('conversational');
    if (!python) return context.skip('no Python with transformers: set LUTHIER_PYTHON');
    const tokenizer = await Tokenizer.load(model);
    const rows = (await readFile(join(place, 'chat.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line, i) => ({ file: 'chat.jsonl', line: i + 1, messages: JSON.parse(line).messages }));
    const { items } = encodeConversations(rows, tokenizer, 96);
    const file = join(place, 'rows.json');
    await writeFile(file, JSON.stringify(items.map(({ ids, labels }) => ({ ids: [...ids], labels: [...labels] }))));
    const script = fileURLToPath(new URL('causal_loss.py', import.meta.url));
    const { code, stdout, stderr } = await runPython(python, [script, model, file]);
    expect(code, stderr).toBe(0);
    const said = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(said.problems).toEqual({});
    expect(Math.abs(report.metrics.loss! / said.loss - 1)).toBeLessThan(1e-5);
  });

  it('learns a text in windows, and samples its continuation', { timeout: 120_000 }, async () => {
    const trainer = await begin({ type: 'full' }, { task: 'text-generation', dataset: 'texts.txt' });
    expect((await trainer.trainStep()).loss).toBeGreaterThan(1);
    const report = await trainer.evaluate('validation');
    expect(Object.keys(report.metrics)).toEqual(['perplexity', 'bits_per_byte', 'loss']);
    expect(report.metrics.bits_per_byte).toBeGreaterThan(0);
    trainer.dispose();
  });
});
