import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPredictor } from '../../src/engine/infer/predictor.ts';
import { readRecipe } from '../../src/engine/recipes/recipe.ts';
import { checkpointModel } from '../../src/engine/runs/checkpoint-model.ts';
import { Checkpoints } from '../../src/engine/runs/checkpoints.ts';
import { createRun } from '../../src/engine/runs/folder.ts';
import { INITIAL_STATE } from '../../src/engine/train/loop-state.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import { writeRecord } from '../../src/runs/record.ts';
import { makeTinyBert, tinyRows } from './tiny.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-checkpoint-'));
  await makeTinyBert(join(place, 'tiny'));
  await writeFile(join(place, 'rows.csv'), tinyRows(60));
});
afterAll(async () => {
  await rm(place, { recursive: true, force: true });
});

it.each(['full', 'lora'])('the best weights so far of a run (%s) answer as the run would', async (type) => {
  const file = join(place, `${type}.recipe.json`);
  const recipe = {
    ...{ task: 'text-classification', model: 'tiny', dataset: 'rows.csv', strategy: { type } },
    ...{ max_steps: 8, learning_rate: 1e-2, max_length: 16 },
  };
  await writeFile(file, JSON.stringify(recipe));
  const loaded = await readRecipe({ recipe_path: file });
  const { folder, record } = await createRun({ ...loaded, luthierFolder: join(place, '.luthier'), state: 'starting' });
  await expect(checkpointModel(folder)).rejects.toMatchObject({ code: 'run-invalid' });

  const trainer = await createTrainer({ recipe: loaded.recipe, base: place, rules: 2, note: () => {} });
  const checkpoints = new Checkpoints(join(folder, 'checkpoints'), 2, 'data');
  const save = async () => {
    const best = { step: trainer.step, metrics: {} };
    await checkpoints.saveWeights({ ...INITIAL_STATE, best }, trainer.state());
    await writeRecord(folder, { ...record, best });
  };
  for (let step = 0; step < 4; step++) await trainer.trainStep();
  await save();
  const { path, step } = await checkpointModel(folder);
  expect(step).toBe(4);
  await trainer.saveModel(join(place, `${type}-expected`, 'model'));
  const logits = async (model: string) => {
    const predictor = await createPredictor(model);
    try {
      return [...(await predictor.logits(['a lovely day', 'the parcel was late']))];
    } finally {
      predictor.dispose();
    }
  };
  const expected = await logits(join(place, `${type}-expected`, 'model'));
  expect(await logits(path)).toEqual(expected);

  for (let more = 0; more < 2; more++) await trainer.trainStep();
  await save();
  const later = await checkpointModel(folder);
  expect(later.step).toBe(6);
  expect(await logits(later.path)).not.toEqual(expected);
  // Written once, and one alone; the run's own checkpoints are none the worse for it.
  expect(await checkpointModel(folder)).toEqual(later);
  expect((await readdir(join(folder, 'checkpoints'))).filter((name) => !/^checkpoint-\d+$/.test(name))).toEqual([
    'best-6',
  ]);
  expect(await checkpoints.readWeights(6)).toBeInstanceOf(Map);
  trainer.dispose();
});
