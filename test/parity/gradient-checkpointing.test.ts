import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import type { RecipeInput } from '../../src/protocol/index.ts';
import { makeTinyBert, tinyRows } from '../faults/tiny.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-checkpointing-'));
  await makeTinyBert(join(place, 'tiny'));
  await writeFile(join(place, 'rows.csv'), tinyRows(80));
});
afterAll(() => rm(place, { recursive: true, force: true }));

async function losses(backend: 'onnxruntime' | 'wasm', more: Partial<RecipeInput>) {
  const recipe = parseRecipe({
    ...{ model: 'tiny', dataset: 'rows.csv', backend, max_steps: 6, max_length: 32, learning_rate: 3e-3 },
    ...more,
  });
  const told: string[] = [];
  const trainer = await createTrainer({ recipe, base: place, note: (_, message) => told.push(message) });
  const found: number[] = [];
  while (trainer.step < 6) found.push((await trainer.trainStep()).loss);
  trainer.dispose();
  return { found, told: told.join('\n') };
}

it('a run with gradient checkpointing has the losses of one without, and repeats bit for bit', async () => {
  const plain = await losses('onnxruntime', {});
  const again = await losses('onnxruntime', { gradient_checkpointing: true });
  for (const [step, loss] of plain.found.entries()) expect(again.found[step]).toBeCloseTo(loss, 5);
  expect((await losses('onnxruntime', { gradient_checkpointing: true })).found).toEqual(again.found);
  expect(again.told).not.toContain('gradient_checkpointing');
});

it('a backend that runs op by op says that it keeps everything', async () => {
  const { found, told } = await losses('wasm', { gradient_checkpointing: true });
  expect(found).toEqual((await losses('wasm', {})).found);
  expect(told).toContain('gradient_checkpointing: wasm keeps what layers compute');
});
