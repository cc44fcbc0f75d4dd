import { expect, it } from 'vitest';
import { classWeights, stateWeights } from './class-weights.ts';

it('"balanced" is n / (classes · rows of the class), as sklearn.utils.class_weight.compute_class_weight', () => {
  // compute_class_weight('balanced', classes=[0, 1, 2], y=[0] * 6 + [1] * 3 + [2])
  expect([...classWeights('balanced', ['a', 'b', 'c'], [6, 3, 1])!]).toEqual([
    expect.closeTo(0.55555556, 8),
    expect.closeTo(1.11111111, 8),
    expect.closeTo(3.33333333, 8),
  ]);
});

it('a map gives what it names, 1 to the others, and names no class that is not there', () => {
  expect([...classWeights({ rare: 5, constructor: 2 }, ['rare', 'usual', 'constructor'], [1, 9, 2])!]).toEqual([
    5, 1, 2,
  ]);
  expect([...classWeights({}, ['constructor', 'toString'], [1, 1])!]).toEqual([1, 1]);
  expect(() => classWeights({ rar: 5 }, ['rare', 'usual'], [1, 9])).toThrow(
    expect.objectContaining({
      code: 'recipe-invalid',
      message: 'class_weight names “rar”, which no training row has.',
      hint: 'The training rows have the classes “rare” and “usual”.',
    }),
  );
});

it('a text counts w / Σ w in its step, as torch averages, and exactly 1 / n without weights', () => {
  const weight = stateWeights(Float64Array.of(2, 0.5), [0, 1, 1]);
  expect([weight(0), weight(1)]).toEqual([2 / 3, 0.5 / 3]);
  expect(classWeights(undefined, ['a'], [1])).toBeNull();
  expect(stateWeights(null, [0, 1, 1])(0)).toBe(1 / 3);
});
