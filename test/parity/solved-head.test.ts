import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPredictor } from '../../src/engine/infer/predictor.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { Abandoned } from '../../src/engine/train/control.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import { makeTinyBert, tinyRows } from '../faults/tiny.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-solved-'));
  await makeTinyBert(join(place, 'tiny'));
  await writeFile(join(place, 'rows.csv'), tinyRows(80));
  const numbers = tinyRows(60)
    .trim()
    .split('\n')
    .slice(1)
    .map((line, i) => `${line.replace(/,\w+$/, '')},${i % 2 === 0 ? 4.5 : 1.5}`);
  await writeFile(join(place, 'stars.csv'), `text,label\n${numbers.join('\n')}\n`);
  const several = tinyRows(60)
    .trim()
    .split('\n')
    .slice(1)
    .map((line, i) => `${line.replace(/,\w+$/, '')},${i % 2 === 0 ? 'good|x' : 'x'}${i % 3 === 0 ? '|y' : ''}`);
  await writeFile(join(place, 'several.csv'), `text,label\n${several.join('\n')}\n`);
});
afterAll(() => rm(place, { recursive: true, force: true }));

async function trainer(more: object = {}) {
  const notes: string[] = [];
  const recipe = parseRecipe({
    model: 'tiny',
    dataset: 'rows.csv',
    strategy: { type: 'head', solver: 'lbfgs' },
    ...more,
  });
  const made = await createTrainer({ recipe, base: place, note: (_, message) => notes.push(message) });
  return { made, notes };
}

it('solves a head in one step, says how C was chosen, and saves what it evaluated', { timeout: 60_000 }, async () => {
  const { made, notes } = await trainer({ class_weight: 'balanced', label_smoothing_factor: 0.1, pooling: 'mean' });
  expect([made.totalSteps, made.stepsPerEpoch]).toEqual([1, 1]);
  // The answers alone: two classes and their biases.
  expect(made.numTrainableParameters).toBe(2 * 32 + 2);
  const { step, loss, grad_norm } = await made.trainStep();
  expect(step).toBe(1);
  expect(loss).toBeLessThan(0.69);
  expect(grad_norm).toBeLessThan(1e-2);
  expect(notes.join('\n')).toMatch(
    /solved by L-BFGS in \d+ iterations? with C [\d.]+, the best of a 5-fold cross-validation on 72 training rows by accuracy \(C 0\.1: \d+\.\d %, /,
  );
  const report = await made.evaluate('validation');
  expect(report.metrics.accuracy).toBeGreaterThan(0.6);
  await made.saveModel(join(place, 'model'));
  made.dispose();
  const predictor = await createPredictor(join(place, 'model'));
  expect(predictor.labels).toEqual(['bad', 'good']);
  predictor.dispose();
});

it.each([
  ['a number', { dataset: 'stars.csv', problem_type: 'regression' }],
  ['several labels', { dataset: 'several.csv', problem_type: 'multi_label_classification', label_separator: '|' }],
])('solves %s, C chosen by the loss', { timeout: 60_000 }, async (_, more) => {
  const { made, notes } = await trainer(more);
  await made.trainStep();
  expect(notes.join('\n')).toMatch(/cross-validation on 54 training rows by loss/);
  expect((await made.evaluate('validation')).n).toBe(6);
  made.dispose();
});

it('hears in the middle that it is to end, and can be begun again', { timeout: 60_000 }, async () => {
  const { made } = await trainer();
  let turns = 0;
  const stop = async () => {
    if (++turns === 9) throw new Abandoned();
  };
  await expect(made.trainStep(stop)).rejects.toThrow(Abandoned);
  expect(made.step).toBe(0);
  expect((await made.trainStep()).step).toBe(1);
  made.dispose();
});

it('is AdamW’s where a recipe does not name a solver, and refused for tokens', { timeout: 60_000 }, async () => {
  const { made } = await trainer({ strategy: { type: 'head' } });
  expect(made.totalSteps).toBeGreaterThan(1);
  made.dispose();
});
