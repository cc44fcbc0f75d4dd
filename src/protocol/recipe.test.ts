import { expect, it } from 'vitest';
import { rateOf } from './recipe.ts';

it('a recipe’s learning rate is that of what its steps learn', () => {
  const learning_rate = 5e-5;
  expect(rateOf({ learning_rate })).toEqual({ key: 'learning_rate', value: 5e-5 });
  expect(rateOf({ learning_rate, strategy: { type: 'head' } })).toEqual({ key: 'learning_rate', value: 5e-5 });
  expect(rateOf({ learning_rate, strategy: { type: 'head', solver: 'lbfgs' } })).toBeNull();
  const pairs = { type: 'few-shot', body_learning_rate: 2e-5 };
  expect(rateOf({ learning_rate, strategy: pairs })).toEqual({ key: 'body_learning_rate', value: 2e-5 });
});
