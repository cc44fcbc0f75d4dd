import { expect, it } from 'vitest';
import { parseRecipe } from './recipe.ts';
import { unusualValues } from './unusual.ts';

const keysOf = (change: object, totalSteps?: number) =>
  unusualValues(parseRecipe({ model: 'm', dataset: 'd', ...change }), totalSteps).map(({ key }) => key);

it('a rate, a number of epochs or a warmup that is hardly meant is told', () => {
  expect(unusualValues(parseRecipe({ model: 'm', dataset: 'd', learning_rate: 50 }))).toEqual([
    {
      key: 'learning_rate',
      message:
        'learning_rate is 50; at such a rate the weights are soon too large and the model learns nothing. Usual rates are 0.00001 to 0.001.',
    },
  ]);
  expect(keysOf({ learning_rate: 5 })).toEqual(['learning_rate']);
  expect(keysOf({ num_train_epochs: 2000 })).toEqual(['num_train_epochs']);
  expect(keysOf({ warmup_steps: 500 }, 20)).toEqual(['warmup_steps']);
  expect(keysOf({ warmup_steps: 500, max_steps: 100 })).toEqual(['warmup_steps']);
  const texts = { task: 'text-generation', strategy: { type: 'full' } };
  expect(keysOf({ ...texts, fim_rate: 1 })).toEqual(['fim_rate']);
  expect(keysOf({ ...texts, fim_rate: 0.9 })).toEqual([]);
});

it('what recipes have is not', () => {
  expect(keysOf({ learning_rate: 0.1, num_train_epochs: 1000, warmup_steps: 500 }, 500)).toEqual([]);
  // How many steps there are, only the data tells.
  expect(keysOf({ warmup_steps: 500 })).toEqual([]);
  expect(keysOf({ num_train_epochs: 2000, max_steps: 100 })).toEqual([]);
});
