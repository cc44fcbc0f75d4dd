import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeRecord } from '../../runs/record.ts';
import { modelFiles } from '../hub/model-folder.ts';
import { makeBertFolder } from '../hub/testing/bert-folder.ts';
import { evaluateModel } from '../infer/evaluate-model.ts';
import { predictFile, rowsOfPredictor } from '../infer/predict-file.ts';
import { createPredictor } from '../infer/predictor.ts';
import { resolveRecipe } from '../recipes/recipe.ts';
import { checkpointModel } from '../runs/checkpoint-model.ts';
import { Checkpoints } from '../runs/checkpoints.ts';
import { createRun } from '../runs/folder.ts';
import { INITIAL_STATE } from './loop-state.ts';
import { createTrainer } from './trainer.ts';

const TEMPLATE = `---
inputs:
  review: { type: string }
  place: { type: string, default: parcel }
model: { api: completion }
---
the {{ place }} is {{ review }}`;
const ROWS = Array.from({ length: 20 }, (_, i) => (i % 2 ? `very good ${i},yes` : `late bad ${i},no`));

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier template-'));
  await makeBertFolder(join(place, 'base'));
  await writeFile(join(place, 'rows.csv'), `review,verdict\n${ROWS.join('\n')}\n`);
  await writeFile(join(place, 'ask.prompty'), TEMPLATE);
});
afterAll(() => rm(place, { recursive: true, force: true }));

it('a run keeps the exact template, and its model is asked through it everywhere', { timeout: 120_000 }, async () => {
  const input = { model: 'base', dataset: 'rows.csv', template: 'ask.prompty', columns: { label: 'verdict' } };
  const loaded = await resolveRecipe({ ...input, max_steps: 4, validation_split: 0.2 }, place);
  expect(loaded.recipe.template).toBe(join(place, 'ask.prompty'));
  const { folder: run, record } = await createRun({ ...loaded, state: 'starting' });
  expect(record.template).toEqual({ path: join(place, 'ask.prompty'), text: TEMPLATE });
  // Whatever the file says by now.
  await writeFile(join(place, 'ask.prompty'), 'user:\nsomething else\n');
  const { recipe, base } = loaded;
  const trainer = await createTrainer({ recipe, base, template: record.template, note: () => {} });
  while (trainer.step < trainer.totalSteps) await trainer.trainStep();
  const best = { step: trainer.step, metrics: {} };
  await new Checkpoints(join(run, 'checkpoints'), 2, 'data').saveWeights({ ...INITIAL_STATE, best }, trainer.state());
  await writeRecord(run, { ...record, best });
  const soFar = await checkpointModel(run);
  expect(await readFile(join(soFar.path, 'prompt.prompty'), 'utf8')).toBe(TEMPLATE);
  const folder = join(place, 'run', 'model');
  await trainer.saveModel(folder);
  trainer.dispose();

  expect(await readFile(join(folder, 'prompt.prompty'), 'utf8')).toBe(TEMPLATE);
  expect(await modelFiles(folder)).toContain('prompt.prompty');
  expect(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')).luthier).toEqual({
    ...{ task: 'text-classification', template: 'prompt.prompty' },
  });

  const predictor = await createPredictor(folder);
  const [asked] = await predictor.predict(['very good']);
  const [same] = await predictor.answer(['the parcel is very good']);
  const [plain] = await predictor.answer(['very good']);
  expect(asked).toMatchObject({ text: 'very good', scores: same!.scores });
  expect(asked!.scores).not.toEqual(plain!.scores);
  const [both] = await predictor.predict([JSON.stringify({ review: 'very good', place: 'invoice' })]);
  // One input is needed: what is typed is its value, whatever it looks like.
  expect(both!.text).toContain('{');

  const said: string[] = [];
  const report = await evaluateModel({
    ...{ model: predictor, data: 'rows.csv', base: place, split: 'test' },
    note: (_, message) => said.push(message),
  });
  expect(report.n).toBe(20);
  expect(said).toContain('Rows go through the model’s prompt.prompty, as in training.');

  const out = join(place, 'answered.csv');
  const done = await predictFile(rowsOfPredictor(predictor), { file: join(place, 'rows.csv'), out });
  expect(done.from).toEqual(['review']);
  const lines = (await readFile(out, 'utf8')).split('\n');
  const first = await predictor.answer(['the parcel is late bad 0']);
  expect(lines[1]).toBe(`late bad 0,no,${first[0]!.label},${Math.round(first[0]!.score * 1e4) / 1e4}`);
  predictor.dispose();
  await rm(join(folder, 'prompt.prompty'));
  await expect(createPredictor(folder)).rejects.toThrow(
    'lacks prompt.prompty, through which the model learned its rows',
  );
});
