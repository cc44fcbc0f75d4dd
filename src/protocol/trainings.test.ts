import { expect, test } from 'vitest';
import {
  eventPrefix,
  isSeedCount,
  seedsFrom,
  stepsOfFinished,
  trainingAt,
  trainingName,
  trainingsOf,
} from './trainings.ts';

const result = { metrics: { accuracy: 0.8 }, n: 24 };
const seeds = { values: [42, 43, 44], results: [{ seed: 42, ...result }], deviations: {} };
const folds = { count: 5, final: true, results: [{ fold: 1, ...result }], deviations: {} };

test('seeds follow the recipe’s, and begin again behind the largest', () => {
  expect(seedsFrom(42, 3)).toEqual([42, 43, 44]);
  expect(seedsFrom(2 ** 32 - 1, 2)).toEqual([2 ** 32 - 1, 0]);
  expect([1, 2, 2.5, 100, 101, Number.NaN].filter(isSeedCount)).toEqual([2, 100]);
});

test('folds and seeds are trainings of a run; any other has none', () => {
  expect(trainingsOf({})).toBeNull();
  expect(trainingsOf({ seeds })).toMatchObject({ what: 'seed', count: 3, final: false, names: [42, 43, 44] });
  expect(trainingsOf({ seeds })!.results).toEqual([{ name: 42, ...result }]);
  expect(trainingsOf({ folds })).toMatchObject({ what: 'fold', count: 5, final: true, names: [1, 2, 3, 4, 5] });
});

test('an event is told as that of its training', () => {
  expect([trainingAt({ seeds }, { seed: 43 }), trainingAt({ folds }, { fold: 2 })]).toEqual([2, 2]);
  expect([trainingAt({ seeds }, { seed: 7 }), trainingAt({ folds }, {}), trainingAt({}, {})]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect([eventPrefix({ seed: 43 }), eventPrefix({ fold: 2 }), eventPrefix({})]).toEqual(['Seed 43', 'Fold 2', null]);
  const [ofSeeds, ofFolds] = [trainingsOf({ seeds })!, trainingsOf({ folds })!];
  expect([trainingName(ofSeeds, 2), trainingName(ofFolds, 2), trainingName(ofFolds, undefined)]).toEqual([
    'Seed 43 (2 of 3)',
    'Fold 2 of 5',
    'Model of all rows',
  ]);
});

test('steps of the trainings that are finished', () => {
  const [first, second] = [20, 13].map((steps, i) => ({ fold: i + 1, ...result, steps }));
  expect(stepsOfFinished({ folds: { ...folds, results: [first!, second!] } })).toBe(33);
  expect(stepsOfFinished({ seeds: { ...seeds, results: [{ seed: 42, ...result, steps: 7 }] } })).toBe(7);
  expect([stepsOfFinished({}), stepsOfFinished({ folds: { ...folds, results: [] } })]).toEqual([0, 0]);
});
