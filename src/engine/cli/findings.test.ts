import { expect, test } from 'vitest';
import type { Change, Finding, Recipe } from '../../protocol/index.ts';
import { findingLines } from './findings.ts';

test('findings are told with the command of what to try next', () => {
  const finding = (change?: Change): Finding => ({
    code: 'overfitting',
    severity: 'warning',
    ...{ title: 'Overfitting since step 30', text: 'The loss rose.', figures: {} },
    ...(change && { change }),
  });
  const recipe = { dataset: { train: '/w/my rows.csv' } } as Recipe;
  const lines = (change?: Change, recipe_path: string | null = '/w/a.recipe.json') =>
    findingLines({ findings: [finding(change)], recipe, recipe_path }, (path) => path.replace('/w/', ''));
  expect(lines()).toEqual(['Overfitting since step 30. The loss rose.']);
  const title = 'x';
  const set = { learning_rate: 1e-5, 'strategy.body_learning_rate': 2e-5 };
  expect(lines({ kind: 'recipe', title, set })[1]).toBe(
    '  Next: luthier train a.recipe.json --set learning_rate=0.00001 --set strategy.body_learning_rate=0.00002',
  );
  expect(lines({ kind: 'recipe', title, set: { num_train_epochs: 6 } }, null)[1]).toBe(
    '  Next: luthier train RECIPE --set num_train_epochs=6',
  );
  expect(lines({ kind: 'folds', title })[1]).toBe('  Next: luthier train a.recipe.json --folds 5');
  expect(lines({ kind: 'data', title })[1]).toBe("  Next: luthier data inspect 'my rows.csv'");
  expect(lines({ kind: 'rows', title })).toHaveLength(1);
  expect(findingLines({ recipe, recipe_path: null }, (path) => path)).toEqual([]);
});
