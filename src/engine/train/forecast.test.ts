import { expect, test } from 'vitest';
import type { Recipe } from '../../protocol/index.ts';
import { Forecast } from './forecast.ts';
import type { Trainer } from './types.ts';

test('time is left while steps are, with the evaluations between them; none behind the last one', () => {
  const trainer = { totalSteps: 10, stepsPerEpoch: 5, numValidationRows: 8 } as Trainer;
  const recipe = { per_device_train_batch_size: 4, gradient_accumulation_steps: 1, eval_steps: 0 } as Recipe;
  const forecast = new Forecast(trainer, recipe);
  forecast.step(9000);
  expect(forecast.secondsLeft(1)).toBeNull();
  forecast.step(1000);
  forecast.evaluation(500);
  // Eight steps, and the evaluations after steps 5 and 10.
  expect(forecast.secondsLeft(2)).toBe(9);
  expect(forecast.secondsLeft(9)).toBe(1.5);
  expect(forecast.secondsLeft(10)).toBeNull();
});
