import { describe, expect, it } from 'vitest';
import { RECIPE_VERSION } from '../../protocol/index.ts';
import { migrateRecipe } from './migrate.ts';
import { checkRecipe, parseRecipe } from './recipe.ts';

/** As 0.1.0's `luthier train` and editor wrote them. */
const OLD = {
  task: 'text-classification',
  model: 'starters/bert',
  dataset: 'tickets.csv',
  columns: { text: 'body', label: 'queue' },
  strategy: { type: 'lora', r: 8, lora_alpha: 16, lora_dropout: 0.05, target_modules: ['query', 'value'] },
  learning_rate: 1e-3,
  num_train_epochs: 3,
  warmup_ratio: 0.1,
};

describe('recipes of other versions', () => {
  it('one without a version is 0.1’s and means what it meant', () => {
    const { warmup_ratio, ...same } = OLD;
    expect(parseRecipe(OLD)).toMatchObject({ ...same, warmup_steps: 0.1, version: RECIPE_VERSION });
    expect(parseRecipe({ ...OLD, version: 1 })).toEqual(parseRecipe(OLD));
  });

  it('every version before the current one has a step, and the current one is left as it is', () => {
    for (let version = 1; version <= RECIPE_VERSION; version++) {
      expect(migrateRecipe({ version, model: 'm' })).toEqual({ recipe: { version: RECIPE_VERSION, model: 'm' } });
    }
    const complete = parseRecipe(OLD);
    expect(parseRecipe(complete)).toEqual(complete);
  });

  it('a newer one, or one that is none, is refused in a sentence', () => {
    expect(() => parseRecipe({ ...OLD, version: RECIPE_VERSION + 1, keys_to_come: true })).toThrow(
      `The recipe: the recipe was written by a newer version of Luthier ("version": ${RECIPE_VERSION + 1}; this one knows up to ${RECIPE_VERSION}).`,
    );
    expect(checkRecipe({ ...OLD, version: 'two' })).toEqual({
      issues: [
        {
          code: 'wrong-value',
          keys: ['version'],
          message: `"version" is "two" and must be a whole number from 1 to ${RECIPE_VERSION}.`,
          hint: `This version of Luthier writes ${RECIPE_VERSION}.`,
          instead: [RECIPE_VERSION],
        },
      ],
    });
    for (const version of [0, 1.5, null, {}, { toString: 1 }])
      expect(checkRecipe({ ...OLD, version })).toHaveProperty('issues');
  });
});
