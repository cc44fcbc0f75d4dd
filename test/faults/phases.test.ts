import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { Checkpoints } from '../../src/engine/runs/checkpoints.ts';
import { STRATEGIES } from '../../src/engine/strategies/index.ts';
import type { StrategyKind } from '../../src/engine/strategies/kind.ts';
import { INITIAL_STATE } from '../../src/engine/train/loop-state.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import type { Trainer } from '../../src/engine/train/types.ts';
import type { Strategy } from '../../src/protocol/index.ts';
import { makeTinyBert, tinyRows } from './tiny.ts';

/** The head, from a third of the run on the last layer too, and from two thirds on everything; layers learn slower. */
const thaw: StrategyKind = {
  schema: z.strictObject({ type: z.literal('thaw') }) as StrategyKind['schema'],
  title: 'Thaw',
  detail: () => '',
  suggest: () => ({ type: 'thaw' }),
  trained:
    (_strategy, _model, phase = 2) =>
    ({ place }) =>
      place === 'head' || phase === 2 || (phase === 1 && place >= 1),
  phases: (_strategy, _model, { total }) => [0, Math.floor(total / 3), Math.floor((2 * total) / 3)],
  rate:
    () =>
    ({ place }) =>
      place === 'head' ? 1 : 0.5,
};

const STEPS = 9;
let place: string;
beforeAll(async () => {
  (STRATEGIES as Record<string, StrategyKind>).thaw = thaw;
  place = await mkdtemp(join(tmpdir(), 'luthier-phases-'));
  await makeTinyBert(join(place, 'tiny'));
  await writeFile(join(place, 'rows.csv'), tinyRows(80));
});
afterAll(async () => {
  delete (STRATEGIES as Record<string, StrategyKind>).thaw;
  await rm(place, { recursive: true, force: true });
});

async function trainer(accumulation = 1): Promise<Trainer> {
  const recipe = parseRecipe({
    ...{ model: 'tiny', dataset: 'rows.csv', max_steps: STEPS, max_length: 32, learning_rate: 3e-2 },
    gradient_accumulation_steps: accumulation,
  });
  const strategy: Strategy = { type: 'thaw' };
  return createTrainer({ recipe: { ...recipe, strategy }, base: place, note: () => {} });
}

const moved = (one: Trainer, before: ReadonlyMap<string, Float32Array>) =>
  [...one.state().parameters].flatMap(([name, { data }]) =>
    data.some((value, i) => value !== before.get(name)![i]) ? [name] : [],
  );
const copy = (one: Trainer) =>
  new Map([...one.state().parameters].map(([name, { data }]) => [name, Float32Array.from(data)]));
const figures = async (one: Trainer) => {
  const { loss, grad_norm } = await one.trainStep();
  return [loss, grad_norm];
};

it('each phase moves what it trains, and nothing else', async () => {
  const one = await trainer();
  const places: string[][] = [];
  for (let step = 0; step < STEPS; step++) {
    const before = copy(one);
    await one.trainStep();
    // The first steps of a warmup have a rate of 0.
    if (step % 3 !== 0)
      places.push([...new Set(moved(one, before).map((name) => /layer\.\d|embeddings/.exec(name)?.[0] ?? 'head'))]);
  }
  const all = ['embeddings', 'layer.0', 'layer.1', 'head'];
  expect(places).toEqual([['head'], ['head'], ['layer.1', 'head'], ['layer.1', 'head'], all, all]);
  one.dispose();
});

it.each([1, 2])(
  'resumed inside each phase, a run has the losses that it would have had (accumulation %i)',
  async (n) => {
    const whole = await trainer(n);
    const expected: number[][] = [];
    while (whole.step < STEPS) expected.push(await figures(whole));
    const weights = copy(whole);
    whole.dispose();
    for (const at of [1, 3, 4, 6, 8]) {
      const store = new Checkpoints(join(place, `checkpoints-${n}-${at}`), 1, 'hash');
      const first = await trainer(n);
      while (first.step < at) await first.trainStep();
      await store.save({ ...INITIAL_STATE, step: at }, first.state());
      first.dispose();
      const checkpoint = (await store.readLatest())!;
      expect(checkpoint.phase).toBe(Math.floor(at / 3));
      const second = await trainer(n);
      second.restore({ ...checkpoint, step: at });
      const rest: number[][] = [];
      while (second.step < STEPS) rest.push(await figures(second));
      expect(rest).toEqual(expected.slice(at));
      expect(copy(second)).toEqual(weights);
      second.dispose();
    }
  },
);

it('a checkpoint of another phase than the recipe’s is refused', async () => {
  const one = await trainer();
  while (one.step < 4) await one.trainStep();
  const { parameters, moments } = one.state();
  const values = (all: typeof parameters) =>
    new Map([...all].map(([name, { data }]) => [name, Float32Array.from(data)]));
  const state = { step: 4, parameters: values(parameters), moments: values(moments) };
  expect(() => one.restore({ ...state, phase: 2 })).toThrow(
    'is in phase 3 of the strategy, where this recipe is in phase 2',
  );
  one.restore({ ...state, phase: 1 });
  one.dispose();
});
