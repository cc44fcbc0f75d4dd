import { describe, expect, it } from 'vitest';
import type { Recipe } from '../../protocol/index.ts';
import { parseRecipe } from './recipe.ts';
import { fitBatch, learningRate, warmupSteps, warmupWarning } from './schedule.ts';

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
    expect(warmupSteps({ warmup_steps: 7 }, 5)).toBe(7);
    expect(warmupSteps({ warmup_steps: 0 }, 5)).toBe(0);
  });

  it('rises as transformers’ does where the run ends within the warmup', () => {
    // get_scheduler('linear', num_warmup_steps=500, num_training_steps=6): step / 500.
    const recipe = { learning_rate: 5e-5, lr_scheduler_type: 'linear', warmup_steps: 500 } as const;
    for (const step of [0, 1, 5]) expect(learningRate(recipe, step, 6)).toBeCloseTo(step * 1e-7, 15);
    // A warmup as long as the run is none that is too long.
    expect(learningRate({ ...recipe, warmup_steps: 6 }, 5, 6)).toBeCloseTo((5e-5 * 5) / 6, 12);
  });
});

describe('slanted_triangular', () => {
  const rates = (totalSteps: number, more: Partial<Recipe> = {}) =>
    Array.from({ length: totalSteps }, (_, step) =>
      learningRate(
        { learning_rate: 0.01, lr_scheduler_type: 'slanted_triangular', warmup_steps: 500, ...more },
        step,
        totalSteps,
      ),
    );

  // Howard & Ruder 2018, equation 3, with T = 1000, cut_frac = 0.1, ratio = 32 and η_max = 0.01, by hand: cut = 100.
  it.each([
    [0, 0.01 / 32],
    [50, (0.01 * (1 + 0.5 * 31)) / 32],
    [100, 0.01],
    [550, (0.01 * (1 + 0.5 * 31)) / 32],
    [999, (0.01 * (1 + 31 / 900)) / 32],
  ])('step %i is the paper’s', (step, rate) => {
    expect(rates(1000)[step]).toBeCloseTo(rate, 12);
  });

  it('is the paper’s formula at each step where cut_frac is a whole number of steps', () => {
    const [T, cutFrac, ratio] = [40, 0.25, 10];
    const cut = Math.floor(T * cutFrac);
    const paper = (t: number) => {
      const p = t < cut ? t / cut : 1 - (t - cut) / (cut * (1 / cutFrac - 1));
      return (0.01 * (1 + p * (ratio - 1))) / ratio;
    };
    rates(T, { cut_frac: cutFrac, ratio }).forEach((rate, t) => {
      expect(rate).toBeCloseTo(paper(t), 12);
    });
  });

  it('falls below the lowest rate in no run, however short, where the paper’s formula would', () => {
    for (const steps of [1, 2, 9, 19, 29]) {
      expect(Math.max(...rates(steps))).toBeCloseTo(0.01, 12);
      expect(Math.min(...rates(steps))).toBeGreaterThanOrEqual(0.01 / 32);
    }
  });

  it('has no use for warmup_steps', () => {
    const recipe = { learning_rate: 1, lr_scheduler_type: 'slanted_triangular', warmup_steps: 500 } as const;
    expect(warmupWarning(recipe, 6)).toBeNull();
  });
});

describe('warmupWarning', () => {
  it('says a warmup that is longer than the run, and the highest learning rate', () => {
    const recipe = { learning_rate: 5e-5, lr_scheduler_type: 'linear', warmup_steps: 500 } as const;
    expect(warmupWarning(recipe, 6)).toBe(
      'The warmup (warmup_steps 500) is longer than the run (6 steps): the learning rate rises only to 6e-7 (0.00005 · 6/500) and never reaches 0.00005. Set warmup_steps to 1, or to a share such as 0.06.',
    );
    expect(warmupWarning({ ...recipe, warmup_steps: 6 }, 6)).toBeNull();
    expect(warmupWarning({ ...recipe, warmup_steps: 0.9 }, 6)).toBeNull();
    expect(warmupWarning({ ...recipe, lr_scheduler_type: 'constant' }, 6)).toBeNull();
  });
});

describe('fitBatch', () => {
  const recipe = parseRecipe({ model: 'm', dataset: 'd.csv' });

  it('makes the default batch as small as the training part, and says so', () => {
    const fitted = fitBatch(recipe, 11);
    expect(fitted.recipe.per_device_train_batch_size).toBe(11);
    expect(fitted.note).toBe(
      'There are 11 training rows, fewer than per_device_train_batch_size (16), so each batch has 11.',
    );
    expect(fitBatch(recipe, 16)).toEqual({ recipe, note: null });
  });

  it('refuses a size that was chosen', () => {
    expect(() => fitBatch({ ...recipe, per_device_train_batch_size: 32 }, 11)).toThrow(
      'per_device_train_batch_size is 32, but there are only 11 training rows.',
    );
  });
});
