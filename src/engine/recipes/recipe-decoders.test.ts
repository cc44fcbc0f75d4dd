import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { suggestedTraining } from '../../protocol/index.ts';
import { saveModelFolder } from '../hub/model-folder.ts';
import { factsOf } from '../strategies/facts.ts';
import { suggestStrategies } from '../strategies/index.ts';
import { resolveRecipe } from './recipe.ts';

let place: string;
const lora = { type: 'lora', r: 8, lora_alpha: 16, lora_dropout: 0.05, target_modules: ['c_attn'] };
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-decoder-recipe-'));
  await mkdir(join(place, 'decoder'));
  await saveModelFolder(join(place, 'decoder'), {
    config: { model_type: 'gpt2', n_embd: 4, n_layer: 1, n_head: 1, vocab_size: 5 },
    tensors: [{ name: 'wte.weight', shape: [1], dtype: 'F32', data: Float32Array.of(1) }],
  });
  await writeFile(join(place, 'rows.csv'), 'text,label\na,b\n');
});
afterAll(() => rm(place, { recursive: true, force: true }));

const recipeOf = async (keys: object, sets: string[] = []) =>
  (await resolveRecipe({ model: 'decoder', dataset: 'rows.csv', ...keys }, place, sets)).recipe;

it('a decoder is tuned by LoRA where a recipe says no strategy, at LoRA’s rate where it says none', async () => {
  expect(await recipeOf({})).toMatchObject({ strategy: lora, learning_rate: 1e-3 });
  expect(await recipeOf({ learning_rate: 1e-4 })).toMatchObject({ strategy: lora, learning_rate: 1e-4 });
  expect(await recipeOf({ strategy: { type: 'full' } })).toMatchObject({ strategy: { type: 'full' } });
  expect(await recipeOf({ model: 'starters/bert' })).toMatchObject({ strategy: { type: 'full' } });
  expect(await recipeOf({ model: 'starters/bert' }, [`model=${join(place, 'decoder')}`])).toMatchObject({
    strategy: lora,
  });
});

it('a small one that learns to write is trained whole, by every door', async () => {
  const writing = { strategy: { type: 'full' }, learning_rate: 5e-4 };
  for (const task of ['text-generation', 'conversational'] as const) {
    expect(await recipeOf({ task })).toMatchObject(writing);
    expect(await recipeOf({ task, strategy: { type: 'lora' } })).toMatchObject({ strategy: { type: 'lora' } });
    const facts = await factsOf('decoder', place);
    const [first] = suggestStrategies(100, facts, task);
    expect(first).toMatchObject({ ...writing, isRecommended: true, detail: expect.stringContaining('this small') });
    expect(suggestedTraining(100, first!, 'decoder', task).learning_rate).toBe(5e-4);
  }
});

it('every door offers it first', async () => {
  const [first] = suggestStrategies(100, await factsOf('decoder', place));
  expect(first).toMatchObject({ strategy: lora, isRecommended: true, learning_rate: 1e-3 });
});

it('fill-in-the-middle is of texts that are continued', async () => {
  const keys = { task: 'text-generation', fim_rate: 0.5 };
  expect(await recipeOf(keys)).toMatchObject({ fim_rate: 0.5 });
  expect(await recipeOf({ task: 'text-generation' })).not.toHaveProperty('fim_rate');
  await expect(recipeOf({ ...keys, task: 'conversational' })).rejects.toThrow(
    'fim_rate is of text-generation, and the task is conversational.',
  );
  await expect(recipeOf({ task: 'text-generation', fim_spm_rate: 0.1 })).rejects.toThrow('without fim_rate');
  await expect(recipeOf({ ...keys, fim_rate: 1.5 })).rejects.toThrow('fim_rate');
});
