import { describe, expect, it } from 'vitest';
import type { Recipe } from '../../protocol/index.ts';
import { learningRate, warmupSteps } from './schedule.ts';

// transformers 5.23's get_scheduler(name, optimizer of lr 1, num_warmup_steps, num_training_steps=10).
const FIGURES: [Recipe['lr_scheduler_type'], warmup: number, rates: number[]][] = [
  [
    'linear',
    3,
    [0, 0.333333333, 0.666666667, 1, 0.857142857, 0.714285714, 0.571428571, 0.428571429, 0.285714286, 0.142857143],
  ],
  [
    'cosine',
    3,
    [0, 0.333333333, 0.666666667, 1, 0.950484434, 0.811744901, 0.611260467, 0.388739533, 0.188255099, 0.049515566],
  ],
  ['constant', 0, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
  ['constant_with_warmup', 4, [0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1]],
];

describe('learningRate', () => {
  it.each(FIGURES)('%s is transformers’', (lr_scheduler_type, warmup_steps, rates) => {
    const recipe = { learning_rate: 1, lr_scheduler_type, warmup_steps };
    rates.forEach((rate, step) => {
      expect(learningRate(recipe, step, 10)).toBeCloseTo(rate, 8);
    });
  });

  it('takes warmup_steps below 1 as a share', () => {
    expect(warmupSteps({ warmup_steps: 0.06 }, 100)).toBe(6);
    expect(warmupSteps({ warmup_steps: 0.06 }, 10)).toBe(1);
    expect(warmupSteps({ warmup_steps: 7 }, 5)).toBe(5);
    expect(warmupSteps({ warmup_steps: 0 }, 5)).toBe(0);
  });
});
