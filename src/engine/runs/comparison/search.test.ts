import { expect, it } from 'vitest';
import type { Candidate, CandidateResult, Search } from '../../../protocol/index.ts';
import { parseRecipe } from '../../recipes/recipe.ts';
import { planSearch } from './search.ts';

const base = { model: 'starters/bert', dataset: 'tickets.csv', num_train_epochs: 9 };
const plan = (search: Search, more: object = {}) => {
  const written = { ...base, ...more, search };
  const recipe = parseRecipe(written);
  return planSearch(written, recipe, recipe.search!);
};
/** As a run of it came out. */
const done = (candidate: Candidate, value: number, wall_s = 1): Candidate => ({
  ...candidate,
  state: 'done',
  result: {
    ...{ value, low: value - 0.1, high: value + 0.1, n: 100, majority: null, wall_s, peak_rss_bytes: 1 },
    ...{ model_bytes: 1, adapter_bytes: null, stopped: false },
  } satisfies CandidateResult,
});
const rates = { learning_rate: { min: 1e-5, max: 1e-2, scale: 'log' } } as const;

it('makes a candidate of each trial, with the recipe as it is written', () => {
  const { first, next, notes } = plan(
    { method: 'grid', values: { 'strategy.r': [4, 8] } },
    { strategy: { type: 'lora' } },
  );
  expect(first.share).toBe(1);
  expect(first.candidates.map(({ title, strategy, recipe }) => [title, strategy, recipe])).toEqual([
    ['strategy.r 4', 'lora', { ...base, strategy: { type: 'lora', r: 4 } }],
    ['strategy.r 8', 'lora', { ...base, strategy: { type: 'lora', r: 8 } }],
  ]);
  expect(next(first.candidates, 'accuracy')).toBeNull();
  expect(notes).toEqual([]);
  const few = plan({ method: 'random', values: { weight_decay: [0, 0.1] }, trials: 5 });
  expect(few.notes).toEqual(['There are only 2 different combinations of these values, so 2 are tried, not 5.']);
});

it('a key that a strategy does not have is left out for it, which is said, and that strategy is tried once', () => {
  const { first, notes } = plan({
    method: 'grid',
    values: { 'strategy.r': [4, 8], 'strategy.type': ['head', 'lora', 'full'] },
  });
  expect(first.candidates.map(({ title, strategy, recipe }) => [title, strategy, recipe.strategy])).toEqual([
    ['strategy.type head', 'head', { type: 'head' }],
    ['strategy.r 4, strategy.type lora', 'lora', { type: 'lora', r: 4 }],
    ['strategy.type full', 'full', { type: 'full' }],
    ['strategy.r 8, strategy.type lora', 'lora', { type: 'lora', r: 8 }],
  ]);
  expect(notes).toEqual(['strategy.r does not apply to head and full and is left out there.']);
  const drawn = plan({
    method: 'random',
    trials: 6,
    values: { 'strategy.type': ['head', 'lora'], 'strategy.r': { min: 2, max: 16 } },
  });
  expect(drawn.first.candidates).toHaveLength(6);
  expect(drawn.first.candidates.filter(({ strategy }) => strategy === 'head')).toHaveLength(1);
});

it('of successive halving the best third trains three times as long, until one trained to the end', () => {
  const { first, next } = plan({ method: 'halving', values: rates, trials: 9 });
  expect(first.candidates.map(({ rung }) => rung)).toEqual(
    Array.from({ length: 9 }, () => ({ rung: 1, rungs: 3, key: 'num_train_epochs', value: 1 })),
  );
  // What is written is the whole recipe.
  expect(first.candidates[0]!.recipe).toMatchObject({ num_train_epochs: 9 });
  expect(first.share).toBeCloseTo(1 / 3, 12);
  const ofFirst = first.candidates.map((candidate, at) => done(candidate, [4, 9, 2, 7, 1, 8, 3, 5, 6][at]! / 10));
  const second = next(ofFirst, 'accuracy')!;
  expect(second.candidates.map(({ title }) => title)).toEqual([1, 3, 5].map((at) => first.candidates[at]!.title));
  expect(second.candidates[0]!).toMatchObject({ state: 'waiting', result: null, rung: { rung: 2, value: 3 } });
  expect(second.share).toBe(1 / 2);
  const ofSecond = second.candidates.map((candidate, at) => done(candidate, [0.7, 0.9, 0.8][at]!));
  const third = next([...ofFirst, ...ofSecond], 'accuracy')!;
  expect(third.candidates.map(({ title, rung }) => [title, rung?.value])).toEqual([[first.candidates[3]!.title, 9]]);
  expect(third.share).toBe(1);
  const all = [...ofFirst, ...ofSecond, ...third.candidates.map((candidate) => done(candidate, 0.95))];
  expect(next(all, 'accuracy')).toBeNull();
});

it('of a loss the lowest go on, of equal ones the faster, and of max_steps steps', () => {
  const { first, next } = plan({ method: 'halving', values: rates, trials: 3 }, { max_steps: 100 });
  expect(first.candidates[0]!.rung).toEqual({ rung: 1, rungs: 2, key: 'max_steps', value: 33 });
  const [a, b, c] = first.candidates as [Candidate, Candidate, Candidate];
  const best = next([done(a, 0.5), done(b, 0.4, 2), done(c, 0.4, 1)], 'loss')!;
  expect(best.candidates.map(({ title }) => title)).toEqual([c.title]);
  // Where none could be measured there is nothing to go on with.
  expect(next(first.candidates, 'loss')).toBeNull();
});

it('of those that were stopped after fewer rows none goes on before one that was measured on all', () => {
  const { first, next } = plan({ method: 'halving', values: rates, trials: 3 });
  const [a, b, c] = first.candidates as [Candidate, Candidate, Candidate];
  const stopped = (candidate: Candidate, value: number, n: number): Candidate => {
    const ended = done(candidate, value);
    return { ...ended, result: { ...ended.result!, n, stopped: true } };
  };
  const on = (some: Candidate[]) => next(some, 'accuracy')!.candidates.map(({ title }) => title);
  expect(on([stopped(a, 1, 20), done(b, 0.7), done(c, 0.6)])).toEqual([b.title]);
  // Stopped, and measured on all rows all the same.
  expect(on([stopped(a, 1, 100), done(b, 0.7), done(c, 0.6)])).toEqual([a.title]);
});
