import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Recipe, RunRecord, StepsOfRun } from '../../protocol/index.ts';
import { assignFolds } from '../data/folds.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import { countSteps, DEFAULT_BATCH, fitBatch } from '../recipes/schedule.ts';
import { taskNamed } from '../tasks/registry.ts';
import type { LabelledItem } from '../tasks/task.ts';
import { lessonsOf, stepsOnItems } from '../train/lessons.ts';
import type { Trainer } from '../train/types.ts';
import { CrossValidation } from './cross-validation.ts';

it('a fold’s folder is made in the run’s own, not behind a link that took its place while the run trained', async () => {
  const place = await mkdtemp(join(tmpdir(), 'luthier-folds-'));
  try {
    const folder = await mkdtemp(join(place, 'run-'));
    const elsewhere = await mkdtemp(join(place, 'elsewhere-'));
    const record = { folds: { count: 3, final: false, results: [], deviations: {} } } as unknown as RunRecord;
    const validation = new CrossValidation(folder, () => record);
    expect(await validation.next(false)).toEqual({
      fold: 1,
      part: { fold: 1, count: 3 },
      folder: join(folder, 'folds', '1'),
    });
    expect(await readdir(join(folder, 'folds'))).toEqual(['1']);
    for (const path of ['folds/1/checkpoints', 'folds/1', 'folds']) {
      await rm(join(folder, path), { recursive: true, force: true });
      await symlink(elsewhere, join(folder, path), 'junction');
      await expect(validation.next(false)).rejects.toMatchObject({ code: 'run-untrusted' });
    }
    expect(await readdir(elsewhere)).toEqual([]);
  } finally {
    await rm(place, { recursive: true });
  }
});

const LABELS = ['a', 'b', 'c'];
const items = (n: number): LabelledItem[] =>
  Array.from({ length: n }, (_, i) => ({
    ids: Int32Array.of(1, 2),
    typeIds: Uint8Array.of(0, 0),
    labels: Int32Array.of(i % LABELS.length),
  }));

/** Steps of a training as trainer.ts and task-trainer.ts count them. */
function stepsOfTraining(recipe: Recipe, rows: number, named: number): number {
  const { recipe: fitting } = fitBatch(recipe, rows);
  const { recipe: learnt, items: all } = lessonsOf(
    taskNamed('text-classification'),
    fitting,
    items(rows),
    LABELS,
    items(named),
  );
  return countSteps(learnt, all.length).total;
}

/** What each training of a cross-validation is told of its place, those of its steps that it takes, and all of them. */
function places(recipe: Recipe, sizes: readonly number[], final: boolean, named: number) {
  const count = sizes.length;
  const rows = sizes.reduce((a, b) => a + b);
  const record = { folds: { count, final, results: [], deviations: {} } } as unknown as RunRecord;
  const validation = new CrossValidation('', () => record);
  const told: (StepsOfRun & { own: number })[] = [];
  for (const fold of [...sizes.keys(), ...(final ? [null] : [])]) {
    const held = fold === null ? 0 : sizes[fold]!;
    const own = stepsOfTraining(recipe, rows - held, named);
    const stepsOn = (some: number) => stepsOnItems(recipe, some, named);
    const trainer = { totalSteps: own, numTrainRows: rows - held, numValidationRows: held, stepsOn } as Trainer;
    const number = fold === null ? null : fold + 1;
    told.push({ ...validation.steps({ fold: number, folder: '' }, trainer), own });
    if (number !== null) record.folds!.results.push({ fold: number, metrics: {}, n: held, steps: own });
  }
  return told;
}

const strategies = fc.constantFrom(
  { type: 'full' },
  { type: 'head', solver: 'lbfgs' },
  { type: 'few-shot', num_iterations: 3, batch_size: 16 },
  { type: 'few-shot', num_iterations: 20, batch_size: 8, max_steps: 40 },
);

const plans = fc
  .record({
    count: fc.integer({ min: 2, max: 10 }),
    more: fc.integer({ min: 0, max: 120 }),
    final: fc.boolean(),
    named: fc.constantFrom(0, LABELS.length),
    strategy: strategies,
    num_train_epochs: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.double({ min: 0.1, max: 9, noNaN: true })),
    per_device_train_batch_size: fc.oneof(fc.constant(DEFAULT_BATCH), fc.integer({ min: 1, max: 6 })),
    gradient_accumulation_steps: fc.integer({ min: 1, max: 5 }),
    max_steps: fc.oneof(fc.constant(-1), fc.integer({ min: 1, max: 200 })),
  })
  .map(({ count, more, final, named, ...keys }) => ({
    ...{ count, final, named, rows: 6 * count + more },
    recipe: parseRecipe({ model: 'm', dataset: 'd', task: 'text-classification', ...keys }),
  }));

it('a run of folds foretells its steps, whatever the rows, epochs, batches and strategy', () => {
  fc.assert(
    fc.property(plans, ({ count, rows, final, named, recipe }) => {
      const dealt = assignFolds(
        Array.from({ length: rows }, (_, i) => ({ label: i % LABELS.length, key: `${i}` })),
        count,
        recipe.seed,
      );
      const sizes = Array.from({ length: count }, (_, fold) => dealt.filter((one) => one === fold + 1).length);
      const told = places(recipe, sizes, final, named);
      const taken = told.reduce((sum, { own }) => sum + own, 0);
      expect(told.map(({ total }) => total)).toEqual(told.map(() => taken));
      expect(told.at(-1)!.before + told.at(-1)!.own).toBe(taken);
    }),
    { numRuns: 300 },
  );
});

it('where rows are kept together, no step is beyond the total that is told, and the last one is it', () => {
  fc.assert(
    fc.property(plans, fc.array(fc.integer({ min: 0, max: 40 })), ({ count, final, named, recipe }, extra) => {
      const sizes = Array.from({ length: count }, (_, i) => 6 + (extra[i] ?? 0));
      const told = places(recipe, sizes, final, named);
      let before = 0;
      for (const place of told) {
        expect(place.before).toBe(before);
        expect(place.total).toBeGreaterThanOrEqual(before + place.own);
        before += place.own;
      }
      expect(told.at(-1)!.total).toBe(before);
    }),
    { numRuns: 300 },
  );
});

it('100 rows in five folds, two epochs of batches of 8: 20 steps a fold and 26 of all rows', () => {
  const recipe = parseRecipe({ model: 'm', dataset: 'd', per_device_train_batch_size: 8, num_train_epochs: 2 });
  expect(places(recipe, [20, 20, 20, 20, 20], true, 0).map(({ before, total }) => [before, total])).toEqual([
    [0, 126],
    [20, 126],
    [40, 126],
    [60, 126],
    [80, 126],
    [100, 126],
  ]);
});
